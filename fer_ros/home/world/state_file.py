# SPDX-License-Identifier: Apache-2.0
"""The file that keeps what a home remembers: written whole or not at all, for its owner alone."""

import json
import logging
import os
from pathlib import Path

from fer_ros.errors import FerError
from fer_ros.files import read_text
from fer_ros.home.decisions.memory import HomeMemory, VERSION
from pydantic import ValidationError

_MAXIMUM_BYTES = 1_000_000
#: A file that could not be written is tried again no sooner, seconds.
_RETRY_S = 10.0

_LOGGER = logging.getLogger(__name__)


def ros_home() -> Path:
    """Return the folder in which ROS keeps what outlives a node."""
    return Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')


def state_folder(name: str) -> Path:
    """Return the folder in which a program keeps what outlives it, as systemd or XDG say."""
    # systemd names several, with colons between, where a unit has several.
    given = os.environ.get('STATE_DIRECTORY', '').partition(':')[0]
    if given:
        return Path(given)
    return Path(os.environ.get('XDG_STATE_HOME') or Path.home() / '.local' / 'state') / name


class StateFile:
    """One file with the memory of one home.

    :ivar problem: what is wrong with it and what follows, or an empty string.
    """

    def __init__(self, path: Path):
        self.path = path
        self._broken = self._unwritten = ''
        self._written: dict | None = None
        self._retry_s = -float('inf')

    @property
    def problem(self) -> str:
        """What is wrong with the file, or an empty string."""
        return self._unwritten or self._broken

    def read(self) -> HomeMemory | None:
        """Return what is remembered, or None; a file that cannot be used is put aside."""
        if not self.path.exists():
            return None
        try:
            data = json.loads(read_text(self.path, _MAXIMUM_BYTES), parse_constant=_refuse)
            version = data.get('version') if isinstance(data, dict) else None
            if version != VERSION:
                raise ValueError(f'its version is {version}, not {VERSION}')
            return HomeMemory.model_validate(data)
        except ValidationError as error:
            where = '.'.join(map(str, error.errors()[0]['loc']))
            self._put_aside(f'{where} makes no sense')
        except (ValueError, RecursionError) as error:
            self._put_aside(str(error) or 'it is not JSON')
        except FerError as error:
            self._put_aside(str(error).removeprefix(f'{self.path}: '))
        return None

    def _put_aside(self, why: str) -> None:
        aside = self.path.with_name(f'{self.path.name}.broken')
        try:
            os.replace(self.path, aside)
            done = f'it was put aside as {aside.name}'
        except OSError as error:
            done = f'it cannot be put aside ({error.strerror})'
        self._broken = (f'the memory {self.path} cannot be used: {why[:200]}; {done}, and the '
                        'rooms start as the policy says')
        _LOGGER.warning('%s', self._broken)

    def write(self, rooms: dict[str, dict], now_s: float) -> None:
        """Write what the rooms remember, if that has changed.

        :param now_s: a clock that does not jump, seconds; after a failure it waits.
        """
        if rooms == self._written or now_s < self._retry_s:
            return
        text = json.dumps({'version': VERSION, 'rooms': rooms}, allow_nan=False, indent=1)
        beside = self.path.with_name(f'.{self.path.name}.new')
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(number, 'w', encoding='utf-8') as file:
                file.write(text + '\n')
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            self._retry_s = now_s + _RETRY_S
            self._unwritten = (
                f'the memory {self.path} cannot be written: {error.strerror}; switches, holds and '
                'what is to be undone are forgotten when the bridge ends')
            return
        self._unwritten, self._written, self._retry_s = '', rooms, -float('inf')


def _refuse(name: str) -> None:
    raise ValueError(f'{name} is not a number')


def _sync_folder(folder: Path) -> None:
    """Make the new name outlive a power cut, where the file system can."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        pass
    finally:
        os.close(number)

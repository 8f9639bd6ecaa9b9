# SPDX-License-Identifier: Apache-2.0
"""The state file of a home: written atomically, readable only by its owner."""

import json
import logging
import os
from pathlib import Path

from fer_ros.errors import FerError
from fer_ros.files import read_text
from fer_ros.home.decisions.memory import HomeMemory, VERSION
from pydantic import ValidationError

_MAXIMUM_BYTES = 1_000_000
#: Pause after a failed write, seconds.
_RETRY_S = 10.0

_LOGGER = logging.getLogger(__name__)


def ros_home() -> Path:
    """Return the ROS home folder."""
    return Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')


def state_folder(name: str) -> Path:
    """Return a program's state folder, as set by systemd or XDG."""
    # systemd separates several folders with colons.
    given = os.environ.get('STATE_DIRECTORY', '').partition(':')[0]
    if given:
        return Path(given)
    return Path(os.environ.get('XDG_STATE_HOME') or Path.home() / '.local' / 'state') / name


class StateFile:
    """Reads and writes the state of a home.

    :ivar problem: the problem of the file and its effect, or an empty string.
    """

    def __init__(self, path: Path):
        self.path = path
        self._broken = self._unwritten = ''
        self._written: dict | None = None
        self._retry_s = -float('inf')

    @property
    def problem(self) -> str:
        """The problem of the file, or an empty string."""
        return self._unwritten or self._broken

    def read(self) -> HomeMemory | None:
        """Return the stored state, or None; an unusable file is renamed."""
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
            self._set_aside(f'{where} is not valid')
        except (ValueError, RecursionError) as error:
            self._set_aside(str(error) or 'it is not JSON')
        except FerError as error:
            self._set_aside(str(error).removeprefix(f'{self.path}: '))
        return None

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f'{self.path.name}.broken')
        try:
            os.replace(self.path, aside)
            done = f'it was renamed to {aside.name}'
        except OSError as error:
            done = f'it cannot be renamed ({error.strerror})'
        self._broken = (f'the state file {self.path} cannot be used: {why[:200]}; {done}, and the '
                        'rooms start as the policy says')
        _LOGGER.warning('%s', self._broken)

    def write(self, rooms: dict[str, dict], now_s: float) -> None:
        """Write the state of the rooms if it has changed.

        :param now_s: a monotonic clock, seconds; after a failure it pauses.
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
                f'the state file {self.path} cannot be written: {error.strerror}; switches, holds '
                'and states to restore are lost when the bridge ends')
            return
        self._unwritten, self._written, self._retry_s = '', rooms, -float('inf')


def _refuse(name: str) -> None:
    raise ValueError(f'{name} is not a number')


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that the new name survives a power cut."""
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

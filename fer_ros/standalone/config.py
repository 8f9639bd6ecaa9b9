# SPDX-License-Identifier: Apache-2.0
"""The configuration of fer-home: a YAML file, checked completely before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
import re
from typing import Any

from fer_ros.cameras.capture import CAMERA_PARAMETERS
from fer_ros.dashboard.page import PAGE_PARAMETERS
from fer_ros.errors import ConfigurationError
from fer_ros.home.policy import load_policy, Policy, Secret
from fer_ros.home.policy.syntax import load, PolicySyntaxError
from fer_ros.installed import config_file
from fer_ros.parameters import complete, Parameter
from fer_ros.perception import CLASSIFIER_PARAMETERS, DETECTOR_PARAMETERS
from pydantic import ValidationError

#: Name of a camera without a name; its emotions come from ``emotions``.
UNNAMED = 'camera'
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*\Z')
#: Top-level keys with a single value.
_TOP = (
    Parameter('version', 1, 'version of the format of this file', choices=(1,)),
    Parameter('policy', '', 'the policy file, relative to this file; empty: the shipped one'),
    Parameter('policy_name', '', "the policy of the file for all rooms; empty: each room's "
              'own'),
    Parameter('state_file', '', 'where switches, policies, holds and states to restore are '
              'kept over a restart; empty: home.json in the state directory of systemd, or in '
              '~/.local/state/fer-home; none: nowhere'),
    Parameter('dry_run', False, 'only show the actions: no broker, no Home Assistant, no '
              'secrets read'),
)
_SECTIONS = {'detector': DETECTOR_PARAMETERS, 'classifier': CLASSIFIER_PARAMETERS,
             'page': PAGE_PARAMETERS}


@dataclass(frozen=True)
class Camera:
    """A camera of fer-home.

    :ivar settings: values of :data:`fer_ros.cameras.capture.CAMERA_PARAMETERS`, by name.
    :ivar rooms: which rooms of the policy it sees; None: the rooms whose ``sources`` name it.
    """

    name: str
    settings: Mapping[str, Any] = field(repr=False)
    rooms: tuple[str, ...] | None = None

    @property
    def topic(self) -> str:
        """The topic of its emotions in the policy's ``sources``."""
        return 'emotions' if self.name == UNNAMED else f'{self.name}/emotions'


@dataclass(frozen=True)
class Config:
    """The complete configuration of fer-home.

    :ivar policy: the policy, with the cameras of each room as its ``sources``.
    :ivar page: settings of the page by name, or None for no page.
    :ivar unfed: rooms of the policy without a camera.
    :ivar state_file: the configured value, a path or ``none``; empty: not set.
    """

    policy_file: Path
    policy: Policy
    policy_name: str
    dry_run: bool
    cameras: tuple[Camera, ...]
    detector: Mapping[str, Any]
    classifier: Mapping[str, Any]
    page: Mapping[str, Any] | None
    unfed: tuple[str, ...] = ()
    state_file: str = ''


@dataclass(frozen=True)
class Options:
    """Command-line options that override the file; None keeps the file's value.

    :ivar page: settings of the page by name.
    :ivar web: whether the page is enabled.
    """

    source: str | None = None
    rooms: tuple[str, ...] | None = None
    policy: str | None = None
    loop: bool = False
    dry_run: bool = False
    web: bool | None = None
    page: Mapping[str, Any] = field(default_factory=dict)


class _Reader:
    """Checks values and names their file, line and key in error messages."""

    def __init__(self, name: str, lines: Mapping[tuple, int]):
        self._name, self._lines = name, lines

    def error(self, path: tuple, message: object) -> ConfigurationError:
        """Return an error whose message begins with file, line and key."""
        line_path = path
        while line_path and line_path not in self._lines:
            line_path = line_path[:-1]
        where = f'{self._name}:{self._lines[line_path]}: ' if self._lines else ''
        key = '.'.join(path)
        return ConfigurationError(f'{where}{key + ": " if key else ""}{message}')

    def table(self, path: tuple, given: object, table: tuple[Parameter, ...]) -> dict[str, Any]:
        """Return the values of a mapping by a table of parameters."""
        given = {} if given is None else given
        if not isinstance(given, dict):
            raise self.error(path, f'{given!r}: expected keys with values, among them '
                             f'{", ".join(parameter.name for parameter in table[:4])}')
        for name, value in given.items():
            try:
                complete(table, {name: value})
            except ConfigurationError as error:
                raise self.error((*path, name), error) from error
        return complete(table, given)


def load_config(path: str | Path | None, options: Options = Options(), *,
                secrets: bool = True) -> Config:
    """Read and check the configuration and the policy it names.

    :param path: the file; None: only the command line.
    :param secrets: False: camera sources kept in other files or variables are not read.
    :raises ConfigurationError: file, line, key and what was expected; one line per error.
    """
    data, lines, folder = {}, {}, Path()
    if path is not None:
        data, lines = _read(Path(path))
        folder = Path(path).parent
    reader = _Reader(str(path), lines)
    sections = {'cameras', *_SECTIONS}
    top = reader.table((), {key: value for key, value in data.items() if key not in sections},
                       _TOP)
    if path is not None and 'version' not in data:
        raise reader.error((), 'version is missing: write version: 1')
    cameras = _cameras(reader, data.get('cameras'), options, secrets)
    page = None
    if options.web or (options.web is None and (
            'page' in data or options.page)):
        page = reader.table(('page',), data.get('page'), PAGE_PARAMETERS)
        page = complete(PAGE_PARAMETERS, {**page, **options.page})
        page['token_file'] = _beside(folder, page['token_file'])
    parts = {name: reader.table((name,), data.get(name), _SECTIONS[name])
             for name in ('detector', 'classifier')}
    for part, key in (('detector', 'model_path'), ('detector', 'emotion_model'),
                      ('classifier', 'model'), ('classifier', 'delegate')):
        # A name without a folder may be that of a shipped model.
        if '/' in parts[part][key]:
            parts[part][key] = _beside(folder, parts[part][key])
    if options.policy is not None:
        policy_file = Path(options.policy).expanduser()
    else:
        policy_file = Path(_beside(folder, top['policy'])) if top['policy'] \
            else config_file('policies/default.yaml')
    policy = load_policy(policy_file)
    if top['policy_name'] and top['policy_name'] not in policy.policies:
        raise reader.error(('policy_name',), f'{top["policy_name"]!r} is not in {policy_file}: '
                           f'expected one of {", ".join(policy.policies)}')
    policy, unfed = _feed(reader, policy, policy_file, cameras)
    return Config(policy_file, policy, top['policy_name'], options.dry_run or top['dry_run'],
                  cameras, parts['detector'], parts['classifier'], page, unfed,
                  top['state_file'] if top['state_file'] == 'none'
                  else _beside(folder, top['state_file']))


def read_page(path: Path) -> dict[str, Any]:
    """Return only the page settings of a configuration file.

    :raises ConfigurationError: as :func:`load_config`.
    """
    data, lines = _read(path)
    return _Reader(str(path), lines).table(('page',), data.get('page'), PAGE_PARAMETERS)


def _read(path: Path) -> tuple[dict, dict]:
    try:
        data, lines = load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}:1: not a text file in UTF-8') from error
    except PolicySyntaxError as error:
        key = f'{error.field}: ' if error.field else ''
        raise ConfigurationError(f'{path}:{error.line}: {key}{error}') from error
    if not isinstance(data, dict):
        raise ConfigurationError(f'{path}:1: expected keys with values, among them version, '
                                 'policy and cameras')
    return data, lines


def _beside(folder: Path, name: str) -> str:
    """Return a path relative to the folder of the file that contains it."""
    return str(folder / Path(name).expanduser()) if name else ''


def _cameras(reader: _Reader, given: object, options: Options, secrets: bool
             ) -> tuple[Camera, ...]:
    found = []
    if given is not None and not isinstance(given, dict):
        raise reader.error(('cameras',), f'{given!r}: expected lines such as '
                           'living_room: {source: /dev/video0}')
    for name, entry in (given or {}).items():
        if not _NAME.match(name):
            raise reader.error(('cameras', name), 'not a valid camera name: expected a letter, '
                               'then letters, digits and underscores')
        found.append(_camera(reader, name, entry, secrets))
    if options.source is not None:
        # The only camera in the file keeps its name, rooms and size.
        base = found[0] if len(found) == 1 else Camera(UNNAMED, complete(CAMERA_PARAMETERS, {}))
        found = [Camera(base.name, {**base.settings, 'source': options.source}, base.rooms)]
    if not found:
        found = [Camera(UNNAMED, complete(CAMERA_PARAMETERS, {}))]
    if options.loop:
        found = [Camera(camera.name, {**camera.settings, 'loop': True}, camera.rooms)
                 for camera in found]
    if options.rooms is not None:
        if len(found) > 1:
            raise ConfigurationError('--room is for one camera; the file has several: give them '
                                     'rooms there')
        found = [Camera(found[0].name, found[0].settings, options.rooms)]
    return tuple(found)


def _camera(reader: _Reader, name: str, entry: object, secrets: bool) -> Camera:
    path = ('cameras', name)
    if not isinstance(entry, dict) or 'source' not in entry:
        raise reader.error(path, 'expected source: with a device, file, folder or URL')
    entry = dict(entry)
    rooms = entry.pop('rooms', None)
    if rooms is not None and (not isinstance(rooms, list) or not rooms
                              or not all(isinstance(room, str) for room in rooms)):
        raise reader.error((*path, 'rooms'), f'{rooms!r}: expected a list of rooms of the policy')
    if isinstance(entry['source'], dict):
        # A URL with a password does not belong in a file that others can read.
        try:
            secret = Secret.model_validate(entry['source'])
            entry['source'] = secret.read('source') if secrets else 'elsewhere'
        except ValidationError as error:
            raise reader.error((*path, 'source'), 'expected a string, or {env: NAME} or '
                               '{file: PATH}') from error
        except ConfigurationError as error:
            raise reader.error((*path, 'source'), error) from error
    settings = reader.table(path, entry, CAMERA_PARAMETERS)
    if len(settings['pixel_format']) not in (0, 4):
        raise reader.error((*path, 'pixel_format'), f'{settings["pixel_format"]!r}: expected '
                           'four letters, such as MJPG')
    return Camera(name, settings, None if rooms is None else tuple(rooms))


def _feed(reader: _Reader, policy: Policy, policy_file: Path, cameras: tuple[Camera, ...]
          ) -> tuple[Policy, tuple[str, ...]]:
    """Return the policy with the cameras as sources, and the rooms without a camera."""
    fed: dict[str, list[str]] = {room: [] for room in policy.rooms}
    for camera in cameras:
        for room in camera.rooms if camera.rooms is not None else policy.rooms:
            if room not in fed:
                raise reader.error(('cameras', camera.name, 'rooms'), f'{room!r} is not a room '
                                   f'of {policy_file}: expected {", ".join(fed)}')
            if camera.rooms is not None or camera.topic in policy.rooms[room].sources:
                fed[room].append(camera.topic)
    if not any(fed.values()) and len(cameras) == len(fed) == 1:
        fed[next(iter(fed))].append(cameras[0].topic)  # one camera and one room belong together
    if not any(fed.values()):
        names = ', '.join(camera.name for camera in cameras)
        raise reader.error(('cameras',), f'no camera sees a room of {policy_file}: the '
                           f'cameras are {names}, the sources of the rooms are '
                           f'{", ".join(policy.sources)}; set rooms: '
                           f'[{next(iter(fed))}], or --room {next(iter(fed))}')
    rooms = {name: room.model_copy(update={'sources': tuple(dict.fromkeys(fed[name]))})
             if fed[name] else room for name, room in policy.rooms.items()}
    return (policy.model_copy(update={'rooms': rooms}),
            tuple(room for room, topics in fed.items() if not topics))

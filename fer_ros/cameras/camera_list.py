# SPDX-License-Identifier: Apache-2.0
"""The file that lists the cameras of a house or robot."""

from dataclasses import dataclass
from pathlib import Path
import re

from fer_ros.errors import ConfigurationError
import yaml

#: A part of a ROS name (REP-144).
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*\Z')


@dataclass(frozen=True)
class Camera:
    """One camera of the list.

    :ivar name: namespace of its nodes and topics.
    :ivar source: what our camera driver opens, or empty.
    :ivar image: the image topic of another driver, or empty.
    """

    name: str
    source: str = ''
    image: str = ''


def load_cameras(path: str | Path) -> list[Camera]:
    """Read the list of cameras: by name, each with a ``source`` or an ``image`` topic.

    :raises ConfigurationError: naming the file, the camera and what was expected.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f'the list of cameras {path} cannot be read: {error}') from error
    if not isinstance(content, dict) or not content:
        raise ConfigurationError(f'{path} lists no cameras: expected lines such as '
                                 'left: {source: /dev/video0}')
    return [_camera(path, str(name), entry) for name, entry in content.items()]


def _camera(path: str | Path, name: str, entry: object) -> Camera:
    if not _NAME.match(name):
        raise ConfigurationError(f'{path}: {name!r} is not a valid camera name: expected a '
                                 'letter, then letters, digits and underscores')
    pairs = list(entry.items()) if isinstance(entry, dict) else []
    if len(pairs) == 1:
        (key, value), = pairs
        if key in ('source', 'image') and isinstance(value, (str, int)) and value != '':
            return Camera(name, **{key: str(value)})
    raise ConfigurationError(f'{path}: camera {name} has {entry!r}: expected source: DEVICE, '
                             'FILE, FOLDER or URL, or image: TOPIC')

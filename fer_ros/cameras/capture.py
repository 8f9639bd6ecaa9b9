# SPDX-License-Identifier: Apache-2.0
"""Open and play a frame source from settings, for the camera driver and fer-home."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import cv2
from fer_ros.cameras.player import Player
from fer_ros.cameras.sources import FrameSource, is_live, open_source
from fer_ros.errors import SourceError
from fer_ros.health import ERROR, Status, WARN
from fer_ros.parameters import Parameter
import numpy as np

CAMERA_PARAMETERS = (
    Parameter('source', '/dev/video0',
              'camera device (0 or /dev/video0), video file, folder of images, or RTSP/HTTP URL; '
              'in a URL, ${env:NAME} and ${file:PATH} insert secrets'),
    Parameter('width_px', 0, 'width of the images; a device uses its nearest, other sources are '
              'scaled; 0: unchanged', minimum=0, maximum=16384),
    Parameter('height_px', 0, 'height of the images, as width_px', minimum=0, maximum=16384),
    Parameter('rate_hz', 0.0, 'frames per second, requested from a device or used to play files; '
              "0: the source's own (10 for folders)", minimum=0.0, maximum=1000.0),
    Parameter('pixel_format', '', 'FourCC requested from a device, such as MJPG or YUYV; empty: '
              "the device's default"),
    Parameter('loop', False, 'play a file or folder again when it ends'),
)


def open_camera(values: Mapping[str, Any]) -> FrameSource:
    """Open a source.

    :param values: all of :data:`CAMERA_PARAMETERS` by name.
    :raises SourceError: when it cannot be opened, saying why and what to do.
    """
    return open_source(values['source'], width_px=values['width_px'],
                       height_px=values['height_px'], rate_hz=values['rate_hz'],
                       fourcc=values['pixel_format'])


def create_player(values: Mapping[str, Any], *, wait: Callable[[float], bool],
                  on_problem: Callable[[str], None], paced: bool = True) -> Player:
    """Return a player of a source; it opens a live source itself, files are opened at once.

    :param values: as for :func:`open_camera`.
    :param wait: waits for this many seconds and returns True when it is time to stop.
    :raises SourceError: when a file or folder cannot be opened.
    """
    live = is_live(values['source'])
    opened = [None if live else open_camera(values)]

    def opener():
        source, opened[0] = opened[0] or open_camera(values), None
        return source
    return Player(opener, retry=live, rate_hz=values['rate_hz'], loop=values['loop'],
                  paced=paced, wait=wait, on_problem=on_problem)


def expected_size(name: str, width_px: int, height_px: int) -> tuple[int, int] | None:
    """Return the size that a source's images will probably have, without opening a device.

    :param name: of the source; the others are the parameters of the same name.
    :returns: width and height, pixels; None: that cannot be told.
    """
    asked = width_px, height_px
    if name.isdigit() or name.startswith('/dev/'):
        # OpenCV asks for this size by default.
        return asked if all(asked) else None if any(asked) else (640, 480)
    if is_live(name):
        return None
    if all(asked):
        return asked
    try:
        source = open_source(name)
    except SourceError:
        return None
    try:
        size = source.size_px
    finally:
        source.close()
    return wanted_size({'source': name, 'width_px': width_px, 'height_px': height_px}, *size) \
        if size else None


def wanted_size(values: Mapping[str, Any], width: int, height: int) -> tuple[int, int]:
    """Return the width and height of a source's images, pixels.

    A device keeps the size that it delivers; other sources are scaled, in proportion if only one
    side is set.
    """
    if is_live(values['source']):
        return width, height
    wanted_width, wanted_height = values['width_px'], values['height_px']
    if wanted_width and wanted_height:
        return wanted_width, wanted_height
    if wanted_width:
        return wanted_width, max(1, round(height * wanted_width / width))
    if wanted_height:
        return max(1, round(width * wanted_height / height)), wanted_height
    return width, height


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the image at a size in pixels; the same array if it has that size already."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def end_of(name: str) -> str:
    """Return the message for the end of a file or folder; ``name`` must hold no secret."""
    return f'the clip has ended ({PurePath(name).name or name})'


def report(player: Player, name: str, status: Status) -> None:
    """Add a player's statistics and the problem of its source to a status.

    :param name: the source's name, without secrets.
    """
    status.values.update({
        'source state': player.state, 'failures': player.failures, 'loops': player.loops,
        'frames unreadable': player.skipped})
    if player.problem:
        status.worsen(ERROR if player.state in ('retrying', 'failed') else WARN, player.problem)
    elif player.state == 'ended':
        status.message = end_of(name)

# SPDX-License-Identifier: Apache-2.0
"""
Read a folder of heads with known pose and gaze.

It contains ``camera.json``, ``poses.csv``, ``gaze.csv``,
``images/`` and ``videos/*.mp4`` with a table of the same name each.
"""

from collections.abc import Iterator
import csv
from dataclasses import dataclass
import json
from pathlib import Path

from fer_ros.cameras.camera_model import CameraModel
from fer_ros.cameras.encoded import read_image
from fer_ros.cameras.sources import open_source
from fer_ros.errors import ConfigurationError
from fer_ros.types import BoundingBox
import numpy as np

STILLS = ('poses', 'gaze')
_NUMBERS = ('yaw', 'pitch', 'roll', 'x', 'y', 'z', 'gaze_x', 'gaze_y', 'gaze_z', 'looks', 'blink',
            'box_x', 'box_y', 'box_w', 'box_h', *(f'r{i}{j}' for i in '123' for j in '123'))


@dataclass(frozen=True)
class Truth:
    """Ground truth of one head in one image, in the frames of ``head.py``.

    :ivar angles_deg: yaw, pitch and roll of the head.
    :ivar gaze: unit vector, camera frame.
    :ivar looks: whether the gaze is within 10 degrees of the camera.
    :ivar blink: 0 open to 1 closed.
    """

    person: str
    kind: str
    file: str
    rotation: np.ndarray
    position_m: np.ndarray
    angles_deg: np.ndarray
    gaze: np.ndarray
    looks: bool
    blink: float
    box: BoundingBox


def read_camera(folder: Path) -> CameraModel:
    """Return the camera of a folder.

    :raises ConfigurationError: names the file and the missing key.
    """
    path = Path(folder) / 'camera.json'
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
        k = np.array([[values['fx'], 0, values['cx']], [0, values['fy'], values['cy']], [0, 0, 1]],
                     float)
        return CameraModel(int(values['width']), int(values['height']), k)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f'{path} cannot be read ({error!r}): expected width, height, fx, '
                                 'fy, cx and cy in pixels') from error


def read_stills(folder: Path, table: str) -> Iterator[tuple[np.ndarray, Truth]]:
    """Yield each image of ``poses`` or ``gaze``, uint8 BGR, with its ground truth."""
    for row in _rows(Path(folder) / f'{table}.csv'):
        yield read_image(Path(folder) / row['file']), _truth(row)


def read_video(table: Path) -> Iterator[tuple[float, np.ndarray, list[Truth]]]:
    """Yield time in seconds, image and the heads in it of each frame of a video."""
    by_frame: dict[int, list[dict]] = {}
    for row in _rows(table):
        by_frame.setdefault(int(row['frame']), []).append(row)
    video = open_source(str(table.with_suffix('.mp4')))
    try:
        for frame in sorted(by_frame):
            image = video.read()
            if image is None:
                raise ConfigurationError(f'{table.with_suffix(".mp4")}: ends at frame {frame} of '
                                         f'{len(by_frame)}')
            rows = by_frame[frame]
            yield float(rows[0]['time_s']), image, [_truth(row) for row in rows]
    finally:
        video.close()


def _rows(path: Path) -> list[dict]:
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ConfigurationError(f'{path} cannot be read: {error.strerror}') from error
    missing = [name for name in ('person', *_NUMBERS) if not rows or name not in rows[0]]
    if missing:
        raise ConfigurationError(f'{path}: columns missing: {", ".join(missing)}')
    return rows


def _truth(row: dict) -> Truth:
    value = {name: float(row[name]) for name in _NUMBERS}

    def vector(*names):
        return np.array([value[name] for name in names])

    return Truth(
        row['person'], row.get('kind', ''), row.get('file', ''),
        vector(*(f'r{i}{j}' for i in '123' for j in '123')).reshape(3, 3), vector('x', 'y', 'z'),
        vector('yaw', 'pitch', 'roll'), vector('gaze_x', 'gaze_y', 'gaze_z'),
        value['looks'] > 0.5, value['blink'],
        BoundingBox(value['box_x'], value['box_y'], value['box_w'], value['box_h']))

# SPDX-License-Identifier: Apache-2.0
"""Intrinsics of a camera: from a calibration file, or assumed from the field of view."""

from dataclasses import dataclass
import math
from pathlib import Path
import re

from fer_ros.errors import ConfigurationError, cut, shown
from fer_ros.files import local_path, read_text
from fer_ros.installed import share_folder
import numpy as np
import yaml

#: No calibration has larger files, images or lists of numbers.
_MAXIMUM_BYTES, _MAXIMUM_PX, _MAXIMUM_NUMBERS = 1_000_000, 65_536, 100
_EXPECTED = ('expected the YAML that camera_calibration writes (image_width, camera_matrix, '
             'distortion_model, ...)')


@dataclass(frozen=True)
class CameraModel:
    """A pinhole camera model with the fields of ``sensor_msgs/CameraInfo``.

    :ivar k: float64 ``(3, 3)``, pixels.
    :ivar d: distortion coefficients of the model.
    :ivar r: float64 ``(3, 3)`` rectification.
    :ivar p: float64 ``(3, 4)`` projection, pixels.
    """

    width_px: int
    height_px: int
    k: np.ndarray
    d: tuple[float, ...] = (0.0,) * 5
    r: np.ndarray = None
    p: np.ndarray = None
    distortion_model: str = 'plumb_bob'

    def __post_init__(self):
        if self.r is None:
            object.__setattr__(self, 'r', np.eye(3))
        if self.p is None:
            object.__setattr__(self, 'p', np.column_stack([self.k, np.zeros(3)]))

    @property
    def problem(self) -> str:
        """The first invalid value, named as in calibration files; empty if there is none."""
        if not (0 < self.width_px <= _MAXIMUM_PX and 0 < self.height_px <= _MAXIMUM_PX):
            return (f'image_width and image_height are {self.width_px} and {self.height_px}: '
                    f'expected 1 to {_MAXIMUM_PX}')
        for name, values in (('camera_matrix', self.k), ('distortion_coefficients', self.d),
                             ('rectification_matrix', self.r), ('projection_matrix', self.p)):
            if not np.isfinite(values).all():
                return f'{name} contains a number that is not finite'
        for name, matrix in (('camera_matrix', self.k), ('projection_matrix', self.p)):
            for row, axis in ((0, 'x'), (1, 'y')):
                if not 1e-3 < matrix[row, row] < 1e9:
                    return (f'{name}: the focal length f{axis} is {matrix[row, row]:g} pixels: '
                            'expected a positive one')
            if matrix[2, 2] != 1 or matrix[2, :2].any():
                return f'{name}: its last row is {matrix[2]}: expected 0, 0, 1'
        if not self.r.any():
            return 'rectification_matrix is all zeros: expected a rotation'
        return ''

    def scaled_to(self, width_px: int, height_px: int) -> 'CameraModel':
        """Return the model of the same camera at another resolution."""
        if (width_px, height_px) == (self.width_px, self.height_px):
            return self
        factors = np.array([width_px / self.width_px, height_px / self.height_px, 1.0])[:, None]
        return CameraModel(width_px, height_px, self.k * factors, self.d, self.r,
                           self.p * factors, self.distortion_model)


def assumed_camera(width_px: int, height_px: int, horizontal_fov_deg: float) -> CameraModel:
    """Return an undistorted camera with square pixels: f = width / (2 tan(fov / 2))."""
    focal_px = width_px / (2 * math.tan(math.radians(horizontal_fov_deg) / 2))
    return CameraModel(width_px, height_px, np.array([
        [focal_px, 0, (width_px - 1) / 2], [0, focal_px, (height_px - 1) / 2], [0, 0, 1]]))


def load_calibration(url: str) -> CameraModel:
    """Read the YAML file that ``camera_calibration`` writes.

    :param url: a path, ``file://`` and a path, or ``package://``, a ROS package and a path in it.
    :raises ConfigurationError: naming the file and what is wrong with it.
    """
    path = _path(url)
    try:
        # OpenCV writes a header that is not valid YAML.
        text = re.sub(r'\A%YAML:1\.0\s*(---)?', '', read_text(path, _MAXIMUM_BYTES))
        values = yaml.load(text, _Loader)
        model = CameraModel(
            *_sizes(values),
            _matrix(values, 'camera_matrix', (3, 3)),
            tuple(map(float, _numbers(values, 'distortion_coefficients'))),
            _matrix(values, 'rectification_matrix', (3, 3)),
            _matrix(values, 'projection_matrix', (3, 4)),
            str(values['distortion_model']))
    except ConfigurationError as error:
        raise ConfigurationError(f'camera calibration {error}') from error
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        line = f', line {mark.line + 1}' if mark else ''
        raise ConfigurationError(f'camera calibration {path}{line}: not YAML: '
                                 f'{getattr(error, "problem", None) or error}') from error
    except KeyError as error:
        raise ConfigurationError(f'camera calibration {path}: {error.args[0]} is missing; '
                                 f'{_EXPECTED}') from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f'camera calibration {path}: {cut(str(error))}; '
                                 f'{_EXPECTED}') from error
    if problem := model.problem:
        raise ConfigurationError(f'camera calibration {path}: {problem}')
    return model


class _Loader(yaml.SafeLoader):
    """YAML loader that also reads matrices as OpenCV writes them."""


_Loader.add_constructor('tag:yaml.org,2002:opencv-matrix',
                        lambda loader, node: loader.construct_mapping(node, deep=True))


def _path(url: str) -> Path:
    if url.startswith('package://'):
        package, _, rest = url.removeprefix('package://').partition('/')
        folder = share_folder(package)
        if folder is None:
            raise ConfigurationError(f'camera calibration {url}: no ROS package '
                                     f'{package}: source its workspace, or give a path')
        return folder / rest
    return Path(local_path(url)).expanduser()


def _matrix(values: dict, key: str, shape: tuple[int, int]) -> np.ndarray:
    return _numbers(values, key, shape[0] * shape[1]).reshape(shape)


def _numbers(values: dict, key: str, count: int | None = None) -> np.ndarray:
    entry = values[key]
    data = entry.get('data') if isinstance(entry, dict) else None
    if not isinstance(data, list) or not all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in data):
        raise ValueError(f'{key}: data is not a list of numbers')
    if len(data) > _MAXIMUM_NUMBERS or count not in (None, len(data)):
        raise ValueError(f'{key}: {len(data)} numbers, expected {count or "5"}')
    return np.array(data, float)


def _sizes(values: dict) -> tuple[int, int]:
    if not isinstance(values, dict):
        raise ValueError('the file is not a mapping')
    for key in ('image_width', 'image_height'):
        if type(values[key]) is not int:
            raise ValueError(f'{key} is {shown(values[key])}: expected a whole number')
    return values['image_width'], values['image_height']

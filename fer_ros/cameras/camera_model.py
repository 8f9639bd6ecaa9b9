# SPDX-License-Identifier: Apache-2.0
"""Intrinsics of a camera: from a calibration file, or assumed from the field of view."""

from dataclasses import dataclass
import math
from pathlib import Path

from fer_ros.errors import ConfigurationError
import numpy as np
import yaml


@dataclass(frozen=True)
class CameraModel:
    """A pinhole camera, in the terms of ``sensor_msgs/CameraInfo``.

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

    :param url: a path, or ``file://`` and a path.
    :raises ConfigurationError: naming the file and what is wrong with it.
    """
    path = Path(url.removeprefix('file://')).expanduser()
    try:
        values = yaml.safe_load(path.read_text())
        model = CameraModel(
            int(values['image_width']), int(values['image_height']),
            _matrix(values, 'camera_matrix', (3, 3)),
            tuple(float(v) for v in values['distortion_coefficients']['data']),
            _matrix(values, 'rectification_matrix', (3, 3)),
            _matrix(values, 'projection_matrix', (3, 4)),
            str(values['distortion_model']))
    except OSError as error:
        raise ConfigurationError(f'camera calibration {path} cannot be read: '
                                 f'{error.strerror}') from error
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f'camera calibration {path}: {error!r}; expected the YAML that camera_calibration '
            'writes (image_width, camera_matrix, distortion_model, ...)') from error
    if model.width_px < 1 or model.height_px < 1:
        raise ConfigurationError(f'camera calibration {path}: the image is {model.width_px}x'
                                 f'{model.height_px}')
    return model


def _matrix(values: dict, key: str, shape: tuple[int, int]) -> np.ndarray:
    return np.array(values[key]['data'], float).reshape(shape)

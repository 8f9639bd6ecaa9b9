# SPDX-License-Identifier: Apache-2.0
"""Emotion classifier: tracked faces in, emotions out; one batch for all faces of all cameras."""

from fer_ros import conversions
from fer_ros.emotions.resting_face import LOOK_S
from fer_ros.errors import ConfigurationError
from fer_ros.inference.processor import instruction_set
from fer_ros.mailbox import LatestMailbox
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode, READ_ONLY
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.load import EmotionLoad
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.reading import Reading
from fer_ros.nodes.topics import sibling
from fer_ros.perception import CLASSIFIER_PARAMETERS, DEFENDED_LATENCY, EmotionReader
from fer_ros.statistics import LatencyWindow, RateMeter
from fer_ros.workers import Worker
from std_srvs.srv import Trigger


class EmotionClassifierNode(ManagedNode):
    """Lifecycle node that classifies the emotions of all faces."""

    PARAMETERS = (
        Parameter('face_topics', ['faces'],
                  'topics of the face arrays; the emotions of each are published beside it '
                  '(cam1/faces: cam1/emotions)'),
        *CLASSIFIER_PARAMETERS,
        DEFENDED_LATENCY,
    )

    def __init__(self, **kwargs):
        super().__init__('emotion_classifier', **kwargs)
        self._reader: EmotionReader | None = None
        self._publishers_by_topic = {}
        self._subscriptions_made, self._services_made = [], []
        self._readings: dict[str, Reading] = {}
        self._newest = self._worker = self._load = None

    def configure(self) -> None:
        """Load the model."""
        topics = self.value('face_topics')
        outputs = [sibling(topic, 'emotions') for topic in topics]
        if not topics or len(set(outputs)) < len(outputs):
            raise ConfigurationError(f'face_topics is {list(topics)}: expected one or more '
                                     'different topics')
        self._reader = EmotionReader(topics, self._settings({}),
                                     latency_ms=self.value('defended_latency_ms'))
        classifier = self._reader.classifier
        self._mismatch = ''
        for topic, output in zip(topics, outputs):
            self._publishers_by_topic[topic] = self.advertise(
                EmotionArray, output, qos.RESULT)
        self._received = self._done = self._bad = self._faces = 0
        self._rate_in, self._rate_out, self._latency = RateMeter(), RateMeter(), LatencyWindow()
        self._last_error = ''
        self.get_logger().info(
            f'model: {self._reader.choice}, labels: {classifier.label_set}, takes '
            f'{classifier.input}, runs on {classifier.runs_on}, '
            f'{instruction_set() or "unknown instructions"}')
        for note in classifier.notes:
            self.get_logger().info(note)
        for warning in classifier.warnings:
            self.get_logger().warning(warning)

    def activate(self) -> None:
        """Subscribe."""
        self._newest = newest = LatestMailbox()
        self._load = EmotionLoad(self, list(self._publishers_by_topic))
        self._worker = Worker('emotion_classifier worker', lambda: self._work(newest),
                              self.faults).start()
        self._services_made.append(
            self.create_service(Trigger, '~/look_neutral', self._on_look_neutral))
        for topic in self._publishers_by_topic:
            self._reader.reset(topic)
            self._readings[topic] = Reading(self, 'faces', topic, conversions.message_to_faces)
            self._subscriptions_made.append(self.subscribe(
                FaceArray, topic, lambda message, topic=topic: self._on_faces(message, topic),
                qos.RESULT, own_thread=True, handover=True))

    def deactivate(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self._subscriptions_made = []
        for service in self._services_made:
            self.destroy_service(service)
        self._services_made = []
        if self._worker is not None:
            self._newest.close()
            self._worker.end()
            self._worker = None
            self._load.close()

    def cleanup(self) -> None:
        """Free the model."""
        for publisher in self._publishers_by_topic.values():
            self.destroy_publisher(publisher)
        self._publishers_by_topic = {}
        self._reader = self._newest = None

    def change(self, values: dict[str, object]) -> None:
        """Apply the filter's parameters; the states start from scratch."""
        self._reader.tune(self._settings(values))

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._reader is None:
            return
        now_s = self.now_s()
        status.values.update({
            'model': self._reader.name, 'runs on': self._reader.classifier.runs_on,
            'label set': self._reader.label_set,
            'time per face at configure (ms)': self._reader.choice.ms,
            'variants tried': str(self._reader.choice), 'instruction set': instruction_set(),
            'faces': self._faces, 'face arrays received': self._received,
            'face arrays processed': self._done,
            'face arrays dropped (newer came)': self._newest.replaced if self._newest else 0,
            'face arrays unreadable': self._bad,
            'faces skipped': sum(reading.skipped for reading in self._readings.values()),
            'faces without an answer': self._reader.failed,
            'faces waiting for their turn': self._reader.waiting,
            'rate in (Hz)': self._rate_in.rate_hz(now_s),
            'rate out (Hz)': self._rate_out.rate_hz(now_s),
            'latency median (ms)': self._latency.median_ms,
            'latency p99 (ms)': self._latency.p99_ms})
        if self._last_error:
            status.values['last unreadable face array'] = self._last_error
        for problem in self._reader.problems:
            status.worsen(WARN, problem)
        for reading in self._readings.values():
            reading.report(status)
        for subscription in self._subscriptions_made:
            if not self.get_publishers_info_by_topic(subscription.topic_name):
                status.worsen(WARN, f'no publisher on {subscription.topic_name}: start a face '
                              'detector, or set face_topics')

    def _settings(self, changed: dict[str, object]) -> dict[str, object]:
        return {parameter.name: changed.get(parameter.name, self.value(parameter.name))
                for parameter in CLASSIFIER_PARAMETERS}

    def _on_look_neutral(self, _, response: Trigger.Response) -> Trigger.Response:
        if self.value('read_only'):
            response.success, response.message = False, READ_ONLY
            return response
        faces = self._reader.look_neutral()
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
        self._newest.put((message, self._load.received(
            topic, conversions.stamp_to_s(message.header.stamp))), topic)

    def _work(self, newest: LatestMailbox) -> None:
        while (taken := newest.take()) is not None:
            try:
                self._process(taken)
            except Exception as error:  # affects these faces only
                self._bad += 1
                self._last_error = 'internal error, see the log'
                self.faults.add(f'face arrays on {", ".join(taken)} skipped', error)

    def _process(self, taken: dict[str, tuple[FaceArray, tuple[float, float]]]) -> None:
        frames = {}
        for topic, (message, _) in taken.items():
            faces = self._readings[topic].read(message)
            if faces is None:
                # There are faces: an empty array would mean nobody in view.
                self._bad += 1
                self._last_error = self._readings[topic].last_problem
            else:
                frames[topic] = (conversions.stamp_to_s(message.header.stamp), faces)
        read = self._reader.read(frames)
        self._tell_problems()
        for topic, emotions in read.items():
            message, received = taken[topic]
            self._publishers_by_topic[topic].publish(conversions.emotions_to_message(
                emotions, message.header, message.image_width, message.image_height,
                self._reader.name, self._reader.label_set))
            self._load.done(topic, received, any(face.detected for face in frames[topic][1]))
            self._done += 1
            self._faces = len(emotions)
            now_s = self.now_s()
            self._rate_out.tick(now_s)
            self._latency.add((now_s - frames[topic][0]) * 1e3)

    def _tell_problems(self) -> None:
        if self._reader.mismatch != self._mismatch:
            self._mismatch = self._reader.mismatch
            if self._mismatch:
                self.get_logger().warning(self._mismatch)
        if self._reader.failure:
            self.get_logger().error(self._reader.failure, throttle_duration_sec=5.0)


def main(args: list[str] | None = None) -> int:
    """Run the emotion classifier."""
    return run(EmotionClassifierNode, args=args)


if __name__ == '__main__':
    raise SystemExit(main())

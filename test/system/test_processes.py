# SPDX-License-Identifier: Apache-2.0
"""Every node in its own process: an image goes in, an emotion and an ambient action come out."""

import signal
import threading

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import AmbientAction, EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from waiting import PATIENCE_S, within  # noqa: E402

NODES = ('face_detector', 'emotion_classifier', 'smart_home_bridge')


def stamp_of(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


class Camera(threading.Thread):
    """Publish one picture at 30 Hz, each with its own stamp, until stopped."""

    def __init__(self, graph, image):
        super().__init__(daemon=True)
        self.publisher = graph.publisher(Image, 'image_raw', qos.IMAGE)
        self._clock = graph.node.get_clock()
        self._message = conversions.array_to_image(image, 'bgr8', Header(frame_id='camera'))
        self._stop_event = threading.Event()
        self.stamps = []

    def publish(self):
        self._message.header.stamp = self._clock.now().to_msg()
        self.stamps.append(stamp_of(self._message))
        self.publisher.publish(self._message)
        return self.stamps[-1]

    def run(self):
        while not self._stop_event.wait(1 / 30):
            self.publish()

    def stop(self):
        self._stop_event.set()
        self.join(60)


@pytest.mark.parametrize('composed', [False, True], ids=['one process a node', 'composed'])
def test_a_smile_becomes_light(graph, portrait, composed):
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    actions = graph.collect(AmbientAction, 'ambient_actions', qos.RESULT)
    if composed:
        running = [graph.process('fer_ros.nodes.composed', *NODES)]
    else:
        running = [graph.process(f'fer_ros.nodes.{name}') for name in NODES]
    wait_for(lambda: graph.node.count_publishers('emotions')
             and graph.node.count_publishers('ambient_actions'), what='the nodes')
    camera = Camera(graph, portrait)
    camera.start()
    try:
        action = wait_for(lambda: emotions and actions and actions[0], what='an ambient action')
    finally:
        camera.stop()
    assert action.emotion == 'happy' and action.request.light.on and action.reason
    assert action.command == AmbientAction.SET and action.outcome != AmbientAction.FAILED
    # Each result belongs to one of the images sent: same stamp, same frame.
    assert emotions and all(stamp_of(m) in camera.stamps and m.header.frame_id == 'camera'
                            for m in emotions)
    for process in running:
        process.send_signal(signal.SIGINT)
    assert [process.wait(PATIENCE_S) for process in running] == [0] * len(running)


def test_whole_images_arrive(graph, portrait):
    """With the transport profile, nodes that were started without its settings get all images."""
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    for name in NODES[:2]:
        # A busy machine shall not make them pass over images.
        graph.process(f'fer_ros.nodes.{name}', '--ros-args', '-p', 'defended_latency_ms:=0.0')
    wait_for(lambda: graph.node.count_publishers('emotions'), what='the classifier')
    camera = Camera(graph, portrait)
    wait_for(lambda: camera.publish() and emotions, what='the first result')

    for _ in range(30):
        stamp = camera.publish()
        # One at a time: of several the detector takes the newest.
        within(lambda: stamp in [stamp_of(m) for m in emotions], 5)
    arrived = len({stamp_of(m) for m in emotions} & set(camera.stamps[-30:]))
    # Without the profile most are lost.
    assert arrived >= 24


@pytest.mark.parametrize('arguments, words', [
    (['-p', 'scroe_threshold:=0.5'], ['unknown parameter scroe_threshold', 'score_threshold']),
    (['-p', 'detector:=magic'], ["detector is 'magic'", 'haar']),
])
def test_a_wrong_parameter_ends_the_start_with_one_message(graph, capfd, arguments, words):
    process = graph.process('fer_ros.nodes.face_detector', '--ros-args', *arguments)
    assert process.wait(PATIENCE_S) == 2
    printed = ''.join(capfd.readouterr())
    assert all(word in printed for word in words), printed
    assert 'Traceback' not in printed


def test_sigterm_ends_a_node_cleanly(graph, capfd):
    process = graph.process('fer_ros.nodes.face_detector')
    wait_for(lambda: graph.node.count_publishers('faces'), what='the detector')
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert 'Traceback' not in ''.join(capfd.readouterr())

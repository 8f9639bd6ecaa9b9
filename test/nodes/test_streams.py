# SPDX-License-Identifier: Apache-2.0
"""Streams as robots have them: QoS of others, simulated time, recordings, overload, silence."""

import threading

import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import image_input, qos  # noqa: E402
from fer_ros.nodes.base import ManagedNode  # noqa: E402
from fer_ros.nodes.diagnostics import SILENCE, WARN  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from rclpy.qos import (  # noqa: E402
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from ros_support import tells_numbers, wait_for  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

GRAY = np.full((120, 160), 90, np.uint8)


def image_at(stamp_s, image=GRAY, encoding='mono8'):
    return conversions.array_to_image(
        image, encoding, Header(frame_id='camera', stamp=conversions.s_to_stamp(stamp_s)))


@pytest.mark.parametrize('reliability', [ReliabilityPolicy.BEST_EFFORT,
                                         ReliabilityPolicy.RELIABLE])
@pytest.mark.parametrize('durability', [DurabilityPolicy.VOLATILE,
                                        DurabilityPolicy.TRANSIENT_LOCAL])
def test_images_of_every_publisher_are_taken(graph, reliability, durability):
    graph.add(FaceDetector)
    faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('faces'))
    images = graph.publisher(Image, 'image_raw', QoSProfile(
        depth=1, reliability=reliability, durability=durability))
    images.publish(image_at(1000))
    wait_for(lambda: faces, what='faces')


def test_a_subscriber_that_cannot_match_is_named_with_both_sides(graph):
    node = graph.add(EmotionClassifierNode)
    graph.collect(EmotionArray, 'emotions', QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    status = wait_for(lambda: (s := node._collect()).level == WARN and 'QoS' in s.message and s,
                      what='the complaint')
    assert all(word in status.message for word in (
        '/emotions', 'test_node requests', 'transient local', 'this node offers', 'volatile',
        'qos_overrides./emotions.publisher'))


def test_the_qos_can_be_overridden(graph):
    node = graph.add(EmotionClassifierNode, **{
        'qos_overrides./emotions.publisher.durability': 'transient_local'})
    publisher = node._publishers_by_topic['faces']
    assert publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    # Of this topic alone.
    assert qos.RESULT.durability == DurabilityPolicy.VOLATILE
    subscription, = node._subscriptions_made
    assert subscription.qos_profile.durability == DurabilityPolicy.VOLATILE


def test_a_recording_that_jumps_back_is_read_on(graph, portrait):
    """As rosbag2 plays with --clock --loop: /clock and the stamps go back together."""
    clock = graph.node.create_publisher(Clock, '/clock', 10)
    detector = graph.add(FaceDetector, use_sim_time=True, silence_warning_s=30.0)
    classifier = graph.add(EmotionClassifierNode, use_sim_time=True)
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions')
             and clock.get_subscription_count() >= 2)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)

    def play(start_s, count):
        stamps = [start_s + i * 0.1 for i in range(count)]
        for stamp_s in stamps:
            before = len(emotions)
            clock.publish(Clock(clock=conversions.s_to_stamp(stamp_s)))
            wait_for(lambda s=stamp_s: abs(detector.now_s() - s) < 1e-3, what='the clock')
            images.publish(image_at(stamp_s, portrait, 'bgr8'))
            wait_for(lambda n=before: len(emotions) > n, what=f'emotions at {stamp_s}')
        return emotions[-count:]
    first, second = play(500, 6), play(500, 6)  # the same ten seconds again
    for played in (first, second):
        assert [round(conversions.stamp_to_s(m.header.stamp) - 500, 1) for m in played] == [
            0, 0.1, 0.2, 0.3, 0.4, 0.5]
        assert all(len(m.emotions) == 1 for m in played)
    # Nothing counts backwards: durations, rates and latencies stay what they can be.
    assert all(conversions.message_to_emotions(m)[0].duration_s >= 0 for m in second)
    for node in (detector, classifier):
        status = node._collect()
        assert 0 <= status.values['rate out (Hz)'] < 100
        assert 0 <= status.values['latency median (ms)'] < 1000
    later = play(90_000, 2)  # and far ahead
    assert all(len(m.emotions) == 1 for m in later)


class Slow(ManagedNode):
    """Take in images, each of which keeps it busy until the test allows the next."""

    PARAMETERS = image_input.PARAMETERS

    def __init__(self, **kwargs):
        self.taken, self.allowed = [], threading.Semaphore(0)
        super().__init__('slow', **kwargs)

    def activate(self):
        self.input = image_input.ImageInput(self, self.process)

    def deactivate(self):
        self.allowed.release()
        self.input.close()

    def process(self, image, header):
        self.taken.append(header.stamp.sec)
        self.allowed.acquire(timeout=120)

    def report(self, status):
        self.input.report(status)


def test_the_newest_image_wins_and_what_was_dropped_is_counted(graph):
    node = graph.add(Slow)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    for number in range(1, 7):
        images.publish(image_at(number))
        wait_for(lambda n=number: node.input._received == n)
        wait_for(lambda: node.taken)
    wait_for(lambda: node._collect().values['images dropped (newer came)'] == 4,
             what='the four between the first and the newest')
    node.allowed.release()
    wait_for(lambda: len(node.taken) == 2)
    assert node.taken == [1, 6]


def test_what_was_replaced_in_the_middleware_is_counted_too(graph):
    if not tells_numbers():
        pytest.skip('rclpy or its middleware tells no numbers of messages (Humble): what the '
                    'middleware replaces, nobody can count')
    node = graph.add(Slow)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    images.publish(image_at(1))
    wait_for(lambda: node.taken)
    # It keeps five.
    node.input.pause()
    for number in range(2, 22):
        images.publish(image_at(number))
    node.input.pause(False)

    def counted():
        node.allowed.release()
        return sum(node._collect().values[name] for name in (
            'images processed', 'images dropped (newer came)', 'images lost in transport'))
    wait_for(lambda: counted() == 21, what='every image to be counted')


class Sampling(Slow):
    """Take in images that another node hands over, or few others."""

    def activate(self):
        self.input = image_input.ImageInput(self, self.process, sampled=True)

    def process(self, image, header):
        self.taken.append(header.stamp.sec)


def test_who_gets_images_from_another_node_subscribes_to_none_until_it_needs_them(graph):
    node = graph.add(Sampling)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)

    def alone():
        node.input.handed(image_at(1).header.stamp)
        node.input._check()  # as once per second
        return not images.get_subscription_count()

    def needed():
        node.input.pause(False)
        node.input._check()
        return images.get_subscription_count()
    wait_for(alone, what='the subscription to end')
    assert node._collect().values['images received'] >= 1
    wait_for(needed, what='the subscription to begin again')

    def taken():
        images.publish(image_at(2))
        return node.taken
    assert wait_for(taken, what='an image')[0] == 2


def test_silence_is_explained_once(graph, capfd):
    node = graph.add(FaceDetector, silence_warning_s=0.5)
    status = wait_for(lambda: (s := node._collect()).level == WARN and s, what='the warning')
    assert all(word in status.message for word in (
        'no image on /image_raw', '0 publishers', 'best effort', '-r image_raw:=/your/topic'))
    graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
    # Its QoS matches, so nothing is said of that.
    wait_for(lambda: 'test_node publishes it, but no image has arrived' in node._collect().message,
             what='the publisher named')
    status = node._collect()
    assert 'best effort' not in status.message and status.values[SILENCE] == status.message
    printed = ''.join(capfd.readouterr())
    assert printed.count('no image on /image_raw') == 1

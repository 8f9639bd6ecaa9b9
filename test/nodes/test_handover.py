# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

pytest.importorskip('fer_ros.nodes.base', reason='rclpy is absent')
from fer_ros.nodes import handover  # noqa: E402
from fer_ros.nodes.base import ManagedNode  # noqa: E402
from geometry_msgs.msg import PointStamped  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from ros_support import wait_for  # noqa: E402

RELIABLE = QoSProfile(depth=50)


class Talker(ManagedNode):
    """Hands messages over."""

    profile = RELIABLE

    def __init__(self, **kwargs):
        super().__init__('talker', **kwargs)

    def activate(self):
        self.publisher = self.advertise(PointStamped, 'headers', self.profile)

    def deactivate(self):
        self.destroy_publisher(self.publisher)

    def say(self, second, image=None):
        message = stamped(second)
        handover.publish(self.publisher, message, self.context, image)
        return message


class BestEffortTalker(Talker):
    """Does not match who asks for every message."""

    profile = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)


class Listener(ManagedNode):
    """Notes what comes."""

    serialized = with_image = False

    def __init__(self, **kwargs):
        super().__init__('listener', **kwargs)
        self.heard, self.threads = [], set()

    def activate(self):
        self.subscription = self.subscribe(PointStamped, 'headers', self._on_header, RELIABLE,
                                           own_thread=True, handover=True,
                                           with_image=self.with_image,
                                           serialized=self.serialized)

    def deactivate(self):
        self.destroy_subscription(self.subscription)

    def _on_header(self, message):
        if isinstance(message, bytes):
            message = deserialize_message(message, PointStamped)
        self.threads.add(threading.current_thread())
        if message.header.stamp.sec == 13:
            raise ValueError('thirteen')
        self.heard.append(message)


class Viewer(Listener):
    """Also gets the image that a message is about."""

    with_image = True

    def _on_header(self, message, image):
        self.heard.append((message.header.stamp.sec, image))


class BytesListener(Listener):
    """Takes bytes from the middleware."""

    serialized = True


def stamped(second):
    message = PointStamped()
    message.header.stamp.sec = second
    return message


def seconds(listener):
    return [message.header.stamp.sec for message in listener.heard]


def test_a_message_is_handed_over_as_it_is_in_the_publishers_thread(graph):
    listener, talker = graph.add(Listener), graph.add(Talker)
    message = talker.say(1)
    assert listener.heard[0] is message
    assert listener.threads == {threading.current_thread()}
    # An error costs that message, and is the listener's.
    talker.say(13)
    talker.say(2)
    assert seconds(listener) == [1, 2]
    assert (listener.faults.count, talker.faults.count) == (1, 0)


@pytest.mark.parametrize('kind', [Listener, BytesListener])
def test_others_hear_it_too_and_what_comes_both_ways_counts_once(graph, kind):
    listener, talker = graph.add(kind), graph.add(Talker)
    others = graph.collect(PointStamped, 'headers', RELIABLE)
    wait_for(lambda: talker.publisher.get_subscription_count() == 2, what='both subscriptions')
    for second in (1, 2, 2, 3):
        talker.say(second)
    link = listener._links[listener.subscription]
    wait_for(lambda: len(others) == 4 and not link._twice, what='all messages')
    foreign = graph.publisher(PointStamped, 'headers', RELIABLE, subscribers=2)
    foreign.publish(stamped(9))
    wait_for(lambda: len(others) == 5 and len(listener.heard) >= 5, what='the other message')
    assert seconds(listener) == [1, 2, 2, 3, 9]
    assert [message.header.stamp.sec for message in others] == [1, 2, 2, 3, 9]


def test_the_image_is_handed_over_to_who_asks_for_it(graph):
    viewer, listener, talker = graph.add(Viewer), graph.add(Listener), graph.add(Talker)
    image = handover.ReadImage('/image_raw', None)
    talker.say(1, image)
    talker.say(2)
    # What the middleware brings comes without.
    graph.publisher(PointStamped, 'headers', RELIABLE, subscribers=2).publish(stamped(3))
    wait_for(lambda: len(viewer.heard) == len(listener.heard) == 3, what='all messages')
    assert viewer.heard == [(1, image), (2, None), (3, None)]
    assert seconds(listener) == [1, 2, 3]


def test_nothing_is_handed_to_who_would_not_get_it_from_the_middleware(graph):
    listener = graph.add(Listener)
    talker = graph.add(BestEffortTalker)
    talker.say(1)
    assert talker.publisher.get_subscription_count() == 0
    listener.trigger_deactivate()
    other = graph.add(Talker)
    other.say(2)
    listener.trigger_activate()
    other.say(3)
    assert seconds(listener) == [3]

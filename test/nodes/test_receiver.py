# SPDX-License-Identifier: Apache-2.0
from importlib.util import find_spec
from pathlib import Path
import threading

import pytest

pytest.importorskip('fer_ros.nodes.base', reason='rclpy is absent')
from fer_ros.nodes.base import ManagedNode  # noqa: E402
from rclpy.duration import Duration  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from ros_support import tells_numbers, wait_for  # noqa: E402
from std_msgs.msg import Int32, String  # noqa: E402

RELIABLE = QoSProfile(depth=50)


class Listener(ManagedNode):
    """Note what comes on a topic, and in which thread."""

    profile = RELIABLE

    def __init__(self, **kwargs):
        super().__init__('listener', **kwargs)
        self.heard, self.threads = [], set()
        self.in_callback, self.go_on = threading.Event(), threading.Event()

    def activate(self):
        self.subscription = self.subscribe(Int32, 'numbers', self._on_number, self.profile,
                                           own_thread=True)

    def deactivate(self):
        self.destroy_subscription(self.subscription)

    def _on_number(self, message):
        self.threads.add(threading.current_thread().name)
        if message.data == 13:
            raise ValueError('thirteen')
        if message.data == -1:
            self.in_callback.set()
            assert self.go_on.wait(60)
        self.heard.append(message.data)


class ShallowListener(Listener):
    """Keep two messages in the middleware."""

    profile = QoSProfile(depth=2)


def receivers():
    return [t for t in threading.enumerate() if t.name == 'receiver of /numbers']


def test_messages_come_in_order_in_a_thread_of_their_own(graph):
    node = graph.add(Listener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    for number in range(40):
        publisher.publish(Int32(data=number))
    # An error in the callback costs that message, not those after it.
    expected = [number for number in range(40) if number != 13]
    wait_for(lambda: node.heard == expected, what='the numbers')
    assert node.threads == {'receiver of /numbers'}


def test_the_executor_is_not_needed_for_them(graph):
    node = graph.add(Listener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    busy, release = threading.Event(), threading.Event()
    graph.node.create_timer(0.0, lambda: (busy.set(), release.wait(120)))
    try:
        assert busy.wait(60)
        publisher.publish(Int32(data=1))
        wait_for(lambda: node.heard == [1], what='the number')
    finally:
        release.set()


def test_messages_are_left_while_it_is_paused_and_the_latest_taken_then(graph):
    node = graph.add(ShallowListener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    publisher.publish(Int32(data=1))
    wait_for(lambda: node.heard == [1], what='the number')
    node.pause(node.subscription)
    for number in (2, 3, 4, 5):
        publisher.publish(Int32(data=number))
    assert publisher.wait_for_all_acked(Duration(seconds=60))
    assert node.heard == [1]
    node.pause(node.subscription, False)
    wait_for(lambda: node.heard == [1, 4, 5], what='the latest numbers')
    # Without numbers none are known to be missed.
    assert node.receivers[node.subscription].missed == (2 if tells_numbers() else 0)


def test_one_may_take_the_bytes_alone(graph):
    node = graph.add(Listener)
    taken = []
    node.subscribe(String, 'words', taken.append, RELIABLE, own_thread=True, serialized=True)
    graph.publisher(String, 'words', RELIABLE).publish(String(data='as it came'))
    wait_for(lambda: taken, what='the bytes')
    assert deserialize_message(taken[0], String) == String(data='as it came')


def test_a_paused_one_can_be_destroyed_and_does_not_spin(graph):
    node = graph.add(Listener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    waits, waiter = [], node.receivers[node.subscription]._waiter
    wait = waiter.wait
    waiter.wait = lambda messages: waits.append(messages) or wait(messages)
    node.pause(node.subscription)
    for number in range(40):
        publisher.publish(Int32(data=number))
    assert publisher.wait_for_all_acked(Duration(seconds=60))
    wait_for(lambda: False in waits, what='the pause')
    assert len(waits) < 5, 'it wakes up for what it leaves'
    node.trigger_deactivate()
    assert receivers() == []


def test_a_subscription_is_destroyed_after_its_callback_and_never_calls_again(graph):
    node = graph.add(Listener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    for number in (-1, 2, 3):
        publisher.publish(Int32(data=number))
    assert node.in_callback.wait(60)
    stopping = threading.Thread(target=node.trigger_deactivate)
    stopping.start()
    wait_for(lambda: node.receivers == {}, what='the end to begin')
    assert stopping.is_alive() and node.heard == []
    node.go_on.set()
    stopping.join(60)
    assert not stopping.is_alive() and node.heard == [-1]
    wait_for(lambda: not publisher.get_subscription_count(), what='the end of the subscription')
    assert receivers() == []


def test_it_can_be_made_again(graph):
    node = graph.add(Listener)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    for number in range(3):
        wait_for(lambda: publisher.publish(Int32(data=number)) or number in node.heard,
                 what='the number')
        node.trigger_deactivate()
        node.trigger_activate()
        assert len(receivers()) == 1


def test_a_publisher_that_does_not_match_is_complained_of(graph):
    node = graph.add(Listener)
    graph.node.create_publisher(
        Int32, 'numbers', QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    complaint = wait_for(lambda: node._endpoints[node.subscription], what='the complaint')
    assert '/numbers' in complaint and 'best effort' in complaint


@pytest.mark.parametrize('executor', [
    'rclpy.executors.SingleThreadedExecutor', 'rclpy.executors.MultiThreadedExecutor',
    pytest.param('rclpy.experimental.EventsExecutor', marks=pytest.mark.skipif(
        find_spec('rclpy.experimental') is None, reason='from Jazzy on'))])
def test_no_executor_serves_it_too(graph, executor):
    reports = graph.collect(String, 'reports', RELIABLE)
    graph.process('spin_reporter', executor, cwd=Path(__file__).parent)
    publisher = graph.publisher(Int32, 'numbers', RELIABLE)
    for number in range(40):
        publisher.publish(Int32(data=number))
    wait_for(lambda: 'the executor spins' in {report.data for report in reports},
             what='the executor')
    wait_for(lambda: len([r for r in reports if 'number' in r.data]) >= 40, what='the numbers')
    graph.node.create_publisher(
        Int32, 'numbers', QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    wait_for(lambda: 'mismatch in receiver of /numbers' in {r.data for r in reports},
             what='the complaint')
    assert [r.data for r in reports if r.data != 'the executor spins'] == [
        *(f'number {number} in receiver of /numbers' for number in range(40)),
        'mismatch in receiver of /numbers']

# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros.nodes import demand, qos  # noqa: E402
from fer_ros.nodes.annotator import Annotator  # noqa: E402
from fer_ros.nodes.base import ManagedNode  # noqa: E402
from fer_ros.nodes.demand import PublisherOnDemand  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Int32  # noqa: E402


class Worker(ManagedNode):
    """Note when work begins and ends."""

    def __init__(self, **kwargs):
        super().__init__('worker', **kwargs)
        self.steps = []

    def configure(self):
        self.output = PublisherOnDemand(self, Int32, 'results', qos.RESULT)

    def activate(self):
        self.output.open(lambda: self.steps.append('start'), lambda: self.steps.append('stop'))

    def deactivate(self):
        self.output.close()

    def cleanup(self):
        self.output.destroy()


@pytest.fixture(params=['told', 'asked'])
def worker(graph, monkeypatch, request):
    """Return a node that is notified of subscribers, and one that polls (as on Humble)."""
    if request.param == 'told' and not demand.HAS_MATCHED_EVENTS:
        pytest.skip('this rclpy does not tell of subscribers')
    monkeypatch.setattr(demand, 'HAS_MATCHED_EVENTS', request.param == 'told')
    return graph.add(Worker)


def test_work_follows_the_subscribers(graph, worker):
    for _ in range(2):
        first = graph.node.create_subscription(Int32, 'results', print, qos.RESULT)
        wait_for(lambda: worker.steps == ['start'] and worker.output.wanted, what='the start')
        second = graph.node.create_subscription(Int32, 'results', print, qos.RESULT)
        wait_for(lambda: worker.output.subscribers == 2)
        graph.node.destroy_subscription(first)
        wait_for(lambda: worker.output.subscribers == 1)
        assert worker.steps == ['start']
        graph.node.destroy_subscription(second)
        wait_for(lambda: worker.steps == ['start', 'stop'], what='the stop')
        assert not worker.output.wanted
        worker.steps.clear()


def test_a_subscriber_that_is_there_already_is_served_at_once(graph, worker):
    graph.node.create_subscription(Int32, 'results', print, qos.RESULT)
    wait_for(lambda: worker.steps == ['start'])
    worker.trigger_deactivate()
    assert worker.steps == ['start', 'stop']
    worker.trigger_activate()
    assert worker.steps == ['start', 'stop', 'start']


def test_who_gets_events_does_not_poll(graph, worker):
    timers = len(list(worker.timers))
    worker.trigger_deactivate()
    assert timers - len(list(worker.timers)) == worker.output._polled


def test_a_middleware_that_does_not_tell_is_asked(graph, monkeypatch):
    advertise = ManagedNode.advertise

    def refused(node, *args, matched=None, **kwargs):
        if matched is not None:
            raise demand.UnsupportedEventTypeError('matched')
        return advertise(node, *args, **kwargs)
    monkeypatch.setattr(ManagedNode, 'advertise', refused)
    worker = graph.add(Worker)
    graph.node.create_subscription(Int32, 'results', print, qos.RESULT)
    wait_for(lambda: worker.steps == ['start'])


def test_a_viewer_is_followed_while_a_simulated_clock_stands_still(graph):
    graph.add(Annotator, use_sim_time=True)
    graph.collect(Image, 'image_annotated', qos.IMAGE)
    wait_for(lambda: graph.node.count_subscribers('image_raw'), what='the annotator to begin')



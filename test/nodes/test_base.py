# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip('fer_ros.nodes.base', reason='rclpy is absent')
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from fer_ros.errors import ConfigurationError  # noqa: E402
from fer_ros.nodes import base  # noqa: E402
from fer_ros.nodes.base import ManagedNode  # noqa: E402
from fer_ros.nodes.parameters import Parameter  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetState  # noqa: E402
from rclpy.parameter import Parameter as RosParameter  # noqa: E402
from ros_support import wait_for  # noqa: E402


class Recorder(ManagedNode):
    """Record the steps taken; fail where requested."""

    PARAMETERS = (
        Parameter('rate_hz', 30.0, 'a rate', minimum=1.0, maximum=120.0),
        Parameter('threshold', 0.5, 'a threshold', minimum=0.0, maximum=1.0, dynamic=True),
        Parameter('mode', 'fast', 'a mode', choices=('fast', 'slow')),
        Parameter('device', 'none', 'a device'),
    )

    def __init__(self, **kwargs):
        self.steps = []
        self.fail_in = ''
        super().__init__('recorder', **kwargs)

    def _step(self, name):
        self.steps.append(name)
        if self.fail_in == name:
            raise ConfigurationError(f'{name} cannot be done: do this instead')
        if self.fail_in == f'{name} by a bug':
            raise KeyError(name)

    def configure(self):
        self._step('configure')

    def activate(self):
        self._step('activate')

    def deactivate(self):
        self._step('deactivate')

    def cleanup(self):
        self._step('cleanup')

    def change(self, values):
        if values.get('threshold') == 0.25:
            raise ConfigurationError('threshold 0.25 is taken')
        self.steps.append(values)


def request(graph, kind, name, value):
    client = graph.node.create_client(kind, name)
    assert client.wait_for_service(60)
    future = client.call_async(value)
    return wait_for(lambda: future.done() and future.result(), what=name)


def change_state(graph, transition):
    return request(graph, ChangeState, 'recorder/change_state', ChangeState.Request(
        transition=Transition(id=transition))).success


def label(graph):
    return request(graph, GetState, 'recorder/get_state', GetState.Request()).current_state.label


def test_every_transition_is_undone_by_its_opposite_twice(graph):
    node = graph.add(Recorder, start=False)
    ways = [(Transition.TRANSITION_CONFIGURE, 'configure', 'inactive'),
            (Transition.TRANSITION_ACTIVATE, 'activate', 'active'),
            (Transition.TRANSITION_DEACTIVATE, 'deactivate', 'inactive'),
            (Transition.TRANSITION_CLEANUP, 'cleanup', 'unconfigured')]
    for _ in range(2):
        node.steps.clear()
        for transition, _, state in ways:
            assert change_state(graph, transition)
            assert label(graph) == state == node.state
        assert node.steps == [step for _, step, _ in ways]


@pytest.mark.parametrize('step, undone, state, transition', [
    ('configure', 'cleanup', 'unconfigured', Transition.TRANSITION_CONFIGURE),
    ('activate', 'deactivate', 'inactive', Transition.TRANSITION_ACTIVATE)])
@pytest.mark.parametrize('reason', ['', ' by a bug'])
def test_a_failed_step_is_undone_and_may_be_tried_again(graph, step, undone, state, transition,
                                                        reason):
    node = graph.add(Recorder, start=False)
    if step == 'activate':
        assert change_state(graph, Transition.TRANSITION_CONFIGURE)
    node.fail_in = step + reason
    assert not change_state(graph, transition)
    assert node.steps[-2:] == [step, undone]
    assert label(graph) == state == node.state
    node.fail_in = ''
    assert change_state(graph, transition)


def test_an_impossible_transition_leaves_the_node_alive(graph):
    node = graph.add(Recorder, start=False)
    assert not change_state(graph, Transition.TRANSITION_ACTIVATE)
    assert change_state(graph, Transition.TRANSITION_CONFIGURE)
    assert node.state == 'inactive'


@pytest.mark.parametrize('overrides, words', [
    ({'rate': 30.0}, ['unknown parameter rate', 'rate_hz']),
    ({'rate_hz': 500.0}, ['rate_hz is 500.0', '1.0 to 120.0']),
    ({'rate_hz': 'fast'}, ['rate_hz', 'expected double']),
    ({'device': None}, ['device is None', 'expected string']),   # an empty list in a file
    ({'mode': 'medium'}, ["mode is 'medium'", 'fast, slow']),
])
def test_wrong_parameters_are_refused_at_start(graph, overrides, words):
    with pytest.raises(ConfigurationError) as error:
        graph.add(Recorder, **overrides)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_whole_numbers_are_taken_where_they_mean_the_same(graph):
    node = graph.add(Recorder, rate_hz=15, device=0)
    assert node.value('rate_hz') == 15.0 and node.value('device') == '0'


def test_changes_at_run_time_are_answered_with_a_reason(graph):
    node = graph.add(Recorder)
    answer = node.set_parameters([RosParameter('threshold', value=0.75)])[0]
    assert answer.successful and node.steps[-1] == {'threshold': 0.75}
    for name, value, word in [('threshold', 2.0, 'range'), ('threshold', 0.25, 'taken'),
                              ('rate_hz', 10.0, 'configure')]:
        answer = node.set_parameters([RosParameter(name, value=value)])[0]
        assert not answer.successful and word in answer.reason.lower(), answer.reason
    assert node.value('threshold') == 0.75


def test_diagnostics_tell_state_and_failure(graph):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    node = graph.add(Recorder)

    def newest():
        return messages[-1].status[0] if messages else None
    wait_for(lambda: newest() and newest().message == 'active')
    assert newest().level == DiagnosticStatus.OK and newest().name == 'recorder: status'
    node.trigger_deactivate()
    node.fail_in = 'activate'
    node.trigger_activate()
    wait_for(lambda: newest().level == DiagnosticStatus.ERROR)
    assert newest().message == 'activate cannot be done: do this instead'


def failing(graph, monkeypatch, step='configure', pause_s=0.1):
    """Return a node whose start failed in a step, and is tried again soon."""
    monkeypatch.setattr(base, '_RETRY_S', (pause_s, pause_s))
    node = graph.add(Recorder, start=False)
    node.fail_in = step
    assert not node.start()
    return node


@pytest.mark.parametrize('step', ['configure', 'activate'])
def test_a_failed_start_is_reported_and_succeeds_once_what_was_missing_is_there(graph, monkeypatch,
                                                                            step):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    node = failing(graph, monkeypatch, step)
    tries = node.steps.count(step)
    wait_for(lambda: node.steps.count(step) > tries + 2, what='further tries')
    wait_for(lambda: messages and messages[-1].status[0].level == DiagnosticStatus.ERROR)
    status = messages[-1].status[0]
    assert status.message == f'{step} cannot be done: do this instead'
    assert float(dict((v.key, v.value) for v in status.values)['tried again in (s)']) < 1
    node.fail_in = ''
    wait_for(lambda: node.state == 'active')
    assert label(graph) == 'active'
    # Every failed try was undone, and the successful one is the last.
    undone = {'configure': 'cleanup', 'activate': 'deactivate'}[step]
    assert node.steps.count(step) == node.steps.count(undone) + 1
    count = len(node.steps)
    messages.clear()
    wait_for(lambda: sum(m.status[0].message == 'active' for m in list(messages)) >= 2)
    assert len(node.steps) == count


def test_who_configures_a_failed_node_manually_has_it_as_asked(graph, monkeypatch):
    node = failing(graph, monkeypatch, pause_s=600.0)
    assert not change_state(graph, Transition.TRANSITION_CONFIGURE)
    node.fail_in = ''
    assert change_state(graph, Transition.TRANSITION_CONFIGURE)
    # No try is pending that would activate it.
    assert node._retry is None and label(graph) == 'inactive' == node.state
    assert change_state(graph, Transition.TRANSITION_ACTIVATE)


def test_a_shutdown_ends_the_tries(graph, monkeypatch):
    node = failing(graph, monkeypatch, pause_s=600.0)
    assert node._retry is not None
    assert change_state(graph, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert node._retry is None and node.state == 'finalized'


def test_tries_that_fail_alike_are_logged_once(graph, monkeypatch, capfd):
    node = failing(graph, monkeypatch)
    for mode in ('configure', 'configure by a bug'):
        node.fail_in = mode
        tries = node.steps.count('configure')
        wait_for(lambda: node.steps.count('configure') > tries + 3)
    logged = ''.join(capfd.readouterr())
    assert logged.count('do this instead') == 1 and logged.count('Traceback') == 1
    assert logged.count('trying again') == 1


def test_diagnostics_come_while_a_simulated_clock_stands_still(graph):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    graph.add(Recorder, use_sim_time=True)
    wait_for(lambda: sum(m.status[0].message == 'active' for m in list(messages)) >= 2)
    status = messages[-1].status[0]
    assert status.name == 'recorder: status' and status.hardware_id == 'none'
    assert {'node': '/recorder', 'state': 'active'}.items() <= {
        pair.key: pair.value for pair in status.values}.items()

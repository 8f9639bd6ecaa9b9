# SPDX-License-Identifier: Apache-2.0
"""What holds for every node: lifecycle, parameters, diagnostics, documentation."""

from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from fer_ros import conversions  # noqa: E402
from fer_ros.conversions import optional as optional_conversions  # noqa: E402
from fer_ros.errors import ConfigurationError  # noqa: E402
from fer_ros.nodes import documentation  # noqa: E402
from fer_ros.nodes.composed import NODES  # noqa: E402
from rclpy.parameter import Parameter as RosParameter  # noqa: E402
from ros_support import wait_for  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
#: So that each can be started anywhere.
SETTINGS = {'camera_driver': {'source': '/dev/video97'},
            'smart_home_bridge': {'dry_run': True,
                                  'policy_file': str(REPOSITORY / 'config' / 'policies' /
                                                     'default.yaml')}}
NAMES = [name for name in NODES if name != 'dashboard']
NEEDS = {'ros4hri': 'hri', 'detections': 'vision'}


def maker(name):
    module, kind = NODES[name]
    return getattr(import_module(module), kind)


@pytest.fixture
def available(monkeypatch):
    """Make a node's optional package be there."""
    def make(name):
        if name in NEEDS:
            import optional_messages
            package = f'{NEEDS[name]}_msgs'
            monkeypatch.setattr(optional_conversions, NEEDS[name], optional_messages.load(package))
    return make


def endpoints(node):
    """Return what a node has of topics, but for what every node has."""
    common = ('/parameter_events', '/rosout', '/diagnostics', '/clock')
    own = f'/{node.get_name()}/transition_event'
    # Subscriptions with a thread of their own are hidden from executors.
    return sorted(e.topic_name for e in [*node.publishers, *node.subscriptions, *node.receivers]
                  if e.topic_name not in (*common, own))


@pytest.mark.parametrize('name', NAMES)
def test_each_transition_is_undone_by_its_opposite_twice(graph, available, name):
    available(name)
    node = graph.add(maker(name), start=False, **SETTINGS.get(name, {}))
    timers, services = len(list(node.timers)), len(list(node.services))
    bare, configured = endpoints(node), None
    assert bare == []
    for _ in range(2):
        assert node.start(), node._collect().message
        active = endpoints(node)
        assert active
        node.trigger_deactivate()
        assert node.state == 'inactive'
        inactive = endpoints(node)
        configured = configured or inactive
        assert inactive == configured
        assert len(list(node.timers)) == timers and len(list(node.services)) == services
        assert node.trigger_activate().name == 'SUCCESS' and endpoints(node) == active
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert node.state == 'unconfigured' and endpoints(node) == bare
    node.trigger_shutdown()
    assert node.state == 'finalized'


def test_every_node_reports_its_state_once_per_second(graph):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 100)
    nodes = [graph.add(maker(name), start=False, **SETTINGS.get(name, {})) for name in NAMES]

    def regular(node):
        """Return the newest of three statuses a second apart; a busy machine delays some."""
        mine = [m for m in list(messages) if m.status[0].name.endswith(
            f'{node.get_name()}: status')]
        stamps = [conversions.stamp_to_s(m.header.stamp) for m in mine]
        return next((mine[i + 2].status[0] for i in range(len(mine) - 2)
                     if (stamps[i + 2] - stamps[i]) / 2 == pytest.approx(1, abs=0.3)), None)
    wait_for(lambda: all(map(regular, nodes)), what='three statuses of each, a second apart')
    for node in nodes:
        status = regular(node)
        assert status.message == 'unconfigured'
        assert [p.value for p in status.values if p.key == 'state'] == ['unconfigured']


@pytest.mark.parametrize('name', NODES)
def test_unknown_parameters_are_refused_at_start(graph, name):
    pytest.importorskip('flask', reason='flask, for the dashboard')
    with pytest.raises(ConfigurationError, match='unknown parameter no_such_thing'):
        graph.add(maker(name), no_such_thing=1)


@pytest.mark.parametrize('name', NODES)
def test_every_parameter_is_described_and_ranges_hold(graph, name):
    node = graph.add(maker(name), start=False, **SETTINGS.get(name, {}))
    for parameter in node.table:
        descriptor = node.describe_parameter(parameter.name)
        assert descriptor.description == parameter.description and len(descriptor.description) > 8
        for bound, step in ((parameter.minimum, -1), (parameter.maximum, 1)):
            if bound is None:
                continue
            kind = type(parameter.default)
            answer = node.set_parameters([RosParameter(parameter.name, value=kind(bound + step))])
            assert not answer[0].successful and answer[0].reason, (parameter.name, bound + step)
            answer = node.set_parameters([RosParameter(parameter.name, value=kind(bound))])
            assert answer[0].successful, (parameter.name, answer[0].reason)
            assert node.value(parameter.name) == bound
        if parameter.choices and isinstance(parameter.default, str):
            answer = node.set_parameters([RosParameter(parameter.name, value='no such')])[0]
            assert not answer.successful and 'expected one of' in answer.reason
            for choice in parameter.choices:
                assert node.set_parameters(
                    [RosParameter(parameter.name, value=choice)])[0].successful, choice


@pytest.mark.parametrize('name', NODES)
def test_what_takes_effect_at_configure_is_refused_later(graph, available, name):
    if name == 'dashboard':
        pytest.skip('it opens a port; test_dashboard has its lifecycle')
    available(name)
    node = graph.add(maker(name), **SETTINGS.get(name, {}))
    for parameter in node.table:
        if parameter.dynamic:
            continue
        answer = node.set_parameters([RosParameter(parameter.name,
                                                   value=node.value(parameter.name))])[0]
        assert not answer.successful
        assert f'{parameter.name} takes effect at configure' in answer.reason


def test_the_parameter_file_is_made_from_the_declarations():
    assert (REPOSITORY / 'config' / 'fer.yaml').read_text() == documentation.render_yaml()


def test_the_tables_of_the_documentation_are_made_from_the_declarations():
    text = (REPOSITORY / 'docs' / 'nodes.md').read_text()
    assert documentation.fill_markdown(text) == text

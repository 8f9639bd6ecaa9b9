# SPDX-License-Identifier: Apache-2.0
"""A bridge with one room and a camera that sees what the test says."""

import pytest


@pytest.fixture
def home(graph, tmp_path):
    """Yield the graph with a bridge, its actions, and its camera."""
    pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
    from bridge_support import POLICY
    from diagnostic_msgs.msg import DiagnosticArray
    from fer_ros.msg import AmbientAction
    from fer_ros.nodes import qos
    from fer_ros.nodes.smart_home_bridge import SmartHomeBridge
    from made_up_camera import Camera
    from ros_support import wait_for
    graph.file = tmp_path / 'policy.yaml'
    graph.file.write_text(POLICY)
    graph.bridge = graph.add(SmartHomeBridge, policy_file=str(graph.file))
    graph.actions = graph.collect(AmbientAction, 'ambient_actions', qos.RESULT)
    graph.status = graph.collect(DiagnosticArray, '/diagnostics', 10)
    wait_for(lambda: graph.node.count_publishers('ambient_actions'))
    graph.camera = Camera(graph)
    yield graph
    graph.camera.close()


@pytest.fixture
def states(home):
    """Return the list into which the states of the home come."""
    from fer_ros.msg import HomeState
    from fer_ros.nodes import qos
    return home.collect(HomeState, '/smart_home_bridge/home_state', qos.STATE)

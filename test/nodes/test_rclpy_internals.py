# SPDX-License-Identifier: Apache-2.0
"""Undocumented parts of rclpy: each name that we use, and that only one module does."""

import ast
from pathlib import Path
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

rclpy_internals = pytest.importorskip('fer_ros.nodes.rclpy_internals', reason='rclpy is absent')
from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
import rclpy  # noqa: E402
from rclpy.lifecycle import LifecycleNode  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402
from ros_support import wait_for  # noqa: E402
from std_msgs.msg import Int32  # noqa: E402

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

PACKAGE = Path(__file__).parents[2] / 'fer_ros'
DOOR = PACKAGE / 'nodes' / 'rclpy_internals.py'


@pytest.mark.parametrize('arguments, error', [
    (['--ros-args', '-r', 'no rule'], rclpy_internals.RCLError),
    (['--ros-args', '--nonsense'], rclpy_internals.UnknownROSArgsError)])
def test_unusable_arguments_raise_what_we_catch(arguments, error):
    context = rclpy.Context()
    with pytest.raises(error):
        rclpy.init(args=arguments, context=context, signal_handler_options=SignalHandlerOptions.NO)


def test_overrides_come_from_arguments_files_and_the_maker(tmp_path):
    file = tmp_path / 'parameters.yaml'
    file.write_text('/**: {ros__parameters: {from_file: 1, both: 1, empty: []}}')
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--params-file', str(file), '-p', 'both:=2'], context=context,
               signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('set', context=context, parameter_overrides=[
        rclpy.parameter.Parameter('by_maker', value=3)])
    given = rclpy_internals.parameter_overrides(node)
    assert {name: given[name].value for name in given} == {
        'from_file': 1, 'both': 2, 'empty': None, 'by_maker': 3}
    assert not node.has_parameter('from_file')  # nothing is declared by that
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def lifecycle_node(graph):
    node = LifecycleNode('plain')
    graph._executor.add_node(node)
    yield node
    graph._executor.remove_node(node)
    node.destroy_node()
    assert 'plain' in graph.node.get_node_names()
    rclpy_internals.release_state_machine(node)
    wait_for(lambda: 'plain' not in graph.node.get_node_names(), what='the end of the node')


def test_messages_load_without_their_generator_which_can_be_loaded_afterwards():
    code = ('import sys\n'
            'from fer_ros.nodes.rclpy_internals import load_messages_without_generator as load\n'
            'from std_msgs.msg import Int32\n'
            'load()\n'
            'Int32.__class__.__import_type_support__()\n'
            'assert Int32.__class__._TYPE_SUPPORT and "lark" not in sys.modules\n'
            'import rosidl_generator_py.generate_py_impl\n'
            'assert "lark" in sys.modules')
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120)


def test_an_impossible_transition_raises_no_more(graph, lifecycle_node):
    refused = []
    rclpy_internals.refuse_impossible_transitions(
        lifecycle_node, lambda request, error: refused.append((request.transition.id, str(error))))
    client = graph.node.create_client(ChangeState, 'plain/change_state')
    assert client.wait_for_service(60)

    def ask(transition):
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        return wait_for(lambda: future.done() and future.result(), what='an answer').success
    assert not ask(Transition.TRANSITION_ACTIVATE)
    assert ask(Transition.TRANSITION_CONFIGURE)  # the executor is still there
    # Distributions that answer False by themselves have nothing to tell us.
    assert [number for number, _ in refused] in ([], [Transition.TRANSITION_ACTIVATE])


@pytest.fixture
def waiting(graph):
    """Return a waiter for a subscription that no executor serves, and the subscription's node."""
    heard, mismatches = [], []
    node = rclpy.create_node('waiting')
    subscription = node.create_subscription(
        Int32, 'numbers', heard.append, QoSProfile(depth=5),
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=mismatches.append))
    waiter = rclpy_internals.SubscriptionWaiter(subscription, node.context)
    waiter.node, waiter.heard, waiter.mismatches = node, heard, mismatches
    yield waiter
    waiter.destroy()
    node.destroy_node()


def serve(waiter):
    assert waiter.wait()
    for callback, argument in waiter.take():
        callback(argument)


def test_a_message_is_waited_for_and_taken(graph, waiting):
    publisher = graph.publisher(Int32, 'numbers', QoSProfile(depth=5))
    publisher.publish(Int32(data=7))
    with waiting as waiter:
        while not waiter.heard:
            serve(waiter)
    assert waiting.heard == [Int32(data=7)]


@pytest.mark.parametrize('more', [{}, {'publication_sequence_number': None}],
                         ids=['Humble', 'a middleware that does not count'])
def test_a_message_without_a_number_is_taken_and_none_is_missed(graph, waiting, more):
    publisher = graph.publisher(Int32, 'numbers', QoSProfile(depth=5))
    publisher.publish(Int32(data=7))
    with waiting as waiter:
        while not waiter._wait_set.get_ready_entities('subscription'):
            assert waiter.wait()
        taken = Int32(data=7), {'source_timestamp': 1, 'received_timestamp': 2, **more}
        waiter._subscription = SimpleNamespace(
            handle=SimpleNamespace(take_message=lambda *_: taken), msg_type=Int32, raw=False,
            callback=waiter.heard.append)
        for callback, argument in waiter.take():
            callback(argument)
    assert waiting.heard == [Int32(data=7)] and waiting.missed.count == 0


def test_an_event_is_waited_for_and_taken(graph, waiting):
    graph.node.create_publisher(
        Int32, 'numbers', QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    with waiting as waiter:
        while not waiter.mismatches:
            serve(waiter)
    assert waiting.mismatches[0].total_count == 1 and not waiting.heard


def test_a_waiter_can_be_woken_without_either(graph, waiting):
    returned = []

    def wait():
        with waiting as waiter:
            returned.append((waiter.wait(), list(waiter.take())))
    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wake()
    thread.join(60)
    assert returned == [(True, [])]


def test_waiting_ends_with_the_context():
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('ending', context=context)
    waiter = rclpy_internals.SubscriptionWaiter(
        node.create_subscription(Int32, 'numbers', print, 1), context)
    with waiter:
        rclpy.shutdown(context=context)
        assert not waiter.wait()
    waiter.destroy()
    node.destroy_node()


@pytest.fixture(scope='module')
def node_names():
    """Return the private names that rclpy gives its nodes."""
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = LifecycleNode('looked_at', context=context)
    names = {name for name in dir(node) if name.startswith('_') and not name.startswith('__')}
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert {'_parameter_overrides', '_service_change_state'} <= names
    return names


def used_from_inside(source, node_names):
    """Return what a module takes from inside rclpy: imports, and names of nodes and entities."""
    tree = ast.parse(source)
    imported = set()
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            imported |= {alias.name for alias in item.names}
        elif isinstance(item, ast.ImportFrom) and item.module:
            imported |= {f'{item.module}.{alias.name}' for alias in item.names}
    if not any(name.split('.')[0] == 'rclpy' or name.startswith('fer_ros.nodes')
               for name in imported):
        return []
    found = [name for name in imported if name.startswith('rclpy.') and (
        name.startswith(('rclpy.impl', 'rclpy.guard_condition', 'rclpy.handle'))
        or any(part.startswith('_') for part in name.split('.')))]
    nodes = [item for item in ast.walk(tree) if isinstance(item, ast.ClassDef) and any(
        ast.unparse(base).endswith('Node') for base in item.bases)]
    in_nodes = {id(item) for node in nodes for item in ast.walk(node)}
    for item in ast.walk(tree):
        if not isinstance(item, ast.Attribute):
            continue
        of_self = isinstance(item.value, ast.Name) and item.value.id in ('self', 'cls')
        # A node's own names must be others too: they would replace rclpy's.
        if item.attr in node_names and (not of_self or id(item) in in_nodes) or item.attr in (
                'handle', 'take_message', 'add_to_wait_set', 'is_ready', 'take_data', 'WaitSet'):
            found.append(ast.unparse(item))
    return found


@pytest.mark.parametrize('path', sorted(PACKAGE.rglob('*.py')),
                         ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_else_knows_rclpy_from_inside(path, node_names):
    found = used_from_inside(path.read_text(encoding='utf-8'), node_names)
    assert bool(found) == (path == DOOR), f'{path.name} uses {found}: only {DOOR.name} may'


@pytest.mark.parametrize('line', [
    'from rclpy._rclpy_pybind11 import RCLError', 'import rclpy.impl.implementation_singleton',
    'from rclpy.guard_condition import GuardCondition', 'import rclpy; node._parameter_overrides',
    'import rclpy; self._node._service_change_state', 'import rclpy; publisher.handle',
    'from rclpy.node import Node\nclass Mine(Node):\n    def f(self): self._timers = []'])
def test_whoever_does_is_found(line, node_names):
    assert used_from_inside(line, node_names)

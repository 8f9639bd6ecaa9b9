# SPDX-License-Identifier: Apache-2.0
"""Print the graph of a running system: nodes, states, topics, types, QoS and mismatches."""

import argparse
import json
import sys
import time

from fer_ros import transport
from fer_ros.cli.output import pipeable

#: Every node has these; with --all they are listed too.
_COMMON = ('/parameter_events', '/rosout', '/diagnostics')
_NAME = 'fer_graph'


def collect(node, everything: bool = False) -> dict:
    """Return the graph as a node sees it: nodes, and the endpoints of each topic.

    :returns: ``nodes`` (full names), ``topics``: by name, with ``types``, ``publishers`` and
        ``subscriptions`` (each with ``node`` and ``qos``) and ``mismatches``, sentences.
    """
    topics = {}
    for name, types in sorted(node.get_topic_names_and_types()):
        if not everything and (name in _COMMON or name.endswith('/transition_event')):
            continue
        sides = {'publishers': node.get_publishers_info_by_topic(name),
                 'subscriptions': node.get_subscriptions_info_by_topic(name)}
        if any(sides.values()):
            topics[name] = {
                'types': types,
                **{side: [{'node': _full(info.node_namespace, info.node_name),
                           'qos': _qos(info.qos_profile)} for info in infos]
                   for side, infos in sides.items()},
                'mismatches': _mismatches(*sides.values())}
    nodes = sorted({_full(space, name) for name, space in node.get_node_names_and_namespaces()
                    if name != _NAME})
    return {'nodes': nodes, 'topics': topics}


def render(graph: dict, states: dict[str, str]) -> str:
    """Return the graph as text."""
    lines = [f'{len(graph["nodes"])} nodes']
    lines += [f'  {name}{"  [" + states[name] + "]" if name in states else ""}'
              for name in graph['nodes']]
    lines += ['', f'{len(graph["topics"])} topics']
    for name, topic in graph['topics'].items():
        lines.append(f'  {name}  ({", ".join(topic["types"])})')
        for side, arrow in (('publishers', '<-'), ('subscriptions', '->')):
            lines += [f'    {arrow} {end["node"]}  {end["qos"]}' for end in topic[side]]
        lines += [f'    !! {sentence}' for sentence in topic['mismatches']]
    return '\n'.join(lines)


def lifecycle_states(node, names: list[str], timeout_s: float = 2.0) -> dict[str, str]:
    """Return the lifecycle state of each node that has one and answers in time."""
    from lifecycle_msgs.srv import GetState
    import rclpy
    services = dict(node.get_service_names_and_types())
    clients = {name: node.create_client(GetState, f'{name}/get_state') for name in names
               if f'{name}/get_state' in services}
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and not all(c.service_is_ready() for c in clients.values()):
        rclpy.spin_once(node, timeout_sec=0.05)
    futures = {name: client.call_async(GetState.Request()) for name, client in clients.items()
               if client.service_is_ready()}
    while time.monotonic() < end and not all(f.done() for f in futures.values()):
        rclpy.spin_once(node, timeout_sec=0.05)
    return {name: future.result().current_state.label for name, future in futures.items()
            if future.done()}


def _full(namespace: str, name: str) -> str:
    return f'{namespace.rstrip("/")}/{name}'


def _qos(profile) -> str:
    # Not every middleware sends depth and history over the wire.
    from fer_ros.nodes import qos
    return qos.describe(profile)


def _mismatches(publishers: list, subscriptions: list) -> list[str]:
    from rclpy.qos import qos_check_compatible, QoSCompatibility
    return [f'{_full(p.node_namespace, p.node_name)} offers {_qos(p.qos_profile)}, '
            f'{_full(s.node_namespace, s.node_name)} requests {_qos(s.qos_profile)}: nothing '
            'arrives' for p in publishers for s in subscriptions
            if qos_check_compatible(p.qos_profile, s.qos_profile)[0] == QoSCompatibility.ERROR]


@pipeable
def main(args: list[str] | None = None) -> int:
    """Print the graph of the ROS domain of this shell."""
    parser = argparse.ArgumentParser(prog='fer-graph', description=__doc__)
    parser.add_argument('--wait', type=float, default=2.0, metavar='S',
                        help='discovery time, seconds (default 2)')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.add_argument('--all', action='store_true',
                        help='include /rosout, /parameter_events, /diagnostics and '
                             'transition_event')
    options = parser.parse_args(args)
    try:
        import rclpy
    except ImportError:
        print('rclpy cannot be imported: source your ROS 2 first', file=sys.stderr)
        return 1
    from rclpy.signals import SignalHandlerOptions
    transport.use_profile()
    # rclpy's handler would shut down in a thread, while the end below does so, too.
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node(_NAME, enable_rosout=False, start_parameter_services=False)
        end = time.monotonic() + options.wait
        while time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.1)
        graph = collect(node, options.all)
        states = lifecycle_states(node, graph['nodes'])
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
    print(json.dumps({**graph, 'states': states}, indent=1) if options.json
          else render(graph, states))
    return 0 if graph['nodes'] else 1


if __name__ == '__main__':
    raise SystemExit(main())

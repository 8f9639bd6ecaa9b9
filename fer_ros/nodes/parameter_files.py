# SPDX-License-Identifier: Apache-2.0
"""Read what rclpy does not expose of a process's parameter files: sections and QoS."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fer_ros.errors import ConfigurationError, shown
from fer_ros.files import read_text
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, ReliabilityPolicy
import yaml

_MAXIMUM_BYTES = 10_000_000
_QOS = 'qos_overrides.'
#: Policies that may be set, with their values; a depth is a number.
_POLICIES = {'history': HistoryPolicy, 'reliability': ReliabilityPolicy,
             'durability': DurabilityPolicy}


def shared_names(arguments: Sequence[str]) -> frozenset[str]:
    """Return the parameters that files set for all nodes (under ``/**``) and for none by name.

    :param arguments: the process's arguments; ``-p`` sets parameters of this node.
    """
    shared, own = set(), set()
    for option, value in zip(arguments, arguments[1:]):
        if option in ('-p', '--param'):
            own.add(value.partition(':=')[0].rpartition(':')[2])
        elif option == '--params-file':
            for section, names in _sections(value):
                (shared if section.endswith('*') else own).update(names)
    return frozenset(shared - own)


def _sections(path: str) -> Iterator[tuple[str, set[str]]]:
    try:
        content = yaml.safe_load(read_text(path, _MAXIMUM_BYTES))
        yield from _below('', content)
    except (ConfigurationError, yaml.YAMLError, RecursionError):
        return    # rclpy has read it, and reports what is wrong with it


def _below(name: str, content: object) -> Iterator[tuple[str, set[str]]]:
    if not isinstance(content, dict):
        return
    for key, inner in content.items():
        if key == 'ros__parameters' and isinstance(inner, dict):
            yield name, set(_flat('', inner))
        else:
            yield from _below(f'{name}/{key}', inner)


def _flat(prefix: str, values: Mapping) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f'{prefix}{key}.', value)
        else:
            yield f'{prefix}{key}'


def check_qos(node: str, overrides: Mapping[str, RosParameter]) -> None:
    """Check the QoS overrides; rclpy would raise a bare exception when a topic is created.

    :param overrides: the parameters set by files and arguments, by name.
    :raises ConfigurationError: naming topic, policy, value and the values allowed.
    """
    for name, parameter in overrides.items():
        if name.startswith(_QOS):
            topic, _, side = name.removeprefix(_QOS).rpartition('.')[0].rpartition('.')
            policy, value = name.rpartition('.')[2], parameter.value
            if problem := _qos_problem(policy, value):
                raise ConfigurationError(
                    f'{node}: QoS override of {topic or "?"} ({side or "?"}): {problem}')


def _qos_problem(policy: str, value: object) -> str:
    if policy == 'depth':
        return '' if type(value) is int and value >= 0 else \
            f'depth is {shown(value)}: expected a whole number from 0'
    if policy not in _POLICIES:
        return f'{shown(policy)} cannot be set: expected depth, {", ".join(_POLICIES)}'
    allowed = [one.lower() for one in _names(_POLICIES[policy])]
    return '' if isinstance(value, str) and value.lower() in allowed else \
        f'{policy} is {shown(value)}: expected one of {", ".join(allowed)}'


def _names(policy: type) -> Iterable[str]:
    return [name for name in policy.__members__ if name.isupper() and 'UNKNOWN' not in name
            and not name.startswith('RMW_')]

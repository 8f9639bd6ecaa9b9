# SPDX-License-Identifier: Apache-2.0
"""Read what rclpy does not expose of parameters: sections, QoS, values before there is a node."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
            for section, values in _sections(value):
                (shared if section.endswith('*') else own).update(values)
    return frozenset(shared - own)


def requested_values(arguments: Sequence[str], names: Collection[str]) -> dict[str, list]:
    """Return the values that a process's nodes are to have, before there is a node to ask.

    :param names: of parameters.
    :returns: by name, every value that an argument or a file gives to any node; empty lists for
        those that none gives.
    """
    found: dict[str, list] = {name: [] for name in names}
    for option, value in zip(arguments, arguments[1:]):
        if option in ('-p', '--param'):
            name, _, text = value.partition(':=')
            given = [(name.rpartition(':')[2], _parsed(text))]
        elif option == '--params-file':
            given = [pair for _, values in _sections(value) for pair in values.items()]
        else:
            continue
        for name, one in given:
            if name in found:
                found[name].append(one)
    return found


def _parsed(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return text


def _sections(path: str) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        content = yaml.safe_load(read_text(path, _MAXIMUM_BYTES))
        yield from _below('', content)
    except (ConfigurationError, yaml.YAMLError, RecursionError):
        return    # rclpy has read it, and reports what is wrong with it


def _below(name: str, content: object) -> Iterator[tuple[str, dict[str, object]]]:
    if not isinstance(content, dict):
        return
    for key, inner in content.items():
        if key == 'ros__parameters' and isinstance(inner, dict):
            yield name, dict(_flat('', inner))
        else:
            yield from _below(f'{name}/{key}', inner)


def _flat(prefix: str, values: Mapping) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f'{prefix}{key}.', value)
        else:
            yield f'{prefix}{key}', value


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

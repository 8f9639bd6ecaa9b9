# SPDX-License-Identifier: Apache-2.0
"""One table of parameters per node: declaration, validation and documentation derive from it."""

import sys
from typing import Any

from fer_ros.errors import ConfigurationError, cut
from fer_ros.nodes.parameter_files import check_qos, shared_names
from fer_ros.nodes.rclpy_internals import parameter_overrides
from fer_ros.parameters import Parameter
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

#: Parameters of every node.
COMMON_PARAMETERS = (
    Parameter('autostart', True, 'configure and activate at start, without a lifecycle manager'),
    Parameter('read_only', False, 'reject every parameter change while the node runs, and calls '
              'of the services of the smart-home bridge and the emotion classifier'),
)

#: Parameters that rclpy declares.
_FOREIGN = ('use_sim_time', 'start_type_description_service')
_FOREIGN_PREFIXES = ('qos_overrides.',)


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    """Return the ROS description, as ``ros2 param describe`` shows it."""
    constraint = parameter.constraint
    if not parameter.dynamic:
        constraint = f'{constraint}; ' if constraint else ''
        constraint += 'takes effect at configure'
    described = ParameterDescriptor(description=parameter.description,
                                    additional_constraints=constraint)
    if parameter.minimum is not None and parameter.maximum is not None:
        if isinstance(parameter.default, int):
            described.integer_range = [IntegerRange(
                from_value=int(parameter.minimum), to_value=int(parameter.maximum), step=0)]
        else:
            described.floating_point_range = [FloatingPointRange(
                from_value=float(parameter.minimum), to_value=float(parameter.maximum),
                step=0.0)]
    return described


def declare(node: Node, table: tuple[Parameter, ...]) -> None:
    """Declare every parameter of the table; refuse bad values and unknown names.

    Unknown names that a file sets for all nodes are meant for other nodes and ignored.

    :raises ConfigurationError: names the parameter, the value and what was expected.
    """
    overrides = parameter_overrides(node)
    known = [parameter.name for parameter in table]
    unknown = [name for name in overrides if name not in known and name not in _FOREIGN
               and not name.startswith(_FOREIGN_PREFIXES)]
    shared = shared_names(sys.argv) if unknown else frozenset()
    if meant_for_others := shared.intersection(unknown):
        node.get_logger().info(
            f'ignored, as set for all nodes (/**): {cut(", ".join(sorted(meant_for_others)))}')
    unknown = [name for name in unknown if name not in shared]
    if unknown:
        raise ConfigurationError(
            f'{node.get_name()}: unknown parameter {cut(", ".join(sorted(unknown)))}; it has '
            f'{", ".join(sorted(known))}. Check the spelling in the YAML file or after -p.')
    check_qos(node.get_name(), overrides)
    for parameter in table:
        value = parameter.default if parameter.name not in overrides else \
            _checked(node.get_name(), parameter, overrides[parameter.name])
        node.declare_parameter(parameter.name, value, descriptor(parameter),
                               ignore_override=True)


def _checked(node: str, parameter: Parameter, override: RosParameter) -> Any:
    """Return the value that was set, if it is valid."""
    value, default = override.value, parameter.default
    expected = RosParameter.Type.from_parameter_value(default)
    if override.type_ == RosParameter.Type.INTEGER and isinstance(default, (float, str)):
        value = type(default)(value)  # 30 for 30.0, and device 0 for '0', as people write them
    elif (override.type_, expected) == (RosParameter.Type.INTEGER_ARRAY,
                                     RosParameter.Type.DOUBLE_ARRAY):
        value = list(map(float, value))
    elif override.type_ != expected:
        constraint = f', {parameter.constraint}' if parameter.constraint else ''
        raise ConfigurationError(
            f'{node}: parameter {parameter.name} is {value!r} ({override.type_.name.lower()}): '
            f'expected {expected.name.lower()}{constraint}')
    if problem := parameter.problem(value):
        raise ConfigurationError(f'{node}: parameter {problem}')
    return value


def markdown_table(table: tuple[Parameter, ...]) -> str:
    """Return the table as Markdown."""
    rows = ['| parameter | default | allowed | at run time | description |',
            '|---|---|---|---|---|']
    for p in table:
        default = f'`{p.default}`' if p.default != '' else '(empty)'
        rows.append(f'| `{p.name}` | {default} | {p.constraint or "-"} | '
                    f'{"yes" if p.dynamic else "no"} | {p.description} |')
    return '\n'.join(rows)

# SPDX-License-Identifier: Apache-2.0
"""One table of parameters a node: declaration, validation and documentation derive from it."""

from fer_ros.core.errors import ConfigurationError
from fer_ros.core.parameters import Parameter
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

#: Overrides that belong to rclpy and diagnostic_updater, not to our tables.
_FOREIGN = ('use_sim_time', 'start_type_description_service')
_FOREIGN_PREFIXES = ('qos_overrides.', 'diagnostic_updater.')


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

    :raises ConfigurationError: naming the parameter, the value and what was expected.
    """
    overrides = node._parameter_overrides
    known = [parameter.name for parameter in table]
    unknown = [name for name in overrides if name not in known and name not in _FOREIGN
               and not name.startswith(_FOREIGN_PREFIXES)]
    if unknown:
        raise ConfigurationError(
            f'{node.get_name()}: unknown parameter {", ".join(sorted(unknown))}; it has '
            f'{", ".join(sorted(known))}. Check the spelling in the YAML file or after -p.')
    for parameter in table:
        _coerce_override(overrides, parameter)
        override = overrides.get(parameter.name)
        default_type = RosParameter.Type.from_parameter_value(parameter.default)
        if override is not None:
            if override.type_ != default_type:
                raise ConfigurationError(
                    f'{node.get_name()}: parameter {parameter.name} is {override.value!r} '
                    f'({override.type_.name.lower()}): expected {default_type.name.lower()}'
                    f'{", " + parameter.constraint if parameter.constraint else ""}')
            problem = parameter.problem(override.value)
            if problem:
                raise ConfigurationError(f'{node.get_name()}: parameter {problem}')
        node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))


def _coerce_override(overrides: dict[str, RosParameter], parameter: Parameter) -> None:
    """Accept 30 for 30.0, and device 0 for '0', as everybody writes them."""
    override = overrides.get(parameter.name)
    if override is None or override.type_ != RosParameter.Type.INTEGER:
        return
    if isinstance(parameter.default, (float, str)):
        value = type(parameter.default)(override.value)
        overrides[parameter.name] = RosParameter(parameter.name, value=value)


def markdown_table(table: tuple[Parameter, ...]) -> str:
    """Return the table as the README shows it."""
    rows = ['| parameter | default | allowed | at run time | description |',
            '|---|---|---|---|---|']
    for p in table:
        default = f'`{p.default}`' if p.default != '' else '(empty)'
        rows.append(f'| `{p.name}` | {default} | {p.constraint or "-"} | '
                    f'{"yes" if p.dynamic else "no"} | {p.description} |')
    return '\n'.join(rows)

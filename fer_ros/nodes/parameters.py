# SPDX-License-Identifier: Apache-2.0
"""One table of parameters per node: declaration, validation and documentation derive from it."""

from dataclasses import dataclass, field
from typing import Any

from fer_ros.core.errors import ConfigurationError
from fer_ros.nodes.rclpy_internals import parameter_overrides
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

#: Parameters of rclpy, not of our tables.
_FOREIGN = ('use_sim_time', 'start_type_description_service')
_FOREIGN_PREFIXES = ('qos_overrides.',)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    :ivar default: its type is the parameter's type; a list has elements of one type.
    :ivar minimum: lowest value allowed, in the parameter's unit, or None.
    :ivar maximum: highest value allowed, or None.
    :ivar choices: the only values allowed, or empty.
    :ivar dynamic: True when it can be changed while the node runs; others take effect at
        configure and are refused later.
    """

    name: str
    default: Any
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple = field(default=())
    dynamic: bool = False

    @property
    def constraint(self) -> str:
        """What values are allowed, in words; empty when all of the type are."""
        if self.choices:
            return 'one of ' + ', '.join(str(choice) or 'empty' for choice in self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f'{self.minimum} to {self.maximum}'
        if self.minimum is not None:
            return f'at least {self.minimum}'
        return '' if self.maximum is None else f'at most {self.maximum}'

    def problem(self, value: Any) -> str:
        """Return what is wrong with a value of the right type, or an empty string."""
        too_low = self.minimum is not None and not value >= self.minimum
        too_high = self.maximum is not None and not value <= self.maximum
        if too_low or too_high or (self.choices and value not in self.choices):
            return f'{self.name} is {value!r}: expected {self.constraint} ({self.description})'
        return ''

    def descriptor(self) -> ParameterDescriptor:
        """Return the ROS description, as ``ros2 param describe`` shows it."""
        constraint = self.constraint
        if not self.dynamic:
            constraint = f'{constraint}; ' if constraint else ''
            constraint += 'takes effect at configure'
        descriptor = ParameterDescriptor(description=self.description,
                                         additional_constraints=constraint)
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, int):
                descriptor.integer_range = [IntegerRange(
                    from_value=int(self.minimum), to_value=int(self.maximum), step=0)]
            else:
                descriptor.floating_point_range = [FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum), step=0.0)]
        return descriptor


#: Of every node that may run an ONNX file.
PROVIDERS = Parameter(
    'providers', ['cpu'], 'where ONNX Runtime runs an ONNX file, the preferred first, such as '
    'openvino or cuda, with options after a colon (openvino:device_type=GPU); the processor comes '
    'last by itself')


def declare(node: Node, table: tuple[Parameter, ...]) -> None:
    """Declare every parameter of the table; refuse bad values and unknown names.

    :raises ConfigurationError: naming the parameter, the value and what was expected.
    """
    given = parameter_overrides(node)
    known = [parameter.name for parameter in table]
    unknown = [name for name in given if name not in known and name not in _FOREIGN
               and not name.startswith(_FOREIGN_PREFIXES)]
    if unknown:
        raise ConfigurationError(
            f'{node.get_name()}: unknown parameter {", ".join(sorted(unknown))}; it has '
            f'{", ".join(sorted(known))}. Check the spelling in the YAML file or after -p.')
    for parameter in table:
        value = parameter.default if parameter.name not in given else \
            _checked(node.get_name(), parameter, given[parameter.name])
        node.declare_parameter(parameter.name, value, parameter.descriptor(),
                               ignore_override=True)


def _checked(node: str, parameter: Parameter, given: RosParameter) -> Any:
    """Return the value that was set, where the parameter may have it."""
    value, default = given.value, parameter.default
    expected = RosParameter.Type.from_parameter_value(default)
    if given.type_ == RosParameter.Type.INTEGER and isinstance(default, (float, str)):
        value = type(default)(value)  # 30 for 30.0, and device 0 for '0', as everybody writes them
    elif (given.type_, expected) == (RosParameter.Type.INTEGER_ARRAY,
                                     RosParameter.Type.DOUBLE_ARRAY):
        value = list(map(float, value))
    elif given.type_ != expected:
        constraint = f', {parameter.constraint}' if parameter.constraint else ''
        raise ConfigurationError(
            f'{node}: parameter {parameter.name} is {value!r} ({given.type_.name.lower()}): '
            f'expected {expected.name.lower()}{constraint}')
    if problem := parameter.problem(value):
        raise ConfigurationError(f'{node}: parameter {problem}')
    return value


def markdown_table(table: tuple[Parameter, ...]) -> str:
    """Return the table as the README shows it."""
    rows = ['| parameter | default | allowed | at run time | description |',
            '|---|---|---|---|---|']
    for p in table:
        default = f'`{p.default}`' if p.default != '' else '(empty)'
        rows.append(f'| `{p.name}` | {default} | {p.constraint or "-"} | '
                    f'{"yes" if p.dynamic else "no"} | {p.description} |')
    return '\n'.join(rows)

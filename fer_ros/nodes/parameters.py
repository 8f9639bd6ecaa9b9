# SPDX-License-Identifier: Apache-2.0
"""One table of parameters a node: declaration, validation and documentation derive from it."""

from dataclasses import dataclass, field
from typing import Any

from fer_ros.core.errors import ConfigurationError
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

#: Overrides that belong to rclpy and diagnostic_updater, not to our tables.
_FOREIGN = ('use_sim_time', 'start_type_description_service')
_FOREIGN_PREFIXES = ('qos_overrides.', 'diagnostic_updater.')


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
        node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())


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

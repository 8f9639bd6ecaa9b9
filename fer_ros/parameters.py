# SPDX-License-Identifier: Apache-2.0
"""Tables of parameters of nodes and fer-home: name, default, range and description."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import math
from typing import Any

from fer_ros.errors import ConfigurationError
from fer_ros.masking import mask


@dataclass(frozen=True)
class Parameter:
    """A parameter of a node, or a setting of fer-home.

    :ivar default: its type is the parameter's type; a list has elements of one type.
    :ivar minimum: lowest allowed value, in the parameter's unit, or None.
    :ivar maximum: highest allowed value, or None.
    :ivar choices: the allowed values, or empty.
    :ivar dynamic: True if it can be changed while the node runs; others take effect at
        configure, and later changes are refused.
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
        """The allowed values, in words; empty if all values of the type are."""
        if self.choices:
            return 'one of ' + ', '.join(str(choice) or 'empty' for choice in self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f'{self.minimum} to {self.maximum}'
        if self.minimum is not None:
            return f'at least {self.minimum}'
        return '' if self.maximum is None else f'at most {self.maximum}'

    def problem(self, value: Any) -> str:
        """Return why a value of the right type is invalid, or an empty string."""
        too_low = self.minimum is not None and not value >= self.minimum
        too_high = self.maximum is not None and not value <= self.maximum
        if too_low or too_high or (self.choices and value not in self.choices):
            return mask(f'{self.name} is {value!r}: expected {self.constraint} '
                        f'({self.description})')
        return ''

    def coerced(self, value: Any) -> Any:
        """Convert a plain value to this parameter's type: 30 to 30.0, device 0 to '0'.

        :raises ConfigurationError: for another type, or an invalid value.
        """
        expected = type(self.default)
        if isinstance(value, int) and not isinstance(value, bool) and expected in (float, str):
            value = expected(value)
        if type(value) is not expected or (expected is float and not math.isfinite(value)):
            name = {str: 'text', int: 'a whole number', float: 'a number',
                    bool: 'true or false', list: 'a list'}[expected]
            raise ConfigurationError(f'{self.name} is {value!r}: expected {name}'
                                     f'{", " + self.constraint if self.constraint else ""}')
        if expected is list and isinstance(self.default[0], float):
            value = [float(part) if type(part) is int else part for part in value]
        if expected is list and not all(type(part) is type(self.default[0]) for part in value):
            raise ConfigurationError(f'{self.name} is {value!r}: expected a list such as '
                                     f'{self.default!r}')
        problem = self.problem(value)
        if problem:
            raise ConfigurationError(problem)
        return value


def defaults(table: Iterable[Parameter]) -> dict[str, Any]:
    """Return the default of every parameter by name."""
    return {parameter.name: parameter.default for parameter in table}


def complete(table: Iterable[Parameter], requested: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every parameter: the requested one, checked, or the default.

    :raises ConfigurationError: for an unknown name, another type, or an invalid value.
    """
    table = tuple(table)
    values = defaults(table)
    unknown = [name for name in requested if name not in values]
    if unknown:
        raise ConfigurationError(f'unknown key {unknown[0]!r}: expected '
                                 f'{", ".join(sorted(values))}')
    for parameter in table:
        if parameter.name in requested:
            values[parameter.name] = parameter.coerced(requested[parameter.name])
    return values

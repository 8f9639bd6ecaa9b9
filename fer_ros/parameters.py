# SPDX-License-Identifier: Apache-2.0
"""The settings that nodes and fer-home share: name, default, range and meaning, in tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import math
from typing import Any

from fer_ros.errors import ConfigurationError
from fer_ros.masking import mask


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node, or one setting of fer-home.

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
            return mask(f'{self.name} is {value!r}: expected {self.constraint} '
                        f'({self.description})')
        return ''

    def coerced(self, value: Any) -> Any:
        """Return a plain value as this parameter's type: 30 for 30.0, device 0 for '0'.

        :raises ConfigurationError: for another type, or a value that is not allowed.
        """
        wanted = type(self.default)
        if isinstance(value, int) and not isinstance(value, bool) and wanted in (float, str):
            value = wanted(value)
        if type(value) is not wanted or (wanted is float and not math.isfinite(value)):
            name = {str: 'text', int: 'a whole number', float: 'a number',
                    bool: 'true or false', list: 'a list'}[wanted]
            raise ConfigurationError(f'{self.name} is {value!r}: expected {name}'
                                     f'{", " + self.constraint if self.constraint else ""}')
        if wanted is list and isinstance(self.default[0], float):
            value = [float(part) if type(part) is int else part for part in value]
        if wanted is list and not all(type(part) is type(self.default[0]) for part in value):
            raise ConfigurationError(f'{self.name} is {value!r}: expected a list such as '
                                     f'{self.default!r}')
        problem = self.problem(value)
        if problem:
            raise ConfigurationError(problem)
        return value


def defaults(table: Iterable[Parameter]) -> dict[str, Any]:
    """Return the default of every parameter by name."""
    return {parameter.name: parameter.default for parameter in table}


def complete(table: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every parameter: the given one, checked, or the default.

    :raises ConfigurationError: for an unknown name, another type, or a value not allowed.
    """
    table = tuple(table)
    values = defaults(table)
    unknown = [name for name in given if name not in values]
    if unknown:
        raise ConfigurationError(f'unknown key {unknown[0]!r}: expected '
                                 f'{", ".join(sorted(values))}')
    for parameter in table:
        if parameter.name in given:
            values[parameter.name] = parameter.coerced(given[parameter.name])
    return values

# SPDX-License-Identifier: Apache-2.0
"""Values of a rule that are added to what a lamp is set to, such as ``+10%`` and ``-400 K``.

A sign and a unit distinguish them from absolute values. YAML reads ``-400`` as a number, which is
accepted because no absolute value is negative; it reads ``+400`` as 400, which is rejected.
"""

from dataclasses import dataclass
import re
from typing import Annotated, Any

from fer_ros.home.fields import Unit
from fer_ros.home.light import KELVIN_RANGE
from pydantic import Field, PlainSerializer, WrapValidator

_PERCENT = re.compile(r'([+-]?)\s*(\d{1,3}(?:\.\d{1,3})?)\s*%')
_KELVIN = re.compile(r'([+-]?)\s*(\d{1,4})\s*K?')
#: No two whites are further apart.
_LARGEST_K = KELVIN_RANGE[1] - KELVIN_RANGE[0]


@dataclass(frozen=True)
class Relative:
    """A change relative to what a person, the sun or another automation has set.

    :ivar amount: [-1, 1] for brightness and saturation, kelvin for whites.
    :ivar text: as in the policy.
    """

    amount: float
    text: str


def _percent(value: Any, handler) -> Any:
    if isinstance(value, Relative):
        return value
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip())
        if match is None:
            raise ValueError("is not a brightness: write 0.6, or with a sign '+10%' or '-10%' to "
                             'add it to what the lamp is set to')
        return _share(*match.groups(), f'{float(match.group(2)) / 100:g}')
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        raise ValueError("is below 0: to make a lamp dimmer than it is set to, write '-10%'")
    return handler(value)


def _share(sign: str, number: str, absolute: str) -> Relative:
    if not sign:
        raise ValueError(f"has no sign: write '+{number}%' or '-{number}%' to add it to what the "
                         f'lamp is set to{absolute and f", or {absolute}"}')
    amount = float(sign + number) / 100
    if not 0 < abs(amount) <= 1:
        raise ValueError('is not a change: expected 1% to 100%, with its sign')
    return Relative(amount, f'{100 * amount:+g}%')


def _kelvin(value: Any, handler) -> Any:
    if isinstance(value, Relative):
        return value
    if isinstance(value, str):
        match = _KELVIN.fullmatch(value.strip())
        if match is None or not match.group(1):
            raise ValueError("is not a color temperature: write 2700, or with a sign '+400 K' or "
                             "'-400 K' to add it to what the lamp is set to")
        return _difference(float(match.group(1) + match.group(2)))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < 0:
            return _difference(float(value))
        if 0 < value < 1000:
            raise ValueError(f'is not a color temperature ({KELVIN_RANGE[0]} to '
                             f'{KELVIN_RANGE[1]}): to make a lamp that much cooler than it is '
                             f"set to, write '+{value:g} K'")
    return handler(value)


def _difference(amount: float) -> Relative:
    if not 0 < abs(amount) <= _LARGEST_K:
        raise ValueError(f'is not a change: expected 1 K to {_LARGEST_K} K, with its sign')
    return Relative(amount, f'{amount:+g} K')


def _saturation(value: Any) -> Any:
    if isinstance(value, Relative):
        return value
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is only added to the color that a lamp has: write '+20%' or '-20%'")
    return _share(*match.groups(), '')


_WRITTEN = PlainSerializer(lambda value: value.text if isinstance(value, Relative) else value)

Kelvin = Annotated[int, Field(ge=KELVIN_RANGE[0], le=KELVIN_RANGE[1])]
#: [0, 1], or a change.
Brightness = Annotated[Unit, WrapValidator(_percent), _WRITTEN]
#: Kelvin, or a change.
White = Annotated[Kelvin, WrapValidator(_kelvin), _WRITTEN]
#: Always a change.
Saturation = Annotated[Relative, WrapValidator(lambda value, _: _saturation(value)), _WRITTEN]

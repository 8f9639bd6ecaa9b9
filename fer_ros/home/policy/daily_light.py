# SPDX-License-Identifier: Apache-2.0
"""``base`` of a room or home: how bright and warm lights are over the day, without any mood."""

from datetime import datetime, time
from typing import Annotated

from fer_ros.home.fields import Name, Part, TimeOfDay, Unit
from fer_ros.home.kinds.relative import Kelvin
from fer_ros.home.light import LightState
from pydantic import BeforeValidator, Field, model_validator

#: The sun's height at which it is night for the lights, and from which on it is day, degrees: the
#: end of civil twilight, and where daylight in a room hardly changes any more. Choices of this
#: project.
NIGHT_DEG, DAY_DEG = -6.0, 10.0
_BRIGHTNESS, _KELVIN = (0.4, 1.0), (2200, 5000)
_DAY_S = 86400


class SunCurve(Part):
    """The light at night and by day; between the two it follows the height of the sun.

    What is not given is not led; where neither is, both are, with the defaults.
    """

    brightness: tuple[Unit, Unit] | None = None
    color_temperature_k: tuple[Kelvin, Kelvin] | None = None

    def at(self, elevation_deg: float) -> LightState:
        """Return the light for a height of the sun."""
        share = min(1.0, max(0.0, (elevation_deg - NIGHT_DEG) / (DAY_DEG - NIGHT_DEG)))
        # Without corners: the eye notices where a change begins.
        share = share * share * (3 - 2 * share)
        brightness, kelvin = self.brightness, self.color_temperature_k
        if brightness is kelvin is None:
            brightness, kelvin = _BRIGHTNESS, _KELVIN
        return _between(_pair(brightness), _pair(kelvin), share)


class Waypoint(Part):
    """The light at a time of day."""

    at: TimeOfDay
    brightness: Unit | None = None
    color_temperature_k: Kelvin | None = None

    @property
    def second(self) -> int:
        """The time, seconds after midnight."""
        return _second(self.at)


class DailyLight(Part):
    """How the lights of a room are over the day; a mood comes on top.

    :ivar sun: by the height of the sun, or ``times``: by the clock on the wall.
    :ivar targets: only these lights; None: all of the room.
    """

    sun: SunCurve | None = None
    times: Annotated[tuple[Waypoint, ...], Field(min_length=1, max_length=48)] | None = None
    targets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    @model_validator(mode='after')
    def _one_source(self):
        if (self.sun is None) == (self.times is None):
            raise ValueError('give sun or times: what moves the light over the day')
        for earlier, later in zip(self.times or (), (self.times or ())[1:]):
            if later.second <= earlier.second:
                raise ValueError(f'times are not in order: {later.at:%H:%M} comes after '
                                 f'{earlier.at:%H:%M}')
        for key in ('brightness', 'color_temperature_k'):
            given = {getattr(one, key) is not None for one in self.times or ()}
            if len(given) == 2:
                raise ValueError(f'some of the times give {key} and some do not')
        if self.times and self.times[0].brightness is self.times[0].color_temperature_k is None:
            raise ValueError('the times give neither brightness nor color_temperature_k')
        return self

    def leads(self, target: str) -> bool:
        """Return whether a target of the room follows the day."""
        return self.targets is None or target in self.targets

    def at(self, local: datetime, elevation_deg: float | None) -> LightState | None:
        """Return the light of a moment; what is None in it is not led.

        :param local: the date and time on the wall.
        :param elevation_deg: the height of the sun; None: not known, and so is the light.
        """
        if self.times is None:
            return None if elevation_deg is None else self.sun.at(elevation_deg)
        now = _second(local.time())
        later = next((index for index, one in enumerate(self.times) if one.second > now), 0)
        earlier, after = self.times[later - 1], self.times[later]
        span = (after.second - earlier.second) % _DAY_S or _DAY_S
        return _between((earlier.brightness, after.brightness),
                        (earlier.color_temperature_k, after.color_temperature_k),
                        (now - earlier.second) % _DAY_S / span)


def _second(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _pair(value: tuple | None) -> tuple:
    return (None, None) if value is None else value


def _between(brightness: tuple, kelvin: tuple, share: float) -> LightState:
    """Return the light between two, in reciprocal kelvin, which the eye sees as even."""
    level = None if brightness[0] is None else round(
        brightness[0] + share * (brightness[1] - brightness[0]), 4)
    white = None if kelvin[0] is None else round(
        1e6 / (1e6 / kelvin[0] + share * (1e6 / kelvin[1] - 1e6 / kelvin[0])))
    return LightState(True, level, None, white)


def _base(value: object) -> object:
    if value == 'sun':
        return {'sun': {}}
    return None if value == 'off' else value


#: The key ``base``; the word ``sun`` alone is the sun with its defaults, and ``off`` is none.
Base = Annotated[DailyLight | None, BeforeValidator(_base)]

# SPDX-License-Identifier: Apache-2.0
"""Types of values in a policy file, and the base class of its parts."""

from datetime import time
import re
from typing import Annotated

from fer_ros.errors import ConfigurationError
import pydantic

if int(pydantic.VERSION.split('.')[0]) < 2:
    # Ubuntu 22.04, and with it Humble, has 1.8 as python3-pydantic.
    raise ConfigurationError(
        f'pydantic {pydantic.VERSION} is too old: the smart-home policy requires 2 or newer '
        "(pip install 'pydantic>=2')")

from pydantic import (  # noqa: E402
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

#: Maximum size of a message to the broker, bytes; too small for images.
MAXIMUM_PAYLOAD = 4096


def _name(value: str) -> str:
    if not re.fullmatch(r'[a-z][a-z0-9_]{0,39}', value):
        raise ValueError('is not a valid name: expected lowercase letters, digits and _, a letter '
                         'first, at most 40')
    return value


#: Names become parts of MQTT topics and of entity ids.
Name = Annotated[str, AfterValidator(_name)]


def _display_name(value: str) -> str:
    if len(value) > 60 or not value.isprintable() or value != value.strip():
        raise ValueError('is not a display name: expected at most 60 characters in one line, '
                         'without spaces around them')
    return value


#: Names that people read, in any script.
DisplayName = Annotated[str, AfterValidator(_display_name)]
Unit = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86400)]


class Part(BaseModel):
    """A part of a policy file: unknown keys are refused, and nothing changes afterwards."""

    #: Built when first used: the parts of a policy are built with it, not twice.
    model_config = ConfigDict(extra='forbid', frozen=True, allow_inf_nan=False, strict=False,
                              defer_build=True)


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r'(\d{1,2}):(\d{2})', value)):
        hour, minute = int(match.group(1)), int(match.group(2))
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError("is not a time of day: write '22:30'")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class DayPart(Part):
    """A part of the day in local time; it may cross midnight."""

    model_config = ConfigDict(extra='forbid', frozen=True, populate_by_name=True)

    start: TimeOfDay = Field(alias='from')
    end: TimeOfDay = Field(alias='to')

    @model_validator(mode='after')
    def _has_length(self):
        if self.start == self.end:
            raise ValueError('from and to are equal: the part is empty')
        return self

    def contains(self, local: time) -> bool:
        """Return whether a local time of day lies inside; from is included, to is not."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    @property
    def pieces(self) -> tuple[tuple[time, time], ...]:
        """The part as intervals within a day; the end of each is excluded."""
        if self.start < self.end:
            return ((self.start, self.end),)
        return ((self.start, time.max), (time.min, self.end))

    def describe(self) -> str:
        """Return it in words."""
        return f'{self.start:%H:%M} to {self.end:%H:%M}'


def _color(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r'#?([0-9a-fA-F]{6})', value.strip())
        if not match:
            raise ValueError("is not a color: write '#rrggbb', in quotes")
        digits = match.group(1)
        return tuple(int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4))
    return value


Color = Annotated[tuple[Unit, Unit, Unit], BeforeValidator(_color)]


def entity_of(*domains: str) -> type:
    """Return the type of a Home Assistant entity's id in one of these domains."""
    def check(value: str) -> str:
        if not re.fullmatch(rf"({'|'.join(domains)})\.[a-z0-9_]{{1,200}}", value):
            raise ValueError('is not the id of an entity: expected '
                             + ' or '.join(f'{domain}.name' for domain in domains))
        return value
    return Annotated[str, AfterValidator(check)]


def _payload(value: str) -> str:
    size = len(value.encode())
    if size > MAXIMUM_PAYLOAD:
        raise ValueError(f'has {size} bytes: at most {MAXIMUM_PAYLOAD} are sent')
    return value


#: A payload that is published unchanged.
Payload = Annotated[str, AfterValidator(_payload)]


def _topic(value: str) -> str:
    value = value.rstrip('/')
    if not value or any(part in value for part in '+#\0') or len(value.encode()) > 200 \
            or value.startswith('$'):
        raise ValueError('is not an MQTT topic to publish on: it is empty, too long, starts with '
                         '$ or holds + or #')
    return value


Topic = Annotated[str, AfterValidator(_topic)]


def _device_topic(value: str) -> str:
    base, _, last = value.rpartition('/')
    if last in ('set', 'get', 'availability') and base:
        raise ValueError(f"is the device's {last} topic: use its base topic {base!r}")
    return value


#: The base topic of a device, above those for commands and reports.
DeviceTopic = Annotated[Topic, AfterValidator(_device_topic)]


def _ros_name(value: str) -> str:
    if not re.fullmatch(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*', value) \
            or '__' in value or len(value) > 200:
        raise ValueError('is not the name of a ROS topic')
    return value


RosName = Annotated[str, AfterValidator(_ros_name)]

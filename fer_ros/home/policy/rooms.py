# SPDX-License-Identifier: Apache-2.0
"""The part of a policy that describes a room: where its people are seen, and how calm it is."""

from datetime import time
import re
from typing import Annotated, Literal, Union

from fer_ros.home.devices import TARGET_TYPES
from fer_ros.home.fields import Name, Part, RosName, Seconds, Unit
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

AGGREGATIONS = ('confidence_weighted', 'max_confidence', 'majority', 'primary_person',
                'abstain_on_conflict')

Target = Annotated[Union[tuple(kind.spec for kind in TARGET_TYPES)], Field(discriminator='type')]


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r'(\d{1,2}):(\d{2})', value)):
        hour, minute = int(match.group(1)), int(match.group(2))
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError("is not a time of day: write '22:30'")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class QuietHours(Part):
    """A part of the day in which less is done; it may go over midnight."""

    model_config = ConfigDict(extra='forbid', frozen=True, populate_by_name=True)

    start: TimeOfDay = Field(alias='from')
    end: TimeOfDay = Field(alias='to')
    action: Literal['nothing', 'dim'] = 'nothing'
    brightness_max: Unit = 0.2

    @model_validator(mode='after')
    def _has_length(self):
        if self.start == self.end:
            raise ValueError('from and to are the same: the quiet hours have no length')
        return self

    def contains(self, local: time) -> bool:
        """Return whether a local time of day lies inside; from is in, to is out."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class RateLimit(Part):
    """No more than so many actions of a target in so many seconds."""

    actions: Annotated[int, Field(ge=1, le=1000)] = 6
    per_s: Annotated[float, Field(ge=1, le=86400)] = 60.0


class Nobody(Part):
    """What happens when nobody is there."""

    after_s: Annotated[float, Field(ge=0.5, le=86400)] = 30.0
    action: Literal['restore', 'off', 'keep'] = 'restore'


class Hold(Part):
    """How long the room is left alone after somebody changed a light by hand."""

    for_s: Annotated[float, Field(ge=1, le=604800)] = 1800.0
    settle_s: Annotated[float, Field(ge=0.2, le=30)] = 2.0
    brightness_tolerance: Annotated[float, Field(ge=0.01, le=0.5)] = 0.06
    mired_tolerance: Annotated[float, Field(ge=5, le=200)] = 25.0
    color_tolerance: Annotated[float, Field(ge=0.005, le=0.3)] = 0.035


class Room(Part):
    """One room: where its people are seen, what stands in it, and how calm it is to be."""

    sources: Annotated[tuple[RosName, ...],
                       Field(min_length=1, max_length=16)] = ('emotions',)
    targets: Annotated[dict[Name, Target], Field(min_length=1, max_length=32)]
    policy: Name
    enabled: bool = True
    aggregation: Literal[AGGREGATIONS] = 'confidence_weighted'
    minimum_confidence: Unit = 0.5
    minimum_quality: Unit = 0.0
    smoothing_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    enter_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    exit_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.35
    minimum_frames: Annotated[int, Field(ge=2, le=1000)] = 3
    dwell_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    cooldown_s: Seconds = 10.0
    transition_s: Annotated[float, Field(ge=0, le=60)] = 1.5
    rate_limit: RateLimit = RateLimit()
    stale_after_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    nobody: Nobody = Nobody()
    hold: Hold = Hold()
    quiet_hours: tuple[QuietHours, ...] = ()
    restore_on_exit: bool = True

    @model_validator(mode='after')
    def _hysteresis(self):
        if self.exit_threshold >= self.enter_threshold:
            raise ValueError(f'exit_threshold ({self.exit_threshold:g}) must be below '
                             f'enter_threshold ({self.enter_threshold:g})')
        if len(set(self.sources)) < len(self.sources):
            raise ValueError('a topic is listed twice in sources')
        return self

# SPDX-License-Identifier: Apache-2.0
"""The part of a policy that describes a room: its cameras, devices and timing."""

from typing import Annotated, Literal, Union

from fer_ros.home.devices import TARGET_TYPES
from fer_ros.home.fields import DayPart, DisplayName, Name, Part, RosName, Seconds, Unit
from fer_ros.home.policy.daily_light import Base
from fer_ros.home.policy.habits import HabitMode
from pydantic import Field, model_validator

AGGREGATIONS = ('confidence_weighted', 'max_confidence', 'majority', 'primary_person',
                'abstain_on_conflict')

Target = Annotated[Union[tuple(kind.spec for kind in TARGET_TYPES)], Field(discriminator='type')]


class QuietHours(DayPart):
    """A part of the day with fewer actions."""

    action: Literal['nothing', 'dim'] = 'nothing'
    brightness_max: Unit = 0.2


class RateLimit(Part):
    """Maximum number of actions of a target in a number of seconds."""

    actions: Annotated[int, Field(ge=1, le=1000)] = 6
    per_s: Annotated[float, Field(ge=1, le=86400)] = 60.0


class Nobody(Part):
    """What happens with nobody in view."""

    after_s: Annotated[float, Field(ge=0.5, le=86400)] = 30.0
    action: Literal['restore', 'off', 'keep'] = 'restore'


class Hold(Part):
    """What is left alone after a manual change of a device, and for how long."""

    scope: Literal['attribute', 'lamp', 'room'] = 'attribute'
    automations: bool = False
    for_s: Annotated[float, Field(ge=1, le=604800)] = 1800.0
    settle_s: Annotated[float, Field(ge=0.2, le=30)] = 2.0
    brightness_tolerance: Annotated[float, Field(ge=0.01, le=0.5)] = 0.06
    mired_tolerance: Annotated[float, Field(ge=5, le=200)] = 25.0
    color_tolerance: Annotated[float, Field(ge=0.005, le=0.3)] = 0.035


class Room(Part):
    """A room: its cameras, devices, thresholds and timing."""

    sources: Annotated[tuple[RosName, ...],
                       Field(min_length=1, max_length=16)] = ('emotions',)
    targets: Annotated[dict[Name, Target], Field(max_length=32)] = {}
    policy: Name | Literal[''] = ''
    allowed_policies: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    name: DisplayName = ''
    enabled: bool = True
    aggregation: Literal[AGGREGATIONS] = 'confidence_weighted'
    minimum_confidence: Unit = 0.5
    minimum_quality: Unit = 0.0
    away_weight: Unit = 1.0
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
    base: Base = None
    restore_on_exit: bool = True
    habits: HabitMode = 'off'

    @property
    def has_lights(self) -> bool:
        """Whether any of its targets is a light."""
        return any(target.kind == 'light' for target in self.targets.values())

    def allows(self, policy: str) -> bool:
        """Return whether the room may use a policy."""
        return bool(self.policy) and (
            self.allowed_policies is None or policy in self.allowed_policies)

    @model_validator(mode='after')
    def _hysteresis(self):
        if self.exit_threshold >= self.enter_threshold:
            raise ValueError(f'exit_threshold ({self.exit_threshold:g}) must be below '
                             f'enter_threshold ({self.enter_threshold:g})')
        if len(set(self.sources)) < len(self.sources):
            raise ValueError('a topic is listed twice in sources')
        return self

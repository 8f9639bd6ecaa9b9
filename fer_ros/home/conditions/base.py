# SPDX-License-Identifier: Apache-2.0
"""What every kind of condition has to say for itself, and what it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fer_ros.home.conditions.states import StateSource
from fer_ros.types import FaceEmotion, PersonAttention


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What a room knows at one moment, for conditions to be judged by.

    :ivar local: the date and the time on the wall.
    :ivar sun_up: whether the sun is up; None where the policy does not say where the house is.
    :ivar people: how many people have been in view for some time.
    :ivar faces: who is in view at this very moment.
    :ivar lasted_s: how long the feeling has led, seconds.
    :ivar states: the newest payload of each source of outside states, as it came.
    :ivar attention: what everybody in view attends to; None where that is not told.
    """

    local: datetime
    sun_up: bool | None = None
    people: int = 0
    faces: tuple[FaceEmotion, ...] = ()
    lasted_s: float = 0.0
    states: Mapping[StateSource, object] = field(default_factory=dict)
    attention: tuple[PersonAttention, ...] | None = None


@dataclass(frozen=True)
class Finding:
    """Whether a condition holds.

    :ivar words: what is so, and what was wanted, for people.
    :ivar unknown: that it cannot be known now; the condition then does not hold.
    """

    holds: bool
    words: str
    unknown: bool = False


class Condition:
    """A kind of condition under ``when`` of a rule.

    A new kind is one file and one line in :data:`conditions.CONDITIONS`.

    :ivar name: the key under ``when``.
    :ivar field: the type of its value, as pydantic takes it.
    :ivar asks_attention: that it asks what people attend to, which costs processor time.
    :ivar of_feeling: that it asks how long the feeling has led, which is only known once it leads.
    """

    name: str
    field: Any
    of_feeling = False
    asks_attention = False

    def judge(self, wanted: Any, moment: Moment) -> Finding:
        """Return whether the condition holds at a moment."""
        raise NotImplementedError

    def covers(self, wide: Any, narrow: Any) -> bool:
        """Return whether ``wide`` holds whenever ``narrow`` does, as far as is certain."""
        return wide == narrow

    def sources(self, wanted: Any) -> tuple[StateSource, ...]:
        """Return the outside states that it asks for."""
        return ()

    def fault(self, wanted: Any, policy: Any) -> str:
        """Return what the rest of the policy lacks for it, or an empty string."""
        return ''

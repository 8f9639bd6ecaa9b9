# SPDX-License-Identifier: Apache-2.0
"""Base class of conditions, and the data they are evaluated on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fer_ros.home.conditions.states import StateSource
from fer_ros.types import FaceEmotion, PersonAttention


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Data of a room at one moment, on which conditions are evaluated.

    :ivar local: local date and time.
    :ivar sun_up: whether the sun is up; None if the policy has no location.
    :ivar people: number of people who have been in view for some time.
    :ivar faces: the faces in view now.
    :ivar lasted_s: how long the emotion has led, seconds.
    :ivar states: the latest payload of each outside state, unchanged.
    :ivar attention: attention of each person in view; None if unknown.
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
    """Result of a condition.

    :ivar words: the actual and the expected value, for people.
    :ivar unknown: the value is unknown now; the condition then does not hold.
    """

    holds: bool
    words: str
    unknown: bool = False


class Condition:
    """Base class of a kind of condition under ``when`` of a rule.

    A new kind is one file and one line in :data:`conditions.CONDITIONS`.

    :ivar name: the key under ``when``.
    :ivar field: the pydantic type of its value.
    :ivar asks_attention: whether it uses attention, which costs CPU time.
    :ivar of_feeling: whether it uses how long the emotion has led, which is unknown until it
        leads.
    """

    name: str
    field: Any
    of_feeling = False
    asks_attention = False

    def judge(self, expected: Any, moment: Moment) -> Finding:
        """Return whether the condition holds at a moment."""
        raise NotImplementedError

    def covers(self, wide: Any, narrow: Any) -> bool:
        """Return whether ``wide`` holds whenever ``narrow`` does, as far as is certain."""
        return wide == narrow

    def sources(self, expected: Any) -> tuple[StateSource, ...]:
        """Return the outside states that it uses."""
        return ()

    def fault(self, expected: Any, policy: Any) -> str:
        """Return what the policy lacks for it, or an empty string."""
        return ''

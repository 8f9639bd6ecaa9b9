# SPDX-License-Identifier: Apache-2.0
"""``time``: parts of the day, in local time."""

from datetime import time
from typing import Annotated

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.fields import DayPart
from pydantic import BeforeValidator, Field


def _parts(value: object) -> object:
    """Convert a single part to a list, and split it at midnight if open-ended."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return [{'from': time.min, 'to': time.min, **part} if isinstance(part, dict)
            and {'from', 'to'} & set(part) else part for part in parts]


class TimeCondition(Condition):
    """The time of day is in one of some parts."""

    name = 'time'
    field = Annotated[tuple[DayPart, ...], Field(min_length=1), BeforeValidator(_parts)]

    def judge(self, expected: tuple[DayPart, ...], moment: Moment) -> Finding:
        """Return whether the time is in one of the parts."""
        words = ' or '.join(part.describe() for part in expected)
        return Finding(any(part.contains(moment.local.time()) for part in expected),
                       f'it is {moment.local:%H:%M}, expected {words}')

    def covers(self, wide: tuple[DayPart, ...], narrow: tuple[DayPart, ...]) -> bool:
        """Return whether each part is within one of the others."""
        return all(any(_within(piece, other) for part in wide for other in part.pieces)
                   for part in narrow for piece in part.pieces)


def _within(inner: tuple[time, time], outer: tuple[time, time]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


TIME = TimeCondition()

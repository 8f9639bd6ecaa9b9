# SPDX-License-Identifier: Apache-2.0
"""``time``: parts of the day, by the clock on the wall."""

from datetime import time
from typing import Annotated

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.fields import DayPart
from pydantic import BeforeValidator, Field


def _parts(value: object) -> object:
    """Let one part stand for a list, and let it begin or end at midnight."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return [{'from': time.min, 'to': time.min, **part} if isinstance(part, dict)
            and {'from', 'to'} & set(part) else part for part in parts]


class TimeCondition(Condition):
    """The time of day lies in one of some parts."""

    name = 'time'
    field = Annotated[tuple[DayPart, ...], Field(min_length=1), BeforeValidator(_parts)]

    def judge(self, wanted: tuple[DayPart, ...], moment: Moment) -> Finding:
        """Return whether the time lies in one of the parts."""
        words = ' or '.join(part.describe() for part in wanted)
        return Finding(any(part.contains(moment.local.time()) for part in wanted),
                       f'it is {moment.local:%H:%M}, wanted {words}')

    def covers(self, wide: tuple[DayPart, ...], narrow: tuple[DayPart, ...]) -> bool:
        """Return whether each part lies within one of the others."""
        return all(any(_within(piece, other) for part in wide for other in part.pieces)
                   for part in narrow for piece in part.pieces)


def _within(inner: tuple[time, time], outer: tuple[time, time]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


TIME = TimeCondition()

# SPDX-License-Identifier: Apache-2.0
"""``weekday``: days of the week, in local time."""

from typing import Annotated, Literal

from fer_ros.home.conditions.base import Condition, Finding, Moment
from pydantic import BeforeValidator, Field

DAYS = ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
_GROUPS = {'workday': DAYS[:5], 'weekend': DAYS[5:]}


def _days(value: object) -> object:
    """Convert a single day, or a group of days, to a list."""
    days = value if isinstance(value, (list, tuple)) else [value]
    return [one for day in days
            for one in (_GROUPS.get(day, (day,)) if isinstance(day, str) else (day,))]


class WeekdayCondition(Condition):
    """It is one of some days of the week."""

    name = 'weekday'
    field = Annotated[tuple[Literal[DAYS], ...], Field(min_length=1), BeforeValidator(_days)]

    def judge(self, expected: tuple[str, ...], moment: Moment) -> Finding:
        """Return whether today is one of the days."""
        today = DAYS[moment.local.weekday()]
        return Finding(today in expected, f'it is {today}, expected {", ".join(expected)}')

    def covers(self, wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
        """Return whether all days are among the others."""
        return set(narrow) <= set(wide)


WEEKDAY = WeekdayCondition()

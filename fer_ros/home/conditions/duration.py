# SPDX-License-Identifier: Apache-2.0
"""``lasted_s``: how long the emotion has led."""

from typing import Annotated

from fer_ros.home.conditions.base import Condition, Finding, Moment
from pydantic import Field


class DurationCondition(Condition):
    """The emotion has led for this long."""

    name = 'lasted_s'
    field = Annotated[float, Field(gt=0, le=86400)]
    of_feeling = True

    def judge(self, expected: float, moment: Moment) -> Finding:
        """Return whether it has lasted."""
        return Finding(moment.lasted_s >= expected,
                       f'it has lasted {moment.lasted_s:.0f} s, expected {expected:g} s')

    def covers(self, wide: float, narrow: float) -> bool:
        """Return whether the longer one waits at least as long."""
        return wide <= narrow


DURATION = DurationCondition()

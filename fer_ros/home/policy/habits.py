# SPDX-License-Identifier: Apache-2.0
"""The part of a policy that says what may be learnt, and where it is kept."""

from typing import Annotated, Literal

from fer_ros.home.fields import Part
from pydantic import Field

#: What a room does with habits, each more than the one before.
HabitMode = Literal['off', 'suggest', 'ask', 'apply']


class HabitSettings(Part):
    """The event log and what is learnt from it.

    :ivar log: record also the rooms that learn nothing.
    :ivar folder: of the log and the model; empty: the state directory of the service, or the
        home of ROS.
    :ivar rules_file: of the rules that people said yes to; empty: beside the policy.
    """

    log: bool = False
    folder: str = ''
    rules_file: str = ''
    maximum_mb: Annotated[int, Field(ge=1, le=1000)] = 20
    half_life_days: Annotated[float, Field(ge=1, le=365)] = 30.0

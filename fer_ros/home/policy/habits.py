# SPDX-License-Identifier: Apache-2.0
"""The part of a policy about habits: what is learned, and where it is kept."""

from typing import Annotated, Literal

from fer_ros.home.fields import Part
from pydantic import Field

#: What a room does with habits, each more than the one before.
HabitMode = Literal['off', 'suggest', 'ask', 'apply']


class HabitSettings(Part):
    """Settings of the event log and the learned habits.

    :ivar log: also record rooms that do not learn.
    :ivar folder: folder of the log and the model; empty: the state directory of the service, or
        the ROS home.
    :ivar rules_file: file of the accepted rules; empty: beside the policy.
    """

    log: bool = False
    folder: str = ''
    rules_file: str = ''
    maximum_mb: Annotated[int, Field(ge=1, le=1000)] = 20
    half_life_days: Annotated[float, Field(ge=1, le=365)] = 30.0

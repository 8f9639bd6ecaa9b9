# SPDX-License-Identifier: Apache-2.0
"""Conditions of rules, under ``when``. A new kind: one file, and one line in CONDITIONS."""

from fer_ros.home.conditions.attention import ATTENTION, LOOKS_AT
from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.conditions.duration import DURATION
from fer_ros.home.conditions.people import PEOPLE
from fer_ros.home.conditions.state import STATE
from fer_ros.home.conditions.states import StateSource
from fer_ros.home.conditions.sun import SUN
from fer_ros.home.conditions.time_of_day import TIME
from fer_ros.home.conditions.weekday import WEEKDAY

__all__ = ['Condition', 'CONDITIONS', 'Finding', 'Moment', 'StateSource']

CONDITIONS: dict[str, Condition] = {condition.name: condition for condition in (
    TIME,
    SUN,
    WEEKDAY,
    PEOPLE,
    DURATION,
    ATTENTION,
    LOOKS_AT,
    STATE,
)}

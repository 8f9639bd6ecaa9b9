# SPDX-License-Identifier: Apache-2.0
"""``people``: how many are in view."""

import math
from typing import Annotated

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.fields import Part
from pydantic import BeforeValidator, Field, model_validator

_Count = Annotated[int, Field(ge=1, le=100)]


class People(Part):
    """A range of numbers of people."""

    at_least: _Count | None = None
    at_most: _Count | None = None

    @model_validator(mode='after')
    def _some(self):
        if self.at_least is None and self.at_most is None:
            raise ValueError('write alone, {at_least: 2} or {at_most: 3}')
        if self.low > self.high:
            raise ValueError('at_least is above at_most')
        return self

    @property
    def low(self) -> int:
        """The lower bound."""
        return self.at_least or 1

    @property
    def high(self) -> float:
        """The upper bound."""
        return self.at_most or math.inf

    def describe(self) -> str:
        """Return it in words."""
        if self.low == self.high == 1:
            return 'alone'
        return ', '.join(words for words in (
            f'at least {self.at_least}' if self.at_least else '',
            f'at most {self.at_most}' if self.at_most else '') if words)


def _people(value: object) -> object:
    if value == 'alone':
        return {'at_least': 1, 'at_most': 1}
    if isinstance(value, (dict, People)):
        return value
    raise ValueError('is not a number of people: write alone, {at_least: 2} or {at_most: 3}')


class PeopleCondition(Condition):
    """This many people have been in view for some time."""

    name = 'people'
    field = Annotated[People, BeforeValidator(_people)]

    def judge(self, expected: People, moment: Moment) -> Finding:
        """Return whether this many are in view."""
        count = f'{moment.people} {"person is" if moment.people == 1 else "people are"} in view'
        return Finding(expected.low <= moment.people <= expected.high,
                       f'{count}, expected {expected.describe()}')

    def covers(self, wide: People, narrow: People) -> bool:
        """Return whether the numbers lie within the others."""
        return wide.low <= narrow.low and narrow.high <= wide.high


PEOPLE = PeopleCondition()

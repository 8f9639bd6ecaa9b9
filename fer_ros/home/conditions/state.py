# SPDX-License-Identifier: Apache-2.0
"""``state``: a value of a sensor, a switch or anything else, compared with another."""

from typing import Annotated, Any

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.conditions.states import StateSource, UnknownState, value_at
from fer_ros.home.fields import Part, Topic
from pydantic import BeforeValidator, Field, model_validator, StringConstraints

_TRUE, _FALSE = {'true', 'on', 'yes'}, {'false', 'off', 'no'}


class StateComparison(Part):
    """A value and its comparisons, which must all hold."""

    mqtt: Topic | None = None
    entity: Annotated[str, StringConstraints(pattern=r'^[a-z_]+\.[a-z0-9_]+$')] | None = None
    path: Annotated[str, StringConstraints(max_length=200)] = ''
    above: float | None = None
    below: float | None = None
    equals: bool | int | float | str | None = None
    differs_from: bool | int | float | str | None = None

    @model_validator(mode='after')
    def _whole(self):
        if (self.mqtt is None) == (self.entity is None):
            raise ValueError('give one of mqtt (a topic) and entity (of Home Assistant)')
        if all(getattr(self, name) is None
               for name in ('above', 'below', 'equals', 'differs_from')):
            raise ValueError('add a comparison: above, below, equals or '
                             'differs_from')
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError('no value is both above and below: above must be the smaller')
        return self

    @property
    def source(self) -> StateSource:
        """Where the value comes from."""
        return StateSource(self.mqtt or '', self.entity or '')

    def judge(self, raw: object) -> Finding:
        """Return whether a payload's value compares as expected."""
        name = ' '.join(filter(None, (self.source.name, self.path)))
        try:
            value = value_at(raw, self.path)
            number = _number(value) if (self.above, self.below) != (None, None) else None
        except UnknownState as error:
            return Finding(False, f'{name} {error}', True)
        holds = ((self.above is None or number > self.above)
                 and (self.below is None or number < self.below)
                 and (self.equals is None or _same(value, self.equals))
                 and (self.differs_from is None or not _same(value, self.differs_from)))
        expected = ' and '.join(
            f'{words} {limit if isinstance(limit, (str, bool)) else format(limit, "g")}'
            for words, limit in (
                ('above', self.above), ('below', self.below), ('equal to', self.equals),
                ('other than', self.differs_from)) if limit is not None)
        return Finding(holds, f'{name} is {value}, expected {expected}')


def _number(value: object) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except ValueError:
        raise UnknownState(f'is {str(value)[:40]!r}, not a number') from None


def _same(value: object, expected: object) -> bool:
    if isinstance(expected, bool):
        return str(value).lower() in (_TRUE if expected else _FALSE)
    if isinstance(expected, (int, float)):
        try:
            return float(value) == expected and not isinstance(value, bool)
        except ValueError:
            return False
    return str(value) == expected or (isinstance(value, bool) and str(value).lower() == expected)


class StateCondition(Condition):
    """One or several outside values compare as expected."""

    name = 'state'
    field = Annotated[tuple[StateComparison, ...], Field(min_length=1, max_length=16),
                      BeforeValidator(lambda value: value if isinstance(value, (list, tuple))
                                      else [value])]

    def judge(self, expected: tuple[StateComparison, ...], moment: Moment) -> Finding:
        """Return whether all values compare as expected."""
        findings = [one.judge(moment.states.get(one.source)) for one in expected]
        failed = [finding for finding in findings if not finding.holds]
        return Finding(not failed, '; '.join(finding.words for finding in failed or findings),
                       any(finding.unknown for finding in failed))

    def covers(self, wide: tuple[StateComparison, ...], narrow: tuple[StateComparison, ...]) \
            -> bool:
        """Return whether all comparisons of the one are implied by the other's."""
        return all(any(_implies(one, other) for one in narrow) for other in wide)

    def sources(self, expected: tuple[StateComparison, ...]) -> tuple[StateSource, ...]:
        """Return where the values come from."""
        return tuple(one.source for one in expected)

    def fault(self, expected: tuple[StateComparison, ...], policy: Any) -> str:
        """Return an error if the policy lacks the server."""
        if policy.broker is None and any(one.mqtt for one in expected):
            return 'an mqtt topic requires a broker'
        if policy.home_assistant is None and any(one.entity for one in expected):
            return 'an entity requires home_assistant'
        return ''


def _implies(narrow: StateComparison, wide: StateComparison) -> bool:
    return ((narrow.source, narrow.path, narrow.equals, narrow.differs_from)
            == (wide.source, wide.path, wide.equals, wide.differs_from)
            and (wide.above is None
                 or narrow.above is not None and narrow.above >= wide.above)
            and (wide.below is None
                 or narrow.below is not None and narrow.below <= wide.below))


STATE = StateCondition()

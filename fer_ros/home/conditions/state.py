# SPDX-License-Identifier: Apache-2.0
"""``state``: a value of a sensor, a switch or anything else, compared with another."""

from typing import Annotated, Any

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.conditions.states import StateSource, UnknownState, value_at
from fer_ros.home.fields import Part, Topic
from pydantic import BeforeValidator, Field, model_validator, StringConstraints

_TRUE, _FALSE = {'true', 'on', 'yes'}, {'false', 'off', 'no'}


class StateComparison(Part):
    """One value, and what it is compared with; all comparisons must hold."""

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
            raise ValueError('give what it is compared with: above, below, equals or '
                             'differs_from')
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError('no value is both above and below: above must be the smaller')
        return self

    @property
    def source(self) -> StateSource:
        """Where the value comes from."""
        return StateSource(self.mqtt or '', self.entity or '')

    def judge(self, raw: object) -> Finding:
        """Return whether a payload's value compares as wanted."""
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
        wanted = ' and '.join(
            f'{words} {limit if isinstance(limit, (str, bool)) else format(limit, "g")}'
            for words, limit in (
                ('above', self.above), ('below', self.below), ('equal to', self.equals),
                ('other than', self.differs_from)) if limit is not None)
        return Finding(holds, f'{name} is {value}, wanted {wanted}')


def _number(value: object) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except ValueError:
        raise UnknownState(f'is {str(value)[:40]!r}, not a number') from None


def _same(value: object, wanted: object) -> bool:
    if isinstance(wanted, bool):
        return str(value).lower() in (_TRUE if wanted else _FALSE)
    if isinstance(wanted, (int, float)):
        try:
            return float(value) == wanted and not isinstance(value, bool)
        except ValueError:
            return False
    return str(value) == wanted or (isinstance(value, bool) and str(value).lower() == wanted)


class StateCondition(Condition):
    """One or several outside values compare as wanted."""

    name = 'state'
    field = Annotated[tuple[StateComparison, ...], Field(min_length=1, max_length=16),
                      BeforeValidator(lambda value: value if isinstance(value, (list, tuple))
                                      else [value])]

    def judge(self, wanted: tuple[StateComparison, ...], moment: Moment) -> Finding:
        """Return whether all values compare as wanted."""
        findings = [one.judge(moment.states.get(one.source)) for one in wanted]
        failed = [finding for finding in findings if not finding.holds]
        return Finding(not failed, '; '.join(finding.words for finding in failed or findings),
                       any(finding.unknown for finding in failed))

    def covers(self, wide: tuple[StateComparison, ...], narrow: tuple[StateComparison, ...]) \
            -> bool:
        """Return whether all that the one wants is among what the other wants."""
        return all(any(_implies(one, other) for one in narrow) for other in wide)

    def sources(self, wanted: tuple[StateComparison, ...]) -> tuple[StateSource, ...]:
        """Return where the values come from."""
        return tuple(one.source for one in wanted)

    def fault(self, wanted: tuple[StateComparison, ...], policy: Any) -> str:
        """Return that the policy does not name the server."""
        if policy.broker is None and any(one.mqtt for one in wanted):
            return 'an mqtt topic needs a broker'
        if policy.home_assistant is None and any(one.entity for one in wanted):
            return 'an entity needs home_assistant'
        return ''


def _implies(narrow: StateComparison, wide: StateComparison) -> bool:
    return ((narrow.source, narrow.path, narrow.equals, narrow.differs_from)
            == (wide.source, wide.path, wide.equals, wide.differs_from)
            and (wide.above is None
                 or narrow.above is not None and narrow.above >= wide.above)
            and (wide.below is None
                 or narrow.below is not None and narrow.below <= wide.below))


STATE = StateCondition()

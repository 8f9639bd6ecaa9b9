# SPDX-License-Identifier: Apache-2.0
"""``when`` of a rule: conditions that must all hold."""

from typing import Any

from fer_ros.home.conditions import Condition, CONDITIONS, Finding, Moment, StateSource
from fer_ros.home.fields import Part
from pydantic import create_model, model_validator


class _When(Part):
    """Conditions that must all hold, each of a kind in :data:`conditions.CONDITIONS`."""

    @model_validator(mode='after')
    def _some(self):
        if not self.pairs:
            raise ValueError(f'when names no condition: give {", ".join(CONDITIONS)}')
        return self

    @property
    def pairs(self) -> list[tuple[Condition, Any]]:
        """The conditions, each with its expected value."""
        return [(condition, getattr(self, name)) for name, condition in CONDITIONS.items()
                if getattr(self, name) is not None]

    def judge(self, moment: Moment, *, of_feeling: bool = True) -> list[Finding]:
        """Return the finding of each condition at a moment.

        :param of_feeling: False skips conditions on how long the emotion has led.
        """
        return [condition.judge(value, moment) for condition, value in self.pairs
                if of_feeling or not condition.of_feeling]

    def covers(self, other: 'When | None') -> bool:
        """Return whether these hold whenever the others do, as far as is certain."""
        return all(getattr(other, condition.name, None) is not None
                   and condition.covers(value, getattr(other, condition.name))
                   for condition, value in self.pairs)

    @property
    def asks_attention(self) -> bool:
        """Whether any of them uses attention."""
        return any(condition.asks_attention for condition, _ in self.pairs)

    @property
    def sources(self) -> tuple[StateSource, ...]:
        """The outside states that the conditions use."""
        return tuple(source for condition, value in self.pairs
                     for source in condition.sources(value))


When = create_model('When', __base__=_When, **{
    name: (condition.field | None, None) for name, condition in CONDITIONS.items()})

# SPDX-License-Identifier: Apache-2.0
"""``attention`` and ``looks_at``: what people in view attend to."""

from typing import Annotated, Literal

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.fields import Name
from fer_ros.types import PersonAttention
from pydantic import BeforeValidator, Field

WORDS = ('camera', 'away', 'down', 'closed')
_UNKNOWN = Finding(False, 'no attention data: start the attention node', True)


def _some(value: object) -> object:
    """Convert a single word to a list."""
    return value if isinstance(value, (list, tuple)) else [value]


def _known(moment: Moment) -> tuple[PersonAttention, ...]:
    return tuple(one for one in moment.attention or () if one.state in WORDS)


class AttentionCondition(Condition):
    """A person attends so; ``away`` alone: and no one looks at the camera."""

    name = 'attention'
    field = Annotated[tuple[Literal[WORDS], ...], Field(min_length=1), BeforeValidator(_some)]
    asks_attention = True

    def judge(self, expected: tuple[str, ...], moment: Moment) -> Finding:
        """Return whether a person attends in one of these ways."""
        if moment.attention is None:
            return _UNKNOWN
        states = [one.state for one in _known(moment)]
        holds = any(state in expected for state in states) and not (
            'camera' in states and set(expected) == {'away'})
        return Finding(holds, f'attention is {", ".join(states) or "unknown"}, expected '
                       f'{" or ".join(expected)}')

    def covers(self, wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
        """Return whether all ways are among the others."""
        return wide == narrow or ('away' not in wide and set(narrow) <= set(wide))


class LooksAtCondition(Condition):
    """A person looks at one of some zones of the attention node."""

    name = 'looks_at'
    field = Annotated[tuple[Name, ...], Field(min_length=1), BeforeValidator(_some)]
    asks_attention = True

    def judge(self, expected: tuple[str, ...], moment: Moment) -> Finding:
        """Return whether a person looks there."""
        if moment.attention is None:
            return _UNKNOWN
        zones = [one.zone for one in _known(moment) if one.zone]
        return Finding(any(zone in expected for zone in zones),
                       f'looked at is {", ".join(zones) or "nothing"}, expected '
                       f'{" or ".join(expected)}')

    def covers(self, wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
        """Return whether all zones are among the others."""
        return set(narrow) <= set(wide)


ATTENTION, LOOKS_AT = AttentionCondition(), LooksAtCondition()

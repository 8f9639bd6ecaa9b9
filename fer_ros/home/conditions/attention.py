# SPDX-License-Identifier: Apache-2.0
"""``attention`` and ``looks_at``: what somebody in view attends to."""

from typing import Annotated, Literal

from fer_ros.home.conditions.base import Condition, Finding, Moment
from fer_ros.home.fields import Name
from fer_ros.types import PersonAttention
from pydantic import BeforeValidator, Field

WORDS = ('camera', 'away', 'down', 'closed')
_UNTOLD = Finding(False, 'nobody tells what people attend to: start the node attention', True)


def _some(value: object) -> object:
    """Let one word stand for a list."""
    return value if isinstance(value, (list, tuple)) else [value]


def _known(moment: Moment) -> tuple[PersonAttention, ...]:
    return tuple(one for one in moment.attention or () if one.state in WORDS)


class AttentionCondition(Condition):
    """Somebody attends so; ``away`` alone: somebody does, and nobody looks at the camera."""

    name = 'attention'
    field = Annotated[tuple[Literal[WORDS], ...], Field(min_length=1), BeforeValidator(_some)]
    asks_attention = True

    def judge(self, wanted: tuple[str, ...], moment: Moment) -> Finding:
        """Return whether somebody attends in one of these ways."""
        if moment.attention is None:
            return _UNTOLD
        states = [one.state for one in _known(moment)]
        holds = any(state in wanted for state in states) and not (
            'camera' in states and set(wanted) == {'away'})
        return Finding(holds, f'attention is {", ".join(states) or "unknown"}, wanted '
                       f'{" or ".join(wanted)}')

    def covers(self, wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
        """Return whether all ways are among the others."""
        return wide == narrow or ('away' not in wide and set(narrow) <= set(wide))


class LooksAtCondition(Condition):
    """Somebody looks at one of some zones of the node attention."""

    name = 'looks_at'
    field = Annotated[tuple[Name, ...], Field(min_length=1), BeforeValidator(_some)]
    asks_attention = True

    def judge(self, wanted: tuple[str, ...], moment: Moment) -> Finding:
        """Return whether somebody looks there."""
        if moment.attention is None:
            return _UNTOLD
        zones = [one.zone for one in _known(moment) if one.zone]
        return Finding(any(zone in wanted for zone in zones),
                       f'looked at is {", ".join(zones) or "nothing"}, wanted '
                       f'{" or ".join(wanted)}')

    def covers(self, wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
        """Return whether all zones are among the others."""
        return set(narrow) <= set(wide)


ATTENTION, LOOKS_AT = AttentionCondition(), LooksAtCondition()

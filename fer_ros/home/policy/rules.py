# SPDX-License-Identifier: Apache-2.0
"""The part of a policy with the rules for emotions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.home.ambience import PROTOTYPES
from fer_ros.home.conditions import StateSource
from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.policy.when import When
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

#: A region is left only so far outside its borders.
REGION_MARGIN = 0.1
_KEYS = tuple(key for kind in KINDS.values() for key in kind.rule_keys.model_fields)


class Rule(*(kind.rule_keys for kind in KINDS.values())):
    """A rule for an emotion: requests to each kind of device, conditions and duration.

    :ivar for_s: undo it after this long; it is repeated only when the emotion appears again.
    :ivar then: whether it is undone when the rule no longer fits.
    """

    when: When | None = None
    for_s: Annotated[float, Field(ge=1, le=86400)] | None = None
    then: Literal['restore', 'keep'] | None = None
    transition_s: Annotated[float, Field(ge=0, le=60)] | None = None
    targets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    @model_validator(mode='after')
    def _says_something(self):
        if not any(kind.applies(self) for kind in KINDS.values()):
            raise ValueError('the rule requests nothing: add '
                             f'{", ".join(_KEYS[:-1])} or {_KEYS[-1]}')
        if self.for_s is not None and self.then == 'keep':
            raise ValueError('for_s ends what the rule does, then: keep does not: remove one')
        if self.undoes and (self.for_s is not None or self.then is not None):
            raise ValueError('strategy restore is an end itself: it takes no for_s and no then')
        if self.undoes and any(getattr(self, key) is not None for key in _KEYS
                               if key != 'strategy'):
            raise ValueError('strategy restore brings devices back, and asks for nothing else: '
                             'leave it out, or the other keys')
        return self

    @property
    def undoes(self) -> bool:
        """Whether the rule brings devices back to how they were."""
        return self.strategy == 'restore'

    @property
    def ends(self) -> bool:
        """Whether what the rule does is undone when it no longer fits."""
        return self.for_s is not None or self.then == 'restore'


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not -1 <= value[0] < value[1] <= 1:
        raise ValueError(f'{list(value)} is not a range: expected [low, high] with '
                         '-1 <= low < high <= 1')
    return value


AxisRange = Annotated[tuple[float, float], AfterValidator(_range)]
_EVERYWHERE = (-1.0, 1.0)


class RegionRule(Rule):
    """A rule for a part of the plane of valence and arousal."""

    name: Name
    valence: AxisRange = _EVERYWHERE
    arousal: AxisRange = _EVERYWHERE

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the region, (valence, arousal)."""
        return sum(self.valence) / 2, sum(self.arousal) / 2

    def contains(self, valence: float, arousal: float, margin: float = 0.0) -> bool:
        """Return whether the point lies inside, with a margin around the region."""
        return (self.valence[0] - margin <= valence <= self.valence[1] + margin
                and self.arousal[0] - margin <= arousal <= self.arousal[1] + margin)


class ListedRule(RegionRule):
    """A rule of the list ``rules``: for some emotions, for a region, or for any feeling."""

    emotion: Annotated[tuple[Literal[LABELS], ...], Field(min_length=1), BeforeValidator(
        lambda value: (value,) if isinstance(value, str) else value)] | None = None

    @property
    def whole_plane(self) -> bool:
        """Whether valence and arousal do not matter."""
        return self.valence == self.arousal == _EVERYWHERE


@dataclass(frozen=True)
class PlacedRule:
    """A rule and its position in the policy.

    :ivar path: its keys and indices within the policy.
    :ivar labels: the emotions it is for, or None for any.
    :ivar region: the part of the plane it is for, or None for all of it.
    """

    path: tuple[str | int, ...]
    rule: Rule
    labels: frozenset[str] | None = None
    region: RegionRule | None = None

    @property
    def name(self) -> str:
        """The rule's name, or the emotion it is listed under."""
        return getattr(self.rule, 'name', None) or str(self.path[-1])

    def key(self, label: str) -> str:
        """Return the key that leads if the rule applies: the label, or the rule's name."""
        return self.name if self.labels is None else label

    def answers(self, label: str, valence: float, arousal: float, held: str | None) -> bool:
        """Return whether the rule is for an emotion.

        :param held: the key so far; a region of that name is left only beyond a margin.
        """
        if self.labels is not None and label not in self.labels:
            return False
        margin = REGION_MARGIN if self.name == held else 0.0
        return self.region is None or self.region.contains(valence, arousal, margin)

    def feeling(self, key: str, affect: tuple[float, float]) -> tuple[float, float]:
        """Return the valence and arousal for a strategy of the rule.

        :param key: what leads, and ``affect`` the valence and arousal of the room.
        """
        if self.labels is not None:
            return PROTOTYPES[Emotion(LABELS.index(key))]
        return affect if self.region is None else self.region.center


class Rules(Part):
    """A policy of the file: its rules for emotions.

    The first rule that fits wins: those of ``rules`` in the order written, then the emotion's,
    then the regions in the order written.
    """

    rules: Annotated[tuple[ListedRule, ...], Field(max_length=64)] = ()
    by_emotion: dict[Literal[LABELS], Rule] = {}
    by_valence_arousal: tuple[RegionRule, ...] = ()

    @model_validator(mode='after')
    def _not_empty(self):
        if not self.ordered:
            raise ValueError('the policy has no rules: add rules, by_emotion or '
                             'by_valence_arousal')
        names = [rule.name for rule in (*self.rules, *self.by_valence_arousal)]
        if len(set(names)) < len(names) or set(names) & set(LABELS):
            raise ValueError('names of rules and regions must '
                             'differ from each other and from the emotions')
        return self

    @cached_property
    def ordered(self) -> tuple[PlacedRule, ...]:
        """All rules, in the order in which they are checked."""
        return tuple(self._ordered())

    def _ordered(self) -> Iterator[PlacedRule]:
        for index, rule in enumerate(self.rules):
            yield PlacedRule(('rules', index), rule,
                             None if rule.emotion is None else frozenset(rule.emotion),
                             None if rule.whole_plane else rule)
        for label, rule in self.by_emotion.items():
            yield PlacedRule(('by_emotion', label), rule, frozenset((label,)))
        for index, rule in enumerate(self.by_valence_arousal):
            yield PlacedRule(('by_valence_arousal', index), rule, None, rule)

    @property
    def sources(self) -> tuple[StateSource, ...]:
        """The outside states that conditions use."""
        return tuple(dict.fromkeys(source for placed in self.ordered
                                   if placed.rule.when is not None
                                   for source in placed.rule.when.sources))

    def leading(self, label: str, valence: float, arousal: float, held: str | None,
                is_open: Callable[[PlacedRule], bool] = lambda _: True) -> str:
        """Return the key of the emotion: the label, or the name of a rule for any emotion.

        :param held: the key so far; its region is left only beyond a margin.
        :param is_open: returns whether a rule's conditions hold, except for the duration.
        """
        return next((placed.key(label) for placed in self.ordered
                     if placed.answers(label, valence, arousal, held) and is_open(placed)), label)

    def candidates(self, key: str, valence: float, arousal: float) -> Iterator[PlacedRule]:
        """Yield the rules for the leading key, regardless of conditions, in order.

        :param key: as :meth:`leading` returns it.
        """
        for placed in self.ordered:
            if placed.answers(key, valence, arousal, key):
                yield placed


#: The rules of a room that is only a sensor.
NO_RULES = Rules.model_construct()

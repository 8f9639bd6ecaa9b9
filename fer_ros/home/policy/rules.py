# SPDX-License-Identifier: Apache-2.0
"""The part of a policy that says what answers which emotion."""

from typing import Annotated, Literal

from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.home.ambience import PROTOTYPES
from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds import KINDS
from pydantic import AfterValidator, Field, model_validator

#: A region is left only so far outside its borders.
REGION_MARGIN = 0.1
_KEYS = tuple(key for kind in KINDS.values() for key in kind.rule_keys.model_fields)


class Rule(*(kind.rule_keys for kind in KINDS.values())):
    """What is done about an emotion: what each kind of device is asked for."""

    transition_s: Annotated[float, Field(ge=0, le=60)] | None = None
    targets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    @model_validator(mode='after')
    def _says_something(self):
        if not any(kind.wanted(self) for kind in KINDS.values()):
            raise ValueError('the rule asks for nothing: give a '
                             f'{", ".join(_KEYS[:-1])} or {_KEYS[-1]}')
        return self


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not -1 <= value[0] < value[1] <= 1:
        raise ValueError(f'{list(value)} is not a range: expected [low, high] with '
                         '-1 <= low < high <= 1')
    return value


AxisRange = Annotated[tuple[float, float], AfterValidator(_range)]


class RegionRule(Rule):
    """A rule for a part of the plane of valence and arousal."""

    name: Name
    valence: AxisRange = (-1.0, 1.0)
    arousal: AxisRange = (-1.0, 1.0)

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the region, (valence, arousal)."""
        return sum(self.valence) / 2, sum(self.arousal) / 2

    def contains(self, valence: float, arousal: float, margin: float = 0.0) -> bool:
        """Return whether the point lies inside, with a margin around the region."""
        return (self.valence[0] - margin <= valence <= self.valence[1] + margin
                and self.arousal[0] - margin <= arousal <= self.arousal[1] + margin)


class Rules(Part):
    """One policy of the file: what is done about which feeling."""

    by_emotion: dict[Literal[LABELS], Rule] = {}
    by_valence_arousal: tuple[RegionRule, ...] = ()

    @model_validator(mode='after')
    def _not_empty(self):
        if not self.by_emotion and not self.by_valence_arousal:
            raise ValueError('the policy has no rule: give by_emotion or by_valence_arousal')
        names = [rule.name for rule in self.by_valence_arousal]
        if len(set(names)) < len(names) or set(names) & set(LABELS):
            raise ValueError('the regions of by_valence_arousal need names of their own, '
                             'different from each other and from the emotions')
        return self

    def leading(self, label: str, valence: float, arousal: float, held: str | None) -> str:
        """Return the key of what is felt: the label, or the name of a region where it lies.

        :param held: the key so far; its region is left only beyond a margin.
        """
        if label in self.by_emotion:
            return label
        for region in self.by_valence_arousal:
            margin = REGION_MARGIN if region.name == held else 0.0
            if region.contains(valence, arousal, margin):
                return region.name
        return label

    def find(self, key: str | None) -> tuple[Rule, tuple[float, float]] | None:
        """Return the rule of a key, and the valence and arousal that it answers."""
        for region in self.by_valence_arousal:
            if region.name == key:
                return region, region.center
        rule = self.by_emotion.get(key)
        return None if rule is None else (rule, PROTOTYPES[Emotion(LABELS.index(key))])

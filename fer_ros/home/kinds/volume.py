# SPDX-License-Identifier: Apache-2.0
"""The volume of what plays: asked for, and reported."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fer_ros.home.fields import Part, Unit
from fer_ros.home.kinds.base import Situation
from fer_ros.home.kinds.single import SingleValueKind


@dataclass(frozen=True)
class VolumeState:
    """How loud a player is, 0 to 1."""

    kind: ClassVar[str] = 'volume'

    volume: float

    def describe(self) -> str:
        """Return it in words."""
        return f'volume {self.volume:.0%}'


@dataclass(frozen=True)
class VolumeRequest:
    """How loud a player is to be, 0 to 1."""

    kind: ClassVar[str] = 'volume'

    volume: float

    def describe(self) -> str:
        """Return it in words."""
        return f'volume {self.volume:.0%}'


class VolumeKeys(Part):
    """What a rule may say about players."""

    volume: Unit | None = None


class VolumeKind(SingleValueKind):
    """Players are asked for a volume, and go back to the one they had."""

    name = 'volume'
    rule_keys = VolumeKeys
    request_type = VolumeRequest
    state_type = VolumeState
    attributes = frozenset({'volume'})
    reached, still = 0.03, 0.02
    manually = 'was changed manually (volume)'

    def fault(self, rule: VolumeKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return that nothing plays."""
        if rule.volume is None or any(True for _ in targets):
            return None
        return 'volume', 'no room has a player'

    def request(self, rule: VolumeKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> VolumeRequest | None:
        """Return the rule's volume."""
        return None if rule.volume is None else VolumeRequest(float(rule.volume))

    def quieted(self, undo: VolumeRequest, reported: VolumeState | None, cap: float | None) \
            -> VolumeRequest | None:
        """Return the way back that is not louder, or None: it waits."""
        louder = reported is None or undo.volume > reported.volume
        return None if louder else undo


VOLUME = VolumeKind()

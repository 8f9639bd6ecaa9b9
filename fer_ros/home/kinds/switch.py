# SPDX-License-Identifier: Apache-2.0
"""Switches: asked to be on or off, which they report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from fer_ros.home.fields import Part
from fer_ros.home.kinds.base import Situation
from fer_ros.home.kinds.single import SingleValueKind


@dataclass(frozen=True)
class SwitchState:
    """Whether a switch is on."""

    kind: ClassVar[str] = 'switch'

    on: bool

    def describe(self) -> str:
        """Return it in words."""
        return 'on' if self.on else 'off'


@dataclass(frozen=True)
class SwitchRequest:
    """Whether a switch is to be on."""

    kind: ClassVar[str] = 'switch'

    on: bool

    def describe(self) -> str:
        """Return it in words."""
        return 'on' if self.on else 'off'


class SwitchKeys(Part):
    """What a rule may say about switches."""

    switch: Literal['on', 'off'] | None = None


class SwitchKind(SingleValueKind):
    """Switches are turned on and off, and go back to how they were."""

    name = 'switch'
    rule_keys = SwitchKeys
    request_type = SwitchRequest
    state_type = SwitchState
    attributes = frozenset({'power'})
    reached = still = 0.5
    manually = 'was turned {value} manually'

    def fault(self, rule: SwitchKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return an error if there is no switch."""
        if rule.switch is None or any(True for _ in targets):
            return None
        return 'switch', 'no room has a switch'

    def request(self, rule: SwitchKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> SwitchRequest | None:
        """Return on or off, as the rule says."""
        return None if rule.switch is None else SwitchRequest(rule.switch == 'on')

    def off(self) -> SwitchRequest:
        """Return the request that turns a switch off."""
        return SwitchRequest(False)

    def is_off(self, state: SwitchState | None) -> bool:
        """Return whether a switch says that it is off."""
        return state is not None and not state.on

    def is_so(self, request: SwitchRequest, state: SwitchState | None) -> bool:
        """Return whether a switch is as it is to be."""
        return state is not None and state.on == request.on


SWITCH = SwitchKind()

# SPDX-License-Identifier: Apache-2.0
"""Scenes: recalled by name; they report nothing and cannot be undone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fer_ros.core.home.fields import Name, Part
from fer_ros.core.home.kinds.base import Attempt, Report, Situation, State, Verdict
from fer_ros.core.home.light import Tolerance


@dataclass(frozen=True)
class SceneRequest:
    """The scene that is asked for, by the name that rules give it."""

    kind: ClassVar[str] = 'scene'

    scene: str

    def describe(self) -> str:
        """Return it in words."""
        return f'scene {self.scene}'


class SceneKeys(Part):
    """What a rule may say about scenes."""

    scene: Name | None = None


class SceneKind:
    """See :class:`kinds.base.Kind`."""

    name = 'scene'
    rule_keys = SceneKeys

    def wanted(self, rule: SceneKeys) -> bool:
        """Return whether a rule names a scene."""
        return rule.scene is not None

    def fault(self, rule: SceneKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return that no target has the scene."""
        if rule.scene is None or any(rule.scene in target.scenes for target in targets):
            return None
        return 'scene', f'{rule.scene!r} is no scene of any target'

    def request(self, rule: SceneKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> SceneRequest | None:
        """Return the rule's scene, where the target has it."""
        return SceneRequest(rule.scene) if rule.scene in spec.scenes else None

    def completed(self, request: SceneRequest, reported: State | None) -> SceneRequest:
        """Return the request: what a scene makes of a room is not known."""
        return request

    def same(self, a: SceneRequest | None, b: SceneRequest | None) -> bool:
        """Return whether two requests name the same scene."""
        return a == b

    def off(self) -> None:
        """Return None: a scene is not on or off."""

    def is_off(self, state: State | None) -> bool:
        """Return False."""
        return False

    def undo(self, state: State) -> SceneRequest:
        """Fail: scenes report nothing, so that there is never anything to go back to."""
        raise NotImplementedError

    kept = undo

    def refusal(self, request: SceneRequest, spec: Part, situation: Situation) -> str:
        """Return that nothing forbids a scene."""
        return ''

    def merged(self, before: State | None, state: State) -> State | None:
        """Return None: scenes report nothing."""

    def has_left(self, start: State | None, state: State) -> bool:
        """Return False: scenes report nothing."""
        return False

    def judge(self, report: Report) -> Verdict:
        """Return that nothing is known."""
        return Verdict()

    def overdue(self, attempt: Attempt, reported: State | None, tolerance: Tolerance) -> Verdict:
        """Return that nothing is known: what was asked for stays asked for."""
        return Verdict()


SCENE = SceneKind()

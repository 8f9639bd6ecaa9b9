# SPDX-License-Identifier: Apache-2.0
"""Scenes: recalled by name; they report nothing and cannot be undone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds.base import Kind, Situation


@dataclass(frozen=True)
class SceneRequest:
    """The requested scene, by its name in rules."""

    kind: ClassVar[str] = 'scene'

    scene: str

    def describe(self) -> str:
        """Return it in words."""
        return f'scene {self.scene}'


class SceneKeys(Part):
    """Keys of rules for scenes."""

    scene: Name | None = None


class SceneKind(Kind):
    """The kind of scenes, which report nothing and are never undone."""

    name = 'scene'
    rule_keys = SceneKeys
    request_type = SceneRequest

    def fault(self, rule: SceneKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return an error if no target has the scene."""
        if rule.scene is None or any(rule.scene in target.scenes for target in targets):
            return None
        return 'scene', f'{rule.scene!r} is not a scene of any target'

    def request(self, rule: SceneKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> SceneRequest | None:
        """Return the rule's scene, where the target has it."""
        return SceneRequest(rule.scene) if rule.scene in spec.scenes else None

    def each_episode(self, request: SceneRequest, spec: Part) -> bool:
        """Return whether it is a script, which does something each time."""
        return str(spec.scenes.get(request.scene)).startswith('script.') \
            and spec.needs == 'home_assistant'


SCENE = SceneKind()

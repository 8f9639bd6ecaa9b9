# SPDX-License-Identifier: Apache-2.0
"""Scenes and scripts of Home Assistant."""

from typing import Annotated, ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BaseDevice, DeviceContext
from fer_ros.home.fields import entity_of, Name, Part
from pydantic import Field


class HomeAssistantSceneTarget(Part):
    """Scenes of Home Assistant, by the names that rules give them."""

    kind: ClassVar[str] = 'scene'
    needs: ClassVar[str] = 'home_assistant'

    type: Literal['home_assistant_scene']
    scenes: Annotated[dict[Name, entity_of('scene', 'script')], Field(min_length=1)]


class HomeAssistantScene(BaseDevice):
    """The scenes and scripts of one target."""

    def __init__(self, spec: HomeAssistantSceneTarget, context: DeviceContext):
        self._scenes, self._context = spec.scenes, context
        self._client = context.home_assistant

    @property
    def available(self) -> bool:
        """Whether Home Assistant answers."""
        return self._client.connected

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Queue the call; whether it was carried out is reported later."""
        entity_id = self._scenes[action.request.scene]
        data = {'entity_id': entity_id}
        domain = entity_id.partition('.')[0]
        if domain == 'scene':
            data['transition'] = action.transition_s
        self._client.call(action, f'{domain}/turn_on', data, self._context.result)
        return Outcome.SENT, ''

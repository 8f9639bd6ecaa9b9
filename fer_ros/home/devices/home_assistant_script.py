# SPDX-License-Identifier: Apache-2.0
"""Scripts of Home Assistant, run with a rule's text each time a feeling comes."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BaseDevice, DeviceContext
from fer_ros.home.devices.home_assistant_entity import EntityTarget
from fer_ros.home.fields import entity_of


class HomeAssistantScriptTarget(EntityTarget):
    """A script of Home Assistant that is given a message."""

    kind: ClassVar[str] = 'message'

    type: Literal['home_assistant_script']
    entity_id: entity_of('script')

    @property
    def address(self) -> str:
        """Nothing: several rooms may run one script."""
        return ''


class HomeAssistantScript(BaseDevice):
    """A script of Home Assistant; it counts as done when Home Assistant has accepted it."""

    def __init__(self, spec: HomeAssistantScriptTarget, context: DeviceContext):
        self._entity_id, self._context = spec.entity_id, context
        self._client = context.home_assistant

    @property
    def available(self) -> bool:
        """Whether Home Assistant answers."""
        return self._client.connected

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Run it; its values are variables of its steps."""
        self._client.call(action, 'script/turn_on', {
            'entity_id': self._entity_id, 'variables': {
                'message': action.request.text, 'emotion': action.emotion,
                'room': action.room, 'reason': action.reason}}, self._context.result)
        return Outcome.SENT, ''

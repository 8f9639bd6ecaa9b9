# SPDX-License-Identifier: Apache-2.0
"""Switches of Home Assistant: sockets, fans, and virtual switches."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.home_assistant_entity import EntityTarget, HomeAssistantEntity
from fer_ros.home.fields import entity_of
from fer_ros.home.kinds.switch import SwitchState


class HomeAssistantSwitchTarget(EntityTarget):
    """An entity of Home Assistant that is on or off."""

    kind: ClassVar[str] = 'switch'

    type: Literal['home_assistant_switch']
    entity_id: entity_of('switch', 'input_boolean', 'fan')


class HomeAssistantSwitch(HomeAssistantEntity):
    """An entity of Home Assistant that is on or off."""

    def usable(self, entity: dict) -> bool:
        """Return whether it is on or off."""
        return entity.get('state') in ('on', 'off')

    def read(self, entity: dict) -> SwitchState | None:
        """Return whether it is on."""
        return SwitchState(entity['state'] == 'on') if self.usable(entity) else None

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Turn it on or off."""
        domain = self._entity_id.partition('.')[0]
        return self._call(action, f'{domain}/turn_{"on" if action.request.on else "off"}')

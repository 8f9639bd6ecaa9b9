# SPDX-License-Identifier: Apache-2.0
"""Blinds, curtains and shutters of Home Assistant."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.home_assistant_entity import (
    attributes_of,
    EntityTarget,
    HomeAssistantEntity,
)
from fer_ros.home.fields import entity_of
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.light import Limits, number

#: The bit of ``supported_features`` of a cover that takes a position, not only open and close.
SET_POSITION = 4
#: What a cover without a position says of it.
_ENDS = {'open': 1.0, 'closed': 0.0}


class HomeAssistantCoverTarget(EntityTarget):
    """A cover of Home Assistant, 0 closed to 1 open."""

    kind: ClassVar[str] = 'blind'

    type: Literal['home_assistant_cover']
    entity_id: entity_of('cover')


class HomeAssistantCover(HomeAssistantEntity):
    """A cover of Home Assistant; one that takes no position is opened or closed."""

    def __init__(self, spec: HomeAssistantCoverTarget, context: DeviceContext):
        self._takes_position = True
        super().__init__(spec, context)

    def learn(self, entity: dict) -> None:
        """Take whether the cover takes a position."""
        features = number(attributes_of(entity).get('supported_features'))
        takes = features is None or bool(int(features) & SET_POSITION)
        if takes != self._takes_position:
            self._takes_position = takes
            self._context.limits(Limits(dimmable=takes))

    def read(self, entity: dict) -> BlindState | None:
        """Return the position; one that is moving and has none tells nothing."""
        if not self.usable(entity):
            return None
        position = number(attributes_of(entity).get('current_position'))
        if position is not None and 0 <= position <= 100:
            return BlindState(position / 100)
        end = _ENDS.get(entity['state'])
        return None if end is None else BlindState(end)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Move it."""
        position = action.request.position
        if self._takes_position:
            return self._call(action, 'cover/set_cover_position', position=round(100 * position))
        return self._call(action, f'cover/{"open" if position >= 0.5 else "close"}_cover')

# SPDX-License-Identifier: Apache-2.0
"""The volume of media players of Home Assistant."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.home_assistant_entity import (
    attributes_of,
    EntityTarget,
    GONE,
    HomeAssistantEntity,
)
from fer_ros.home.fields import entity_of
from fer_ros.home.kinds.volume import VolumeState
from fer_ros.home.light import number


class HomeAssistantMediaPlayerTarget(EntityTarget):
    """A media player of Home Assistant, by its volume."""

    kind: ClassVar[str] = 'volume'

    type: Literal['home_assistant_media_player']
    entity_id: entity_of('media_player')


class HomeAssistantMediaPlayer(HomeAssistantEntity):
    """A media player of Home Assistant; while it is off it has no volume, and is left alone."""

    _off = False

    def usable(self, entity: dict) -> bool:
        """Return whether it tells a volume."""
        self._off = entity.get('state') not in GONE and self.read(entity) is None
        return self.read(entity) is not None

    @property
    def waking(self) -> bool:
        """Whether it is off, and so asked for nothing, or has not said how it is."""
        return self._off or super().waking

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string: it may be off."""
        return '' if self._off and not self.missing else super().problem

    def read(self, entity: dict) -> VolumeState | None:
        """Return the volume; one that is muted has none."""
        attributes = attributes_of(entity)
        volume = number(attributes.get('volume_level'))
        if entity.get('state') in GONE or volume is None or not 0 <= volume <= 1:
            return None
        return VolumeState(0.0 if attributes.get('is_volume_muted') is True else volume)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Set the volume."""
        return self._call(action, 'media_player/volume_set', volume_level=action.request.volume)

# SPDX-License-Identifier: Apache-2.0
"""The lights of an area or a label of Home Assistant."""

from typing import Annotated, ClassVar, Literal

from fer_ros.home.devices.home_assistant_light import HomeAssistantLightTarget
from fer_ros.home.kinds.light import LightTarget
from pydantic import Field, model_validator

_Name = Annotated[str, Field(min_length=1, max_length=100)]


class HomeAssistantLightsTarget(LightTarget):
    """A group of lights, each a device; which these are says Home Assistant."""

    needs: ClassVar[str] = 'home_assistant'

    type: Literal['home_assistant_lights']
    area: _Name | None = None
    label: _Name | None = None

    @model_validator(mode='after')
    def _one(self):
        if (self.area is None) == (self.label is None):
            raise ValueError('give one of area and label')
        return self

    @property
    def address(self) -> str:
        """What no other target may command."""
        return f'area {self.area}' if self.area is not None else f'label {self.label}'

    def member(self, entity_id: str) -> HomeAssistantLightTarget:
        """Return the target that one of the lights is."""
        return HomeAssistantLightTarget(
            type='home_assistant_light', entity_id=entity_id,
            **{key: getattr(self, key) for key in LightTarget.model_fields})

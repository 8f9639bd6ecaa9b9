# SPDX-License-Identifier: Apache-2.0
"""Messages to a phone, or whatever else Home Assistant notifies."""

from typing import Annotated, ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BaseDevice, DeviceContext
from fer_ros.home.fields import entity_of, Part
from pydantic import Field


class HomeAssistantNotifyTarget(Part):
    """An action of Home Assistant that takes a message, such as ``notify.mobile_app_phone``."""

    kind: ClassVar[str] = 'message'
    needs: ClassVar[str] = 'home_assistant'

    type: Literal['home_assistant_notify']
    service: entity_of('notify')
    title: Annotated[str, Field(max_length=100)] = ''


class HomeAssistantNotify(BaseDevice):
    """Whoever is behind one action of Home Assistant."""

    def __init__(self, spec: HomeAssistantNotifyTarget, context: DeviceContext):
        self._spec, self._context = spec, context
        self._client = context.home_assistant

    @property
    def available(self) -> bool:
        """Whether Home Assistant answers."""
        return self._client.connected

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Queue the call; whether it was accepted is reported later."""
        data = {'message': action.request.text}
        if self._spec.title:
            data['title'] = self._spec.title
        self._client.call(action, self._spec.service.replace('.', '/'), data,
                          self._context.result)
        return Outcome.SENT, ''

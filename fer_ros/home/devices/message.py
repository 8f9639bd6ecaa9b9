# SPDX-License-Identifier: Apache-2.0
"""Messages without a server: they are published with the bridge's other actions."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BaseDevice, DeviceContext
from fer_ros.home.fields import Part


class MessageTarget(Part):
    """The log, ``ambient_actions`` and, with a broker, the room's event entity."""

    kind: ClassVar[str] = 'message'
    needs: ClassVar[str] = ''

    type: Literal['message']


class Message(BaseDevice):
    """Whoever hears the bridge's actions."""

    def __init__(self, spec: MessageTarget, context: DeviceContext):
        self._context = context

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Say it."""
        if self._context.write is not None:
            self._context.write(f'{self._context.name}: {action.request.text}')
        return Outcome.CONFIRMED, ''

# SPDX-License-Identifier: Apache-2.0
"""What all entities of Home Assistant that tell their state have in common."""

import math
from typing import ClassVar

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BACK_S, BaseDevice, DeviceContext, WAKING_S
from fer_ros.home.fields import Part
from fer_ros.home.kinds.base import Cause, State

#: Of an entity that cannot be asked for anything.
GONE = frozenset({'unavailable', 'unknown', None})


class EntityTarget(Part):
    """An entity of Home Assistant; what it is says its ``entity_id``."""

    needs: ClassVar[str] = 'home_assistant'

    @property
    def address(self) -> str:
        """What no other target may command."""
        return self.entity_id


class HomeAssistantEntity(BaseDevice):
    """An entity of Home Assistant that is watched, and asked through its services.

    :ivar missing: whether Home Assistant knows no such entity; set by the client.
    """

    def __init__(self, spec: EntityTarget, context: DeviceContext):
        self._entity_id, self._context = spec.entity_id, context
        self._client = context.home_assistant
        self._unavailable, self._back_s = False, -math.inf
        self._seen, self._since_s = False, None
        self.missing = False
        self._client.watch(spec.entity_id, self)

    def read(self, entity: dict) -> State | None:
        """Return the state that an entity tells, or None where it tells none."""
        raise NotImplementedError

    def usable(self, entity: dict) -> bool:
        """Return whether an entity can be asked for something."""
        return entity.get('state') not in GONE

    def learn(self, entity: dict) -> None:
        """Take what an entity that can be asked says beside its state."""

    @property
    def available(self) -> bool:
        """Whether Home Assistant answers and knows the entity as available."""
        return self._client.connected and not self._unavailable and not self.missing

    @property
    def waking(self) -> bool:
        """Whether it is still given time to say how it is: else it could not be brought back."""
        return self._client.connected and not self._seen and not self.missing and (
            self._since_s is None or self._context.clock() - self._since_s < WAKING_S)

    def tick(self, now_s: float) -> None:
        """Expect an answer after the first connect."""
        if self._since_s is None and self._client.connected:
            self._since_s = self._context.clock()

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        if self.missing:
            return f'Home Assistant knows no {self._entity_id}: check entity_id'
        return f'{self._entity_id} is unavailable in Home Assistant' if self._unavailable else ''

    @property
    def delay_s(self) -> float:
        """Maximum delay between a change and its report, seconds."""
        return self._client.delay_s

    def close(self) -> None:
        """Hear no more of it."""
        self._client.unwatch(self._entity_id, self)

    def update(self, entity: dict, cause: Cause = Cause.UNKNOWN) -> None:
        """Take what Home Assistant says of the entity; called by the client's threads."""
        self.missing, self._seen, away = False, True, self._unavailable
        self._unavailable = not self.usable(entity)
        if not self._unavailable:
            self.learn(entity)
        state = self.read(entity)
        if state is None:
            return
        if away:
            self._back_s = self._context.clock()
        if self._context.clock() - self._back_s < BACK_S and cause is not Cause.PERSON:
            cause = Cause.RECOVERED
        self._context.report(state, cause)

    def _call(self, action: AmbientAction, service: str, **data) -> tuple[Outcome, str]:
        """Queue a call; whether it was carried out is reported later."""
        self._client.call(action, service, {'entity_id': self._entity_id, **data},
                          self._context.result)
        return Outcome.SENT, ''


def attributes_of(entity: dict) -> dict:
    """Return an entity's attributes."""
    attributes = entity.get('attributes')
    return attributes if isinstance(attributes, dict) else {}

# SPDX-License-Identifier: Apache-2.0
"""Send actions to the devices of a home, and publish each once its outcome is known."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.decisions.target import Target
from fer_ros.home.deliveries import Deliveries
from fer_ros.home.devices.base import Device


class Dispatch:
    """The devices of a home, by room and name, at work.

    :param on_action: called with every action once its outcome is known.
    :param clock: a clock that does not jump, seconds.
    :ivar engine: what decides, and ``devices``: what it decides about; both may be replaced.
    """

    def __init__(self, engine: DecisionEngine, on_action: Callable[[AmbientAction], None],
                 clock: Callable[[], float]):
        self.engine = engine
        self.devices: dict[tuple[str, str], Device] = {}
        self._on_action, self._clock = on_action, clock
        self._deliveries = Deliveries()
        self._unreachable: set[tuple[str, str]] = set()

    def target(self, room: str, name: str) -> Target:
        """Return what is decided about a device."""
        return self.engine.room(room).targets[name]

    def tick(self, now_s: float) -> None:
        """Let the devices do what is due, and learn which can be reached."""
        for key, device in self.devices.items():
            device.tick(now_s)
            if device.available:
                self._unreachable.discard(key)
            target = self.target(*key)
            target.set_available(key not in self._unreachable and not device.waking)
            target.unheard |= not device.available or device.waking
            target.delay_s = device.delay_s

    def remove(self, room: str, name: str) -> None:
        """Remove a device that is no longer in the room."""
        self._unreachable.discard((room, name))
        last = self._deliveries.drop(room, name)
        if last is not None:
            self._on_action(last)
        self.devices.pop((room, name)).close()

    def carry_out(self, actions: Iterable[AmbientAction], now_s: float) -> None:
        """Send actions to the devices."""
        for action in actions:
            outcome, detail = self.devices[action.room, action.target].apply(action, now_s)
            if outcome == Outcome.FAILED:
                self._fail(action, detail)
                continue
            older = self._deliveries.add(replace(action, outcome=outcome, detail=detail),
                                         self._clock())
            if older is not None:
                self._on_action(older)

    def result(self, action: AmbientAction, done: bool, detail: str) -> None:
        """Take what a server answered to an action that was handed over."""
        if (action.room, action.target) not in self.devices:
            return
        if done:
            self.target(action.room, action.target).accept(action.request)
        else:
            self._fail(action, detail)

    def settle(self) -> None:
        """Publish the actions that no longer wait for confirmation."""
        for action in self._deliveries.settled(lambda *key: self.target(*key).confirmed,
                                               self._clock()):
            self._on_action(action)

    def flush(self) -> None:
        """Publish all waiting actions, unconfirmed."""
        for action in self._deliveries.flush():
            self._on_action(action)

    def _fail(self, action: AmbientAction, detail: str) -> None:
        key = action.room, action.target
        self._deliveries.drop(*key)
        target = self.target(*key)
        target.failed()
        if not self.devices[key].available:
            # It is asked again when it is back, for what is then right.
            self._unreachable.add(key)
            target.set_available(False)
        self._on_action(replace(action, outcome=Outcome.FAILED, detail=detail))

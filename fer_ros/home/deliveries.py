# SPDX-License-Identifier: Apache-2.0
"""Sent actions that wait for confirmation before they are published."""

from collections.abc import Callable
from dataclasses import replace

from fer_ros.home.action import AmbientAction, Outcome

#: An action is published when the device confirms it, or after this timeout, seconds.
CONFIRM_WAIT_S = 0.5


class Deliveries:
    """Holds at most one waiting action per device."""

    def __init__(self):
        self._waiting: dict[tuple[str, str], tuple[AmbientAction, float]] = {}

    def add(self, action: AmbientAction, now_s: float) -> AmbientAction | None:
        """Add a waiting action; return the device's older one, which no longer waits."""
        key = action.room, action.target
        older = self._waiting.pop(key, None)
        self._waiting[key] = action, now_s
        return None if older is None else older[0]

    def drop(self, room: str, target: str) -> AmbientAction | None:
        """Forget the action of a device, which has failed or is gone; return it, or None."""
        return self._waiting.pop((room, target), (None, 0.0))[0]

    def settled(self, confirmed: Callable[[str, str], bool], now_s: float) -> list[AmbientAction]:
        """Return the actions that no longer wait, with their outcome.

        :param confirmed: returns whether a device (room, target) reported the requested state.
        """
        done = []
        for key, (action, since_s) in list(self._waiting.items()):
            if action.outcome == Outcome.SENT:
                if confirmed(*key):
                    action = replace(action, outcome=Outcome.CONFIRMED)
                elif now_s - since_s < CONFIRM_WAIT_S:
                    continue
            del self._waiting[key]
            done.append(action)
        return done

    def flush(self) -> list[AmbientAction]:
        """Return all waiting actions, unconfirmed."""
        actions = [action for action, _ in self._waiting.values()]
        self._waiting.clear()
        return actions

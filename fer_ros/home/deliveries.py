# SPDX-License-Identifier: Apache-2.0
"""Actions that were handed over and wait to be confirmed before others are told of them."""

from collections.abc import Callable
from dataclasses import replace

from fer_ros.home.action import AmbientAction, Outcome

#: An action is told when the device confirms it, or after so long without, seconds.
CONFIRM_WAIT_S = 0.5


class Deliveries:
    """At most one action per device waits."""

    def __init__(self):
        self._waiting: dict[tuple[str, str], tuple[AmbientAction, float]] = {}

    def add(self, action: AmbientAction, now_s: float) -> AmbientAction | None:
        """Let an action wait; return the older one of that device, which need wait no more."""
        key = action.room, action.target
        older = self._waiting.pop(key, None)
        self._waiting[key] = action, now_s
        return None if older is None else older[0]

    def drop(self, room: str, target: str) -> AmbientAction | None:
        """Forget the action of a device, which has failed or is gone; return it, or None."""
        return self._waiting.pop((room, target), (None, 0.0))[0]

    def settled(self, confirmed: Callable[[str, str], bool], now_s: float) -> list[AmbientAction]:
        """Return, with their outcome, the actions that need wait no more.

        :param confirmed: says of a room and a target whether the device reported what was asked.
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
        """Return all that waits, as it is."""
        actions = [action for action, _ in self._waiting.values()]
        self._waiting.clear()
        return actions

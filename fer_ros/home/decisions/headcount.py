# SPDX-License-Identifier: Apache-2.0
"""Count the people in a room, robust to faces that are briefly missed."""

from fer_ros.home.decisions.clock import RoomClock


class Headcount:
    """Debounces the number of faces.

    :ivar people: the last number that has lasted.
    """

    def __init__(self, clock: RoomClock, settle_s: float):
        self._clock, self._settle_s = clock, settle_s
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self.people = self._newest = 0
        self._since_s = self._clock.s

    def see(self, count: int) -> None:
        """Update with the present number of faces."""
        if count != self._newest:
            self._newest, self._since_s = count, self._clock.s
        if self._clock.s - self._since_s >= self._settle_s:
            self.people = count

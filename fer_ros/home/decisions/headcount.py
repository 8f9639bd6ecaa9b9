# SPDX-License-Identifier: Apache-2.0
"""How many people are in a room, however often a face is missed for a moment."""

from fer_ros.home.decisions.clock import RoomClock


class Headcount:
    """The number of faces that has lasted.

    :ivar people: a number becomes this only when it has lasted.
    """

    def __init__(self, clock: RoomClock, settle_s: float):
        self._clock, self._settle_s = clock, settle_s
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self.people = self._newest = 0
        self._since_s = self._clock.s

    def see(self, count: int) -> None:
        """Take how many faces are in view now."""
        if count != self._newest:
            self._newest, self._since_s = count, self._clock.s
        if self._clock.s - self._since_s >= self._settle_s:
            self.people = count

# SPDX-License-Identifier: Apache-2.0
"""A person's manual override: the room is left alone for a while."""

import math

from fer_ros.home.decisions.clock import RoomClock


class Override:
    """The hold of a room.

    :ivar reason: who or what put the room on hold; empty when it is not.
    :ivar ends_s: its end on the external clock, seconds, or None. A clock jump moves the hold, but
        not this value.
    """

    def __init__(self, clock: RoomClock, for_s: float):
        self._clock, self._for_s = clock, for_s
        self.end()

    def begin(self, reason: str) -> None:
        """Start the hold, for the policy's duration."""
        self._until_s, self.reason = self._clock.s + self._for_s, reason
        self.ends_s = self._clock.now_s and self._clock.now_s + self._for_s

    def recall(self, ends_s: float, reason: str) -> None:
        """Restore a hold of an earlier process, at most for the policy's duration.

        :param ends_s: as :attr:`ends_s` was then.
        """
        left_s = min(self._for_s, ends_s - self._clock.now_s)
        if left_s > 0:
            self._until_s, self.reason = self._clock.s + left_s, reason
            self.ends_s = self._clock.now_s + left_s

    def end(self) -> None:
        """End the hold."""
        self._until_s, self.reason, self.ends_s = -math.inf, '', None

    @property
    def pending(self) -> bool:
        """Whether it was started and not ended, even if its time is over."""
        return self._until_s > -math.inf

    @property
    def left_s(self) -> float:
        """How long the room is still left alone, seconds."""
        return max(0.0, self._until_s - self._clock.s)

    def adopt(self, old: 'Override') -> None:
        """Continue the hold of another policy file."""
        self._until_s, self.reason, self.ends_s = old._until_s, old.reason, old.ends_s

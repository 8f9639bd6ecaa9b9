# SPDX-License-Identifier: Apache-2.0
"""A room's time, which stops while the clock jumps."""

#: A clock that moves farther between two calls has jumped, and timers stop over the jump.
MAXIMUM_STEP_S = 5.0
#: No more than this passes between two calls, which come ten times a second: where it was longer
#: the process stood still, and reports of devices in the meantime arrive only now.
COUNTED_STEP_S = 1.0


class RoomClock:
    """Counts the seconds that have passed for the room.

    :ivar s: the room's own time, from 0.
    :ivar now_s: the last time passed in, or None before the first.
    """

    def __init__(self, s: float = 0.0, now_s: float | None = None):
        self.s, self.now_s = s, now_s

    def advance(self, now_s: float) -> bool:
        """Let time pass; return False when the clock has jumped."""
        step = 0.0 if self.now_s is None else now_s - self.now_s
        self.now_s = now_s
        if not 0 <= step <= MAXIMUM_STEP_S:
            return False
        self.s += min(step, COUNTED_STEP_S)
        return True

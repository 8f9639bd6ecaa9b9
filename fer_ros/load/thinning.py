# SPDX-License-Identifier: Apache-2.0
"""Thin a stream evenly."""


class Thinning:
    """Select an even share of a stream.

    :ivar skipped: number of items that were not selected.
    """

    def __init__(self):
        self._owed = 1.0
        self.skipped = 0

    def take(self, part: float) -> bool:
        """Return whether to take the next item, for a share ``part`` of all, (0, 1]."""
        self._owed = min(self._owed + part, 2.0)
        # Rounding errors must not skip an item.
        if self._owed < 1 - 1e-9:
            self.skipped += 1
            return False
        self._owed -= 1
        return True

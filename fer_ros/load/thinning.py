# SPDX-License-Identifier: Apache-2.0
"""Even thinning of a stream."""


class Thinning:
    """Take a part of what comes, evenly.

    :ivar skipped: how many were not taken.
    """

    def __init__(self):
        self._owed = 1.0
        self.skipped = 0

    def take(self, part: float) -> bool:
        """Return whether the next one is to be taken, of which ``part`` is wanted, (0, 1]."""
        self._owed = min(self._owed + part, 2.0)
        # Rounding must not skip the one that makes a whole.
        if self._owed < 1 - 1e-9:
            self.skipped += 1
            return False
        self._owed -= 1
        return True

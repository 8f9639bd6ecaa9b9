# SPDX-License-Identifier: Apache-2.0
"""The latest value of each sender, while it is recent."""

#: Values are forgotten after this time, seconds.
_KEPT_S = 3.0


class RecentValues:
    """The recent values of several senders."""

    def __init__(self):
        self._values: dict[str, tuple[float, float]] = {}

    def add(self, sender: str, value: float, now_s: float) -> None:
        """Record a value received at ``now_s``, by a clock that does not jump, seconds."""
        # Other threads may read and add at the same time.
        self._values = {**{name: entry for name, entry in list(self._values.items())
                           if now_s - entry[1] <= _KEPT_S}, sender: (value, now_s)}

    def largest(self, now_s: float) -> float | None:
        """Return the largest recent value, or None."""
        return max(self.values(now_s), default=None)

    def values(self, now_s: float) -> list[float]:
        """Return all recent values."""
        return [value for value, received_s in list(self._values.values())
                if now_s - received_s <= _KEPT_S]

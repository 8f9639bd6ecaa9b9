# SPDX-License-Identifier: Apache-2.0
"""Pauses between retries."""


class Backoff:
    """Exponential backoff: 0.5 s, 1 s, ... up to ``longest_s``."""

    def __init__(self, shortest_s: float = 0.5, longest_s: float = 30.0):
        self._shortest_s, self._longest_s = shortest_s, longest_s
        self.reset()

    def reset(self) -> None:
        """Start again with the shortest pause, after a success."""
        self._next_s = self._shortest_s

    def pause_s(self) -> float:
        """Return the pause before the next try, seconds."""
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return pause_s

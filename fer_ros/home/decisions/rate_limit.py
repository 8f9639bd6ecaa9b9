# SPDX-License-Identifier: Apache-2.0
"""Limit the number of actions per target and time."""

from collections import deque

from fer_ros.home.policy.rooms import RateLimit


class RateLimiter:
    """Counts the actions of one target."""

    def __init__(self, limit: RateLimit):
        self._limit = limit
        self._sent: deque[float] = deque()

    def count(self, now_s: float) -> None:
        """Count an action."""
        self._sent.append(now_s)

    def refusal(self, now_s: float) -> str:
        """Return a message if the limit is reached, or an empty string."""
        while self._sent and now_s - self._sent[0] >= self._limit.per_s:
            self._sent.popleft()
        if len(self._sent) < self._limit.actions:
            return ''
        return f'rate limit of {self._limit.actions} in {self._limit.per_s:g} s reached'

    def adopt(self, old: 'RateLimiter') -> None:
        """Continue the count of another policy file."""
        self._sent = deque(old._sent)

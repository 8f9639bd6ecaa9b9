# SPDX-License-Identifier: Apache-2.0
"""Attributes of a device that a person changed, and how long they are left alone."""

from collections.abc import Iterable

from fer_ros.home.decisions.clock import RoomClock


class Holds:
    """The holds of one device, by attribute of its kind.

    :ivar until_s: the room's time until which each attribute is left alone, seconds.
    :ivar ends_s: the same on the external clock, at the start of each hold.
    :ivar reason: the person's last change of the device, in words.
    """

    def __init__(self, clock: RoomClock, for_s: float):
        self._clock, self._for_s = clock, for_s
        self.until_s: dict[str, float] = {}
        self.ends_s: dict[str, float] = {}
        self.reason = ''

    def begin(self, attributes: Iterable[str]) -> None:
        """Start to hold attributes, for the policy's duration."""
        for name in attributes:
            self.until_s[name] = self._clock.s + self._for_s
            self.ends_s[name] = (self._clock.now_s or 0.0) + self._for_s

    def recall(self, ends_s: dict[str, float], reason: str) -> None:
        """Restore holds of an earlier process, at most for the policy's duration."""
        for name, end_s in ends_s.items():
            left_s = min(self._for_s, end_s - (self._clock.now_s or 0.0))
            if left_s > 0:
                self.until_s[name], self.ends_s[name] = self._clock.s + left_s, end_s
                self.reason = reason

    def end(self, attributes: Iterable[str] | None = None) -> None:
        """End the holds of some attributes, or of all."""
        for name in list(self.until_s) if attributes is None else attributes:
            self.until_s.pop(name, None)
            self.ends_s.pop(name, None)

    def expire(self) -> bool:
        """End expired holds; return whether the last one has ended."""
        before = bool(self.until_s)
        self.end([name for name in self.until_s if name not in self.held])
        return before and not self.until_s

    @property
    def held(self) -> frozenset[str]:
        """The attributes that are left alone now."""
        return frozenset(name for name, until_s in self.until_s.items()
                         if until_s > self._clock.s)

    @property
    def left_s(self) -> float:
        """How long any attribute is still left alone, seconds."""
        return max([0.0, *(until_s - self._clock.s for until_s in self.until_s.values())])

    def adopt(self, old: 'Holds') -> None:
        """Continue the holds of another policy file."""
        self.until_s, self.ends_s = dict(old.until_s), dict(old.ends_s)
        self.reason = old.reason

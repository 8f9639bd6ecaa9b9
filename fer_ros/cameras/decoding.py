# SPDX-License-Identifier: Apache-2.0
"""Decoding encoded images of a stream, of which none may hold up those after it.

A decoder cannot be stopped once it has begun. So the cost of an image is estimated from its header
and from what images of the same stream have cost: one that is too large for this machine costs its
time once, and those like it are refused for a while.
"""

from collections.abc import Callable
import time

from fer_ros.cameras.encoded import decode, work
from fer_ros.errors import ImageError
import numpy as np

#: So long the decoding of an image may take, seconds of a core.
LIMIT_S = 1.0
#: So long those that would take longer are refused, seconds; then one is tried again.
REFUSED_S = 60.0


class StreamDecoder:
    """Decodes the images of one stream; its methods are called by one thread.

    :param limit_s: what the decoding of an image may cost. Seconds of a core, not of the clock: a
        process that was stopped, or a full machine, must not make an ordinary image a slow one.
    :param now_s: a clock that does not jump, seconds.
    :param used_s: the time of a core that the thread has used, seconds.
    """

    def __init__(self, limit_s: float = LIMIT_S, *,
                 now_s: Callable[[], float] = time.monotonic,
                 used_s: Callable[[], float] = time.thread_time):
        self._limit_s, self._now_s, self._used_s = limit_s, now_s, used_s
        self._slow: tuple[float, float] | None = None
        self._until_s = 0.0

    def decode(self, data: bytes) -> np.ndarray:
        """Return an image as uint8 ``(h, w, 3)`` BGR.

        :raises ImageError: as :func:`fer_ros.cameras.encoded.decode`, and for an image that would
            take longer than the limit, as far as is known.
        """
        asked = work(data)
        if self._slow is not None and self._now_s() < self._until_s:
            expected_s = self._slow[1] * asked / self._slow[0]
            if expected_s > self._limit_s:
                raise ImageError(
                    f'it would take about {expected_s:.1f} s to decode, of {self._limit_s:g} s '
                    'at most: let the camera publish smaller images')
        began_s = self._used_s()
        try:
            return decode(data)
        finally:
            took_s = self._used_s() - began_s
            if took_s > self._limit_s:
                self._slow, self._until_s = (asked, took_s), self._now_s() + REFUSED_S

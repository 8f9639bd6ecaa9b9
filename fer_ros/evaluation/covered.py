# SPDX-License-Identifier: Apache-2.0
"""What state of attention is told of faces over which something was drawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fer_ros.attention.head import load_model
from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.reader import roll_by
from fer_ros.attention.state import CAMERA, CLOSED, UNKNOWN
from fer_ros.attention.stream import AttentionStream
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.evaluation.covers import Cover, FaceAxes
from fer_ros.evaluation.heads import read_camera, read_stills, Truth
from fer_ros.types import Detection, Face
import numpy as np

#: A gaze this far from the camera is away, degrees; nearer ones that miss it are skipped.
_AWAY_DEG = 20.0
#: A face is read so often: every second one first without the cover.
_CLEAR, _COVERED, _RATE_HZ = 4, 8, 8.0


@dataclass(frozen=True)
class Told:
    """The state that is told of a covered face; ``looks`` whether it looks at the camera."""

    cover: str
    file: str
    looks: bool
    state: str
    reason: str

    @property
    def wrong(self) -> bool:
        """Whether a state is told, and not the right one."""
        return self.state != UNKNOWN and (
            self.state != CAMERA if self.looks else self.state in (CAMERA, CLOSED))


def tell_covered(folder: Path, mesher: FaceMesher, covers: Mapping[str, Cover], each: int,
                 seed: int = 0) -> Iterator[Told]:
    """Draw each cover over stills, and yield the state after a second of it.

    :param folder: in the layout of :mod:`fer_ros.evaluation.heads`.
    :param each: over so many stills of each person, in turn such that look at the camera and
        that look away.
    """
    camera, rng = read_camera(folder), np.random.default_rng(seed)
    stills = list(_clear_cases(read_stills(folder, 'gaze')))
    people = sorted({truth.person for _, truth in stills})
    for name, cover in covers.items():
        for person in people:
            for k in range(each):
                some = [still for still in stills if still[1].person == person
                        and still[1].looks == (k % 2 == 0)]
                if some:
                    image, truth = some[rng.integers(len(some))]
                    yield _tell(name, cover, image, truth, camera, mesher, rng, k // 2 % 2)


def _clear_cases(stills: Iterable[tuple[np.ndarray, Truth]]):
    for image, truth in stills:
        towards = -truth.position_m / np.linalg.norm(truth.position_m)
        off = np.degrees(np.arccos(np.clip(truth.gaze @ towards, -1, 1)))
        if truth.blink < 0.1 and (truth.looks or off > _AWAY_DEG):
            yield image, truth


def _tell(name: str, cover: Cover, image: np.ndarray, truth: Truth, camera: CameraModel,
          mesher: FaceMesher, rng: np.random.Generator, late: bool) -> Told:
    model, other = load_model(), image.copy()
    points = mesher.find(image, Detection(truth.box, 1.0), roll_by(camera, model)).points
    cover(other, FaceAxes.of(points), rng)
    stream = AttentionStream(mesher)
    for i in range(_CLEAR * late + _COVERED):
        reading, = stream.update(i / _RATE_HZ, image if i < _CLEAR * late else other,
                                 [Face(1, truth.box, 1.0)], camera)
    return Told(name, truth.file, truth.looks, reading.attention.state, reading.attention.reason)

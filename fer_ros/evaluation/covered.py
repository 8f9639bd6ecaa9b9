# SPDX-License-Identifier: Apache-2.0
"""Evaluate the state of attention of faces over which a cover was drawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fer_ros.attention.head import AttentionModel
from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.reader import roll_by
from fer_ros.attention.state import CAMERA, CLOSED, UNKNOWN
from fer_ros.attention.stream import AttentionStream
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.evaluation.covers import Cover, FaceAxes
from fer_ros.evaluation.gaze import ModelOf
from fer_ros.evaluation.heads import read_camera, read_stills, Truth
from fer_ros.types import Detection, Face
import numpy as np

#: A gaze this far from the camera is away, degrees; nearer ones that miss it are skipped.
_AWAY_DEG = 20.0
#: Readings of a face without the cover (of every second pair of faces), then with it; and their
#: rate.
_CLEAR, _COVERED, _RATE_HZ = 4, 8, 8.0


@dataclass(frozen=True)
class CoveredReading:
    """The state reported for a covered face.

    :ivar looks: whether the face looks at the camera.
    """

    cover: str
    file: str
    looks: bool
    state: str
    reason: str

    @property
    def wrong(self) -> bool:
        """Whether a state is reported that is not the true one."""
        return self.state != UNKNOWN and (
            self.state != CAMERA if self.looks else self.state in (CAMERA, CLOSED))


def read_covered(folder: Path, mesher: FaceMesher, covers: Mapping[str, Cover], each: int,
                 model_of: ModelOf, seed: int = 0
                 ) -> Iterator[CoveredReading]:
    """Draw each cover over stills, and yield the state after one second with it.

    :param folder: in the layout of :mod:`fer_ros.evaluation.heads`.
    :param each: number of stills per person and cover; they look at the camera and away in turn.
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
                    yield _read(name, cover, image, truth, camera, mesher, rng, k // 2 % 2,
                                model_of(frozenset([person])))


def _clear_cases(stills: Iterable[tuple[np.ndarray, Truth]]):
    for image, truth in stills:
        towards = -truth.position_m / np.linalg.norm(truth.position_m)
        off = np.degrees(np.arccos(np.clip(truth.gaze @ towards, -1, 1)))
        if truth.blink < 0.1 and (truth.looks or off > _AWAY_DEG):
            yield image, truth


def _read(name: str, cover: Cover, image: np.ndarray, truth: Truth, camera: CameraModel,
          mesher: FaceMesher, rng: np.random.Generator, clear_first: bool,
          model: AttentionModel) -> CoveredReading:
    covered = image.copy()
    points = mesher.find(image, Detection(truth.box, 1.0), roll_by(camera, model)).points
    cover(covered, FaceAxes.of(points), rng)
    stream = AttentionStream(mesher, model=model)
    for i in range(_CLEAR * clear_first + _COVERED):
        reading, = stream.update(i / _RATE_HZ, image if i < _CLEAR * clear_first else covered,
                                 [Face(1, truth.box, 1.0)], camera)
    return CoveredReading(name, truth.file, truth.looks, reading.attention.state,
                          reading.attention.reason)

# SPDX-License-Identifier: Apache-2.0
"""Measure the accuracy of head pose, gaze, blinks and attention on heads with known values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
import time

from fer_ros.attention.gaze import angle_between_deg, direction_of, estimate_gaze, gaze_angles_of
from fer_ros.attention.head import AttentionModel, estimate_pose, HeadPose
from fer_ros.attention.mesh import FaceMesher, Mesh
from fer_ros.attention.person import LOOKS_FROM, looks_probability
from fer_ros.attention.state import CAMERA
from fer_ros.attention.stream import AttentionStream
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.evaluation.gaze_stills import best_at, find_mesh
from fer_ros.evaluation.heads import read_camera, read_stills, read_video, STILLS, Truth
from fer_ros.faces.detection import FaceDetector
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

#: Eyes closed at least this long count as closed; a report may be shorter by this share.
CLOSED_S, _REPORT_SHARE = 1.0, 0.8
# A closure is reported at the next reading: tolerance of the match, seconds.
_SLACK_S = 0.15
# Gaze metrics skip closed eyes.
_BLINK = 0.5


@dataclass(frozen=True)
class Still:
    """Results of one still: ``gaze_deg`` and ``truth_deg`` are yaw and pitch."""

    table: str
    file: str
    truth: Truth
    mesh: Mesh
    pose: HeadPose
    gaze_deg: np.ndarray

    @property
    def truth_deg(self) -> np.ndarray:
        """Yaw and pitch of the true gaze, degrees."""
        return gaze_angles_of(self.truth.gaze)

    @property
    def error_deg(self) -> np.ndarray:
        """Error of yaw, pitch and roll of the head, degrees."""
        return self.pose.angles_deg - self.truth.angles_deg

    @property
    def off_camera_deg(self) -> np.ndarray:
        """Yaw and pitch of the gaze relative to the direction of the camera, degrees."""
        return self.gaze_deg - gaze_angles_of(
            -self.pose.position_m / np.linalg.norm(self.pose.position_m))

    @property
    def looks(self) -> bool:
        """Whether the result is a look at the camera."""
        return looks_probability(self.off_camera_deg) >= LOOKS_FROM


@dataclass
class Watched:
    """Results of one person in one video, a value for each reading."""

    video: str
    person: str
    stamps_s: list[float] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)
    looks: list[bool] = field(default_factory=list)
    blinks: list[float] = field(default_factory=list)
    #: Every frame of the video: its time and whether the eyes are closed.
    lids: list[tuple[float, bool]] = field(default_factory=list)


#: Returns the model for a person.
ModelOf = Callable[[frozenset[str]], AttentionModel]


def read_heads(folder: Path, detector: FaceDetector, mesher: FaceMesher,
               model_of: ModelOf) -> Iterator[Still]:
    """Yield the results of each still in a folder; one in which no head fits is an error."""
    camera = read_camera(folder)
    for table in STILLS:
        for image, truth in read_stills(folder, table):
            model = model_of(frozenset([truth.person]))
            mesh = find_mesh(image, truth.box, detector, mesher, camera, model)
            pose = estimate_pose(mesh.points, camera, model) or _straight(truth)
            yield Still(table, truth.file, truth, mesh, pose,
                        estimate_gaze(mesh, pose, camera, model))


def _straight(truth: Truth) -> HeadPose:
    """Return a head that faces the camera: assumed if no head fits."""
    upright = np.diag([1.0, -1.0, -1.0])
    return HeadPose(upright, truth.position_m, 1.0, upright)


@dataclass
class Cost:
    """CPU time of the readings."""

    seconds: float = 0.0
    faces: int = 0


def watch(folder: Path, detector: FaceDetector, mesher: FaceMesher, model_of: ModelOf,
          rate_hz: float, cost: Cost) -> Iterator[Watched]:
    """Yield the results of each person in each ``videos/attention_*`` over time.

    :param rate_hz: readings per second, as in the node.
    """
    camera = read_camera(folder)
    for table in sorted((folder / 'videos').glob('attention_*.csv')):
        yield from _watch(table, camera, detector, mesher, model_of, rate_hz, cost)


def _watch(table, camera: CameraModel, detector, mesher, model_of, rate_hz,
           cost) -> list[Watched]:
    finder = FaceFinder(detector, FaceTracker(), crop_side_px=0)
    stream, due_s = None, 0.0
    people: dict[str, Watched] = {}
    for stamp_s, image, truths in read_video(table):
        faces = finder.process(image, stamp_s)
        if stream is None:
            stream = AttentionStream(mesher, model=model_of(frozenset(
                truth.person for truth in truths)))
        for truth in truths:
            person = people.setdefault(truth.person, Watched(table.stem, truth.person))
            person.lids.append((stamp_s, truth.blink >= _BLINK))
        if stamp_s < due_s - 1e-3:
            continue
        due_s = max(due_s + 1 / rate_hz, stamp_s)
        started_s = time.process_time()
        readings = stream.update(stamp_s, image, faces, camera)
        cost.seconds += time.process_time() - started_s
        cost.faces += len(faces)
        for truth in truths:
            found = best_at(truth.box, readings, lambda reading: reading.head.face.box)
            person = people[truth.person]
            person.stamps_s.append(stamp_s)
            person.states.append(found.attention.state if found else '')
            person.closed.append(bool(found and found.eyes and found.eyes.closed))
            person.looks.append(truth.looks)
            person.blinks.append(truth.blink)
    return list(people.values())


def figures(stills: list[Still], watched: list[Watched], cost: Cost) -> dict:
    """Return the metrics by name; those without data are None."""
    poses = [s for s in stills if s.table == 'poses']
    gazes = [s for s in stills if s.table == 'gaze' and s.truth.blink < _BLINK]
    errors = np.array([s.error_deg for s in poses])
    yaw, pitch, roll = np.abs(errors).mean(axis=0).tolist()
    off = angle_between_deg(direction_of(np.array([s.gaze_deg for s in gazes])),
                            np.array([s.truth.gaze for s in gazes]))
    blinks, closures = _Score(), _Score()
    for one in watched:
        _score_lids(one, blinks, closures)
    seen = [(state == CAMERA, looks) for one in watched for state, looks, blink
            in zip(one.states, one.looks, one.blinks) if blink < _BLINK]
    delays = [delay for one in watched for delay in delays_s(one)]
    return {
        'images': len(stills), 'yaw': yaw, 'pitch': pitch,
        'pitch_less_constant': float(np.abs(_less_constant(poses, errors[:, 1:2])).mean()),
        'roll': roll, 'gaze': float(off.mean()),
        'gaze_less_constant': float(less_constant_deg(gazes).mean()),
        'looks_f1_stills': _f1([(s.looks, s.truth.looks) for s in gazes]),
        'looks_f1_videos': _f1(seen) if seen else None,
        'blink_f1': blinks.f1, 'closed_f1': closures.f1,
        'attention_delay_s': float(np.mean(delays)) if delays else None,
        'ms_per_face': cost.seconds * 1e3 / cost.faces if cost.faces else None}


def less_constant_deg(gazes: list[Still]) -> np.ndarray:
    """Return each gaze error minus its person's mean error of yaw and pitch, degrees."""
    missed = np.array([s.gaze_deg - s.truth_deg for s in gazes])
    truth = np.array([s.truth_deg for s in gazes])
    return angle_between_deg(direction_of(truth + _less_constant(gazes, missed)),
                             np.array([s.truth.gaze for s in gazes]))


def delays_s(one: Watched) -> list[float]:
    """Return the reporting delay of each turn to the camera or away, seconds.

    A turn that is never reported counts until the next turn.
    """
    turns = [i for i in range(1, len(one.looks)) if one.looks[i] != one.looks[i - 1]]
    delays = []
    for start, end in zip(turns, [*turns[1:], len(one.looks)]):
        reported = next((i for i in range(start, end)
                     if (one.states[i] == CAMERA) == one.looks[i]), end - 1)
        delays.append(one.stamps_s[reported] - one.stamps_s[start])
    return delays


def _less_constant(stills: list[Still], errors: np.ndarray) -> np.ndarray:
    people = np.array([s.truth.person for s in stills])
    result = errors.copy()
    for person in np.unique(people):
        result[people == person] -= errors[people == person].mean(axis=0)
    return result


def _f1(pairs: list[tuple[bool, bool]]) -> float:
    both = sum(found and true for found, true in pairs)
    either = sum(found for found, _ in pairs) + sum(true for _, true in pairs)
    return 2 * both / either if either else 0.0


@dataclass
class _Score:
    met: int = 0
    missed: int = 0
    false: int = 0

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None if there was nothing to find."""
        total = 2 * self.met + self.missed + self.false
        return 2 * self.met / total if total else None


def _score_lids(one: Watched, blinks: _Score, closures: _Score) -> None:
    true = runs(one.lids)
    reported = runs(list(zip(one.stamps_s, one.closed)))
    _match(true, reported, true, blinks)
    _match([run for run in true if run[1] - run[0] >= CLOSED_S - 1e-3],
           [run for run in reported if run[1] - run[0] >= CLOSED_S * _REPORT_SHARE],
           [run for run in true if run[1] - run[0] >= CLOSED_S * _REPORT_SHARE], closures)


def _match(true, reported, any_true, score: _Score) -> None:
    """Count the true intervals that were reported, and the reported ones that are not true."""
    met = sum(any(_meet(run, other) for other in reported) for run in true)
    score.met += met
    score.missed += len(true) - met
    score.false += sum(not any(_meet(run, other) for other in any_true) for run in reported)


def _meet(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] < b[1] + _SLACK_S and b[0] < a[1] + _SLACK_S


def runs(values: list[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return begin and end of each run of true values, seconds."""
    found, begin = [], None
    for stamp_s, value in values:
        if value and begin is None:
            begin = stamp_s
        elif not value and begin is not None:
            found.append((begin, stamp_s))
            begin = None
    if begin is not None:
        found.append((begin, values[-1][0]))
    return found

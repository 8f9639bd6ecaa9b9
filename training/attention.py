# SPDX-License-Identifier: Apache-2.0
"""Fit the generic head and the corrections of head pose and gaze on heads with known pose.

The head: each landmark's place in the head frame is triangulated from a person's images, whose
poses are known, and averaged over people. The corrections: ridge regressions of the residuals,
also on spoiled pictures of the eyes and on eyes behind drawn glasses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fer_ros.attention.gaze import (
    estimate_gaze,
    gaze_angles_of,
    gaze_terms,
    LOOK_TERMS,
    look_terms,
    SHARES,
    TERMS,
)
from fer_ros.attention.head import (
    AttentionModel,
    estimate_pose,
    HeadPose,
    pose_terms,
)
from fer_ros.attention.mesh import FaceMesher, Mesh, POINTS
from fer_ros.attention.reader import HeadReader
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation.covers import FaceAxes, GLASSES
from fer_ros.evaluation.gaze_stills import best_at, find_mesh
from fer_ros.evaluation.heads import read_camera, read_stills, read_video, STILLS, Truth
from fer_ros.faces.detection import create_detector
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.tracking import FaceTracker
import numpy as np

from .eye_pictures import spoil

#: Regularization of the weights; the terms are of the order of 1.
POSE_PULL, GAZE_PULL, LOOKS_PULL = 5.0, 0.3, 100.0
#: How freely each person's constant is fitted beside the gaze, then discarded; 0: not at all.
_OWN_CONSTANT = 0.1
#: Every so many frames of the videos count.
_EVERY = 10
#: How much an image counts for the gaze.
_WEIGHTS = {'gaze': 1.0, 'poses': 0.2, 'videos': 0.12, 'glasses': 0.08}
#: Times that landmarks are found again, upright by the head that was fitted to them.
_ROUNDS = 2
NOTHING = AttentionModel(np.zeros((POINTS, 3)), np.zeros((10, 3)), np.zeros((TERMS, 2)),
                         np.zeros((LOOK_TERMS, 2), np.float32),
                         np.zeros(LOOK_TERMS, np.float32), np.zeros((3, 3)))


@dataclass(frozen=True)
class Sample:
    """One image's landmarks and truth.

    :ivar table: 'poses', 'gaze', 'videos', or 'glasses': a still over which they were drawn.
    :ivar spoiled: the same landmarks with spoiled pictures of the eyes.
    """

    table: str
    mesh: Mesh
    truth: Truth
    spoiled: Mesh = field(init=False)

    def __post_init__(self):
        # The same each time, whatever was done before.
        rng = np.random.default_rng(np.frombuffer(self.mesh.pictures[0, 0].tobytes(), np.uint8))
        object.__setattr__(self, 'spoiled', replace(
            self.mesh, pictures=spoil(self.mesh.pictures, rng)))


@dataclass(frozen=True)
class Samples:
    """What a folder of heads gives to fit on; ``shape`` is of all its people."""

    camera: CameraModel
    shape: np.ndarray
    all: list[Sample]

    def without(self, people: Iterable[str]) -> AttentionModel:
        """Return the model fitted on all other people."""
        others = [s for s in self.all if s.truth.person not in set(people)]
        if not others:
            raise ConfigurationError('the folder has too few people: no one is left to fit on')
        return fit_corrections(others, self.camera, mean_shape(others, self.camera))


def collect(folder: Path, progress: Callable[[str], None]) -> Samples:
    """Find the landmarks of all images and videos of a folder.

    :param folder: in the layout of :mod:`fer_ros.evaluation.heads`.
    """
    camera = read_camera(folder)
    detector, mesher = create_detector('auto'), FaceMesher()
    model, samples = None, []
    for round_ in range(_ROUNDS):
        progress(f'landmarks of the stills, {round_ + 1} of {_ROUNDS}')
        samples = [Sample(table, find_mesh(image, truth.box, detector, mesher, camera, model),
                          truth)
                   for table in STILLS for image, truth in read_stills(folder, table)]
        model = replace(NOTHING, shape=mean_shape(samples, camera))
    progress('landmarks of the stills with glasses')
    samples += list(_with_glasses(folder, camera, samples, detector, mesher, model))
    for table in sorted((folder / 'videos').glob('attention_*.csv')):
        progress(f'landmarks of {table.stem}')
        samples += _video_samples(table, camera, HeadReader(mesher, model))
    return Samples(camera, model.shape, samples)


def fit(samples: Samples) -> AttentionModel:
    """Fit a model on all people, its uncertainty on each by a model without them."""
    models = {person: samples.without([person])
              for person in {s.truth.person for s in samples.all}}
    return replace(fit_corrections(samples.all, samples.camera, samples.shape),
                   sigmas=spread(samples.all, samples.camera, models))


def _with_glasses(folder: Path, camera: CameraModel, clear: list[Sample], detector, mesher,
                  model) -> Iterator[Sample]:
    rng, meshes = np.random.default_rng(0), iter(clear)
    for table in STILLS:
        for i, (image, truth) in enumerate(read_stills(folder, table)):
            axes = FaceAxes.of(next(meshes).mesh.points)
            # All of them where the gaze is known to vary.
            for draw in list(GLASSES.values())[slice(None) if table == 'gaze' else
                                               slice(i % len(GLASSES), i % len(GLASSES) + 1)]:
                drawn = image.copy()
                draw(drawn, axes, rng)
                yield Sample('glasses', find_mesh(drawn, truth.box, detector, mesher, camera,
                                                  model), truth)


def _video_samples(table: Path, camera: CameraModel, reader: HeadReader) -> list[Sample]:
    finder = FaceFinder(create_detector('auto'), FaceTracker(), crop_side_px=0)
    samples = []
    for i, (stamp_s, image, truths) in enumerate(read_video(table)):
        faces = finder.process(image, stamp_s)
        if i % _EVERY:
            continue
        heads = reader.read(image, faces, camera)
        for truth in truths:
            head = best_at(truth.box, heads, lambda head: head.face.box)
            if head is not None and head.pose is not None and truth.blink < 0.1:
                samples.append(Sample('videos', head.mesh, truth))
    return samples


def fit_corrections(samples: list[Sample], camera: CameraModel,
                    shape: np.ndarray) -> AttentionModel:
    """Return the model of a generic head with the corrections that fit the samples."""
    plain = replace(NOTHING, shape=shape)
    stills = [s for s in samples if s.table in STILLS]
    found = np.array([_pose(s, camera, plain).fitted_deg for s in stills])
    missing = np.array([s.truth.angles_deg for s in stills]) - found
    # Skip images in which the landmark network lost the face.
    usable = np.abs(missing).max(axis=1) < 15
    model = replace(plain, pose=ridge(pose_terms(found[usable]), missing[usable], POSE_PULL))
    return _with_gaze([s for s in samples if s.truth.blink < 0.5], camera, model)


def _with_gaze(samples: list[Sample], camera: CameraModel,
               model: AttentionModel) -> AttentionModel:
    heads = [_pose(s, camera, model) for s in samples]
    turned = np.array([gaze_angles_of(s.truth.gaze) - head.angles_deg[:2]
                       for s, head in zip(samples, heads)])
    good = np.abs(turned).max(axis=1) < 60
    weights = np.array([_WEIGHTS[s.table] for s in samples]) / 2
    people = np.array([s.truth.person for s in samples])
    # A constant per person keeps their differences out of the slopes.
    own = _OWN_CONSTANT * (people[:, None] == np.unique(people))
    terms = np.array([gaze_terms(s.mesh, head, camera) for s, head in zip(samples, heads)])
    nothing = np.zeros(LOOK_TERMS, np.float32)
    mean = np.mean([look_terms(s.mesh, nothing)[1] for s in samples], axis=0)
    looks = [np.array([look_terms(mesh, mean) for mesh in meshes])
             for meshes in ([s.mesh for s in samples], [s.spoiled for s in samples])]
    scale = np.sqrt(GAZE_PULL / LOOKS_PULL) / looks[0][good].std()
    gaze, look = np.zeros((TERMS, 2)), np.zeros((LOOK_TERMS, 2), np.float32)
    for k, share in enumerate(SHARES.T):
        rows = [np.column_stack([terms[:, share], scale * one[:, k], own])[good] for one in looks]
        fitted = ridge(np.concatenate(rows), np.tile(turned[good, k], 2), GAZE_PULL,
                       np.tile(weights[good], 2), free=bool(share[0]))
        count = int(share.sum())
        gaze[share, k], look[:, k] = fitted[:count], scale * fitted[count:count + LOOK_TERMS]
    return replace(model, gaze=gaze, looks=look, looks_mean=mean.astype(np.float32))


def spread(samples: list[Sample], camera: CameraModel,
           models: Mapping[str, AttentionModel]) -> np.ndarray:
    """Return what :attr:`AttentionModel.sigmas` holds, from models fitted without each person."""
    errors: dict[str, dict[str, list]] = {name: {} for name in STILLS}
    for s in samples:
        if s.table not in STILLS:
            continue
        model, person = models[s.truth.person], s.truth.person
        head = _pose(s, camera, model)
        error = head.angles_deg - s.truth.angles_deg
        if s.table == 'gaze':
            gaze = estimate_gaze(s.mesh, head, camera, model)
            error = np.append(gaze - gaze_angles_of(s.truth.gaze), 0)
        errors[s.table].setdefault(person, []).append(error)
    constants = np.array([np.mean(rows, axis=0) for rows in errors['gaze'].values()])
    within = np.concatenate([np.array(rows) - np.mean(rows, axis=0)
                             for rows in errors['gaze'].values()])
    return np.stack([np.concatenate(list(errors['poses'].values())).std(axis=0),
                     within.std(axis=0), constants.std(axis=0)])


def _pose(sample: Sample, camera: CameraModel, model: AttentionModel) -> HeadPose:
    pose = estimate_pose(sample.mesh.points, camera, model)
    if pose is None:
        raise ConfigurationError('no head fits the landmarks of an image of '
                                 f'{sample.truth.person}: is camera.json of these images?')
    return pose


def ridge(terms: np.ndarray, targets: np.ndarray, pull: float,
          weights: np.ndarray | None = None, free: bool = True) -> np.ndarray:
    """Return the weights ``(terms, targets)`` of a ridge regression.

    :param free: whether the first term is not pulled.
    """
    penalty = pull * np.eye(terms.shape[1])
    if free:
        penalty[0, 0] = 1e-6
    weighted = terms if weights is None else terms * weights[:, None]
    return np.linalg.solve(weighted.T @ terms + penalty, weighted.T @ targets)


def mean_shape(samples: list[Sample], camera: CameraModel) -> np.ndarray:
    """Return the mean over people of the landmarks in the head frame, ``(468, 3)`` meters."""
    people = sorted({s.truth.person for s in samples})
    return np.mean([triangulate([s for s in samples if s.truth.person == person
                                 and s.table == 'poses'], camera) for person in people], axis=0)


def triangulate(samples: list[Sample], camera: CameraModel) -> np.ndarray:
    """Return one person's landmarks in the head frame from images of known pose, meters.

    Least squares of the algebraic error, reweighted (Cauchy), since hidden points are guesses.
    """
    rotations = np.array([s.truth.rotation for s in samples])
    moves = np.array([s.truth.position_m for s in samples])
    pixels = np.array([s.mesh.points[:, :2] for s in samples], float)
    rays = (pixels - camera.k[:2, 2]) / camera.k[[0, 1], [0, 1]]
    shape = np.empty((pixels.shape[1], 3))
    for k in range(len(shape)):
        u, v = rays[:, k].T
        left = np.concatenate([rotations[:, 0] - u[:, None] * rotations[:, 2],
                               rotations[:, 1] - v[:, None] * rotations[:, 2]])
        right = np.concatenate([u * moves[:, 2] - moves[:, 0], v * moves[:, 2] - moves[:, 1]])
        weights = np.ones(len(right))
        for _ in range(8):
            place = np.linalg.lstsq(left * weights[:, None], right * weights, rcond=None)[0]
            misses = np.abs(left @ place - right)
            weights = 1 / np.sqrt(1 + (misses / (2 * np.median(misses) + 1e-9)) ** 2)
        shape[k] = place
    return shape


def save(model: AttentionModel, path: Path) -> None:
    """Write a model as :func:`fer_ros.attention.head.load_model` reads it."""
    np.savez(path, **{name: values.astype(np.float32) for name, values in vars(model).items()})

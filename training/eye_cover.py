# SPDX-License-Identifier: Apache-2.0
"""Fit the network that recognizes covered eyes and gazes that are pulled aside.

Covers and glasses are drawn over rendered heads of known pose and, if available, real faces. An
eye counts as covered if the cover lies on most of the area that the landmarks gave it before, and
a gaze as pulled if glasses change what is read of it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from fer_ros.attention.eye_cover import (
    COUNTS_FROM,
    COVERED,
    eye_features,
    EyeCover,
    JUDGED,
    PULLED,
)
from fer_ros.attention.gaze import angle_between_deg, direction_of, estimate_gaze
from fer_ros.attention.head import estimate_pose, load_model
from fer_ros.attention.mesh import FaceMesher, Mesh
from fer_ros.attention.reader import FACE_SCORE, roll_by
from fer_ros.cameras.camera_model import assumed_camera, CameraModel
from fer_ros.evaluation.covers import BOTH, FaceAxes, GLASSES, NONE, ONE
from fer_ros.evaluation.heads import read_camera, read_stills, read_video
from fer_ros.types import BoundingBox, Detection
import numpy as np

#: Number of covers drawn over each still, by the eyes that they hide: both, one, none.
_DRAWN = ((BOTH, 4), (ONE, 3), (NONE, 2))
#: The same for real faces.
_DRAWN_REAL = ((BOTH, 1), (ONE, 1), (GLASSES, 2))
_REAL = 'real'
#: Every n-th frame of the videos is used without covers: they contain closed eyes and smiles.
_EVERY = 15
#: An eye counts as covered from this share of its area, and as clear up to that one; others are
#: skipped.
_COVERED, _CLEAR = 0.6, 0.02
#: A gaze is not pulled up to this angle and is from that one, degrees; in between it is partly.
_STRAIGHT_DEG, _PULLED_DEG = 2.0, 10.0
#: Landmarks that moved by more than this share of a clear eye's width are no longer on it.
_MOVED = 0.25
#: A pixel that differs by more than this is covered.
_CHANGED = 6
#: Real faces are scaled to this side and get this border, pixels.
_FACE_PX, _BORDER_PX = 192, 40
HIDDEN, _EPOCHS, _BATCH, _RATE, _DECAY = 24, 25, 64, 2e-3, 2e-3
_FOLDS = 4


@dataclass(frozen=True)
class Eyes:
    """Pictures of ``n`` eyes.

    :ivar features: float32 ``(n, features)``.
    :ivar truth: float32 ``(n, 2)``, [0, 1] for each of :data:`JUDGED`; NaN where not known.
    :ivar people: the person's name for each eye; ``kinds`` likewise: what was drawn.
    """

    features: np.ndarray
    truth: np.ndarray
    people: np.ndarray
    kinds: np.ndarray

    def and_those(self, others: 'Eyes') -> 'Eyes':
        """Return these and others."""
        return Eyes(*(np.concatenate(pair) for pair in zip(vars(self).values(),
                                                            vars(others).values())))


def of_heads(folder: Path, tell: Callable[[str], None], seed: int = 1) -> Eyes:
    """Draw covers over rendered heads and collect the pictures of their eyes.

    :param folder: in the layout of :mod:`fer_ros.evaluation.heads`.
    """
    rng, collector, rows = np.random.default_rng(seed), _Collector(), []
    camera = read_camera(folder)
    for table in ('gaze', 'poses'):
        tell(f'eyes of {table}')
        for image, truth in read_stills(folder, table):
            rows += collector.eyes(truth.person, image, truth.box, camera, rng, _DRAWN)
    for table in sorted((folder / 'videos').glob('attention_*.csv')):
        tell(f'eyes of {table.stem}')
        for i, (_, image, truths) in enumerate(read_video(table)):
            if i % _EVERY == 0:
                for truth in truths:
                    rows += collector.eyes(truth.person, image, truth.box, camera, rng, ())
    return _together(rows)


def of_faces(faces: np.ndarray, tell: Callable[[str], None], seed: int = 1) -> Eyes:
    """Draw covers over real faces, uint8 ``(n, side, side)`` gray, and collect their eyes."""
    tell(f'eyes of {len(faces)} real faces')
    rng, collector, rows = np.random.default_rng(seed), _Collector(), []
    camera = assumed_camera(*(2 * [_FACE_PX + 2 * _BORDER_PX]), 60.0)
    for i, face in enumerate(faces):
        face = cv2.copyMakeBorder(cv2.resize(face, (_FACE_PX, _FACE_PX),
                                             interpolation=cv2.INTER_CUBIC),
                                  *(4 * [_BORDER_PX]), cv2.BORDER_REPLICATE)
        box = BoundingBox(_BORDER_PX, _BORDER_PX, _FACE_PX, _FACE_PX)
        rows += collector.eyes(f'{_REAL} {i}', cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), box,
                               camera, rng, _DRAWN_REAL)
    return _together(rows)


def _together(rows: Iterable[tuple]) -> Eyes:
    return Eyes(*(np.array(column) for column in zip(*rows)))


class _Collector:
    """Collects the pictures of eyes, with covers and without."""

    def __init__(self):
        self._mesher, self._model = FaceMesher(), load_model()

    def eyes(self, person: str, image: np.ndarray, box: BoundingBox, camera: CameraModel,
             rng: np.random.Generator, drawn) -> Iterator[tuple]:
        """Yield the features, what is true, the person and the cover of each eye."""
        face, roll = Detection(box, 1.0), roll_by(camera, self._model)
        clear = self._mesher.find(image, face, roll)
        if clear.score < FACE_SCORE:
            return
        gaze = self._gaze(clear, camera)
        yield from self._rows(person, 'nothing', clear, clear, (0.0, 0.0), 0.0)
        axes = FaceAxes.of(clear.points)
        for covers, count in drawn:
            for name in rng.choice(list(covers), count, replace=False):
                other = image.copy()
                covers[name](other, axes, rng)
                mesh = self._mesher.find(other, face, roll)
                changed = np.abs(other.astype(int) - image).max(axis=2) > _CHANGED
                shares = [_share(changed, eye) for eye in clear.eyes] \
                    if covers in (BOTH, ONE) else (0.0, 0.0)
                # The model knows the rendered people: it is not pulled as far as of others.
                pulled_deg = float(angle_between_deg(self._gaze(mesh, camera), gaze)) \
                    if covers is GLASSES else np.nan
                yield from self._rows(person, name, clear, mesh, shares, pulled_deg)

    def _gaze(self, mesh: Mesh, camera: CameraModel) -> np.ndarray:
        pose = estimate_pose(mesh.points, camera, self._model)
        return np.full(3, np.nan) if pose is None else \
            direction_of(estimate_gaze(mesh, pose, camera, self._model))

    def _rows(self, person, name, clear: Mesh, mesh: Mesh, shares,
              pulled_deg: float) -> Iterator[tuple]:
        features = eye_features(mesh.pictures, mesh.histograms)
        for share, eye, before, row in zip(shares, mesh.eyes, clear.eyes, features):
            moved = np.linalg.norm(eye[71] - before[71]) / max(
                1.0, float(np.linalg.norm(before[0] - before[8])))
            truth = np.full(len(JUDGED), np.nan, np.float32)
            if share >= _COVERED or (share <= _CLEAR and moved < _MOVED):
                truth[COVERED] = share >= _COVERED
            truth[PULLED] = np.clip((pulled_deg - _STRAIGHT_DEG) / (_PULLED_DEG - _STRAIGHT_DEG),
                                    0, 1)
            if not np.isnan(truth).all():
                yield row, truth, person, name.partition(',')[0]


def _share(changed: np.ndarray, eye: np.ndarray) -> float:
    """Return the share of an eye (lids and iris) that was changed, [0, 1]; 1 outside the image."""
    mask = np.zeros(changed.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(eye[:16]).astype(np.int32)), 1)
    cv2.circle(mask, np.rint(eye[71]).astype(int).tolist(),
               max(1, int(np.linalg.norm(eye[72] - eye[71]))), 1, -1)
    return float(changed[mask > 0].mean()) if mask.any() else 1.0


def fit(eyes: Eyes, seed: int = 0) -> EyeCover:
    """Fit the network with Adam (D. Kingma, J. Ba 2015) to the cross-entropy."""
    mean = eyes.features.mean(axis=0)
    scale = eyes.features.std(axis=0) + np.float32(0.01)
    inputs = np.column_stack([(eyes.features - mean) / scale, np.ones(len(eyes.truth))]
                             ).astype(np.float32)
    rng = np.random.default_rng(seed)
    inner = (rng.normal(size=(inputs.shape[1], HIDDEN)) * 1.5 / np.sqrt(inputs.shape[1])
             ).astype(np.float32)
    outer = (rng.normal(size=(HIDDEN + 1, len(JUDGED))) / np.sqrt(HIDDEN)).astype(np.float32)
    inner[-1], outer[-1] = 0, 0
    weights = [inner, outer]
    means = [np.zeros_like(weight) for weight in weights]
    squares = [np.zeros_like(weight) for weight in weights]
    step = 0
    for epoch in range(_EPOCHS):
        order = rng.permutation(len(inputs))
        for begin in range(0, len(order), _BATCH):
            rows = order[begin:begin + _BATCH]
            x, target, step = inputs[rows], eyes.truth[rows], step + 1
            hidden = np.tanh(x @ inner)
            error = np.nan_to_num(_sigmoid(hidden @ outer[:-1] + outer[-1]) - target) / len(rows)
            back = error @ outer[:-1].T * (1 - hidden * hidden)
            gradients = (x.T @ back + _DECAY * inner,
                         np.vstack([hidden.T @ error + _DECAY * outer[:-1], error.sum(axis=0)]))
            for weight, gradient, average, square in zip(weights, gradients, means, squares):
                average += 0.1 * (gradient - average)
                square += 0.001 * (gradient * gradient - square)
                weight -= _RATE * (1 - epoch / _EPOCHS) * (average / (1 - 0.9 ** step)) / (
                    np.sqrt(square / (1 - 0.999 ** step)) + 1e-7)
    return EyeCover(mean, scale, inner, outer)


def cross_validate(eyes: Eyes) -> np.ndarray:
    """Return the log-odds ``(n, 2)`` from networks that were fitted without each person."""
    people = np.unique(eyes.people)
    fold_of = dict(zip(people, np.random.default_rng(0).permutation(len(people)) % _FOLDS))
    folds = np.array([fold_of[person] for person in eyes.people])
    judged = np.empty(eyes.truth.shape)
    for fold in range(_FOLDS):
        kept = folds != fold
        judged[~kept] = fit(Eyes(*(values[kept] for values in vars(eyes).values()))).logits(
            eyes.features[~kept])
    return judged


def report(eyes: Eyes) -> Iterator[str]:
    """Yield the shares of eyes that are judged rightly and wrongly, line by line."""
    judged = cross_validate(eyes) > COUNTS_FROM
    real = np.char.startswith(eyes.people, _REAL)
    yield f'{len(judged)} eyes, each judged by a network that has not seen its person'
    kinds = [(f'  {kind}', eyes.kinds == kind) for kind in np.unique(eyes.kinds)]
    for what, words in ((COVERED, 'covered eyes called covered, clear eyes called covered'),
                        (PULLED, 'pulled gazes called pulled, straight ones called pulled')):
        yield f'share of {words}'
        for name, those in (('rendered heads', ~real), ('real faces', real), *kinds):
            shares = [judged[those & (eyes.truth[:, what] == value), what] for value in (1, 0)]
            if sum(map(len, shares)):
                yield f'  {name}: ' + ', '.join(f'{share.mean():.3f}' if len(share) else '-'
                                                for share in shares)


def save(network: EyeCover, path: Path) -> None:
    """Write a network for :func:`fer_ros.attention.eye_cover.load_eye_cover`."""
    np.savez_compressed(path, **{name: values.astype(np.float16)
                                 for name, values in vars(network).items()})


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))

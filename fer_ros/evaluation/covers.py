# SPDX-License-Identifier: Apache-2.0
"""Draw over a face what may hide its eyes: bars, patches, hands, hair, glasses and their glare."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
from fer_ros.attention.mesh import EYE_CORNERS
import numpy as np

#: Where covers lie: left, top, right and bottom in the face's own axes, see :class:`FaceAxes`.
AREAS = {
    'eyes': (-0.8, -0.26, 0.8, 0.26), 'right eye': (-0.8, -0.28, -0.06, 0.28),
    'left eye': (0.06, -0.28, 0.8, 0.28), 'upper half': (-0.95, -1.0, 0.95, 0.3),
    'right half': (-1.1, -1.0, -0.03, 1.6), 'left half': (0.03, -1.0, 1.1, 1.6),
    'lower half': (-0.95, 0.36, 0.95, 1.6), 'face': (-1.1, -1.0, 1.1, 1.6)}


@dataclass(frozen=True)
class FaceAxes:
    """A face's own axes in its image: the unit is the distance of the eyes' outer corners.

    :ivar center: between the eyes, pixels.
    :ivar across: from the person's right outer corner to the left one, pixels.
    """

    center: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> 'FaceAxes':
        """Return the axes of landmarks ``(468, 2 or 3)`` in pixels."""
        corners = points[np.array(EYE_CORNERS).ravel(), :2].astype(float)
        outer = corners[[0, 3]]
        return cls(corners.mean(axis=0), outer[1] - outer[0])

    def pixels(self, places) -> np.ndarray:
        """Return pixels, int32 ``(n, 2)``, of places ``(n, 2)`` in these axes."""
        down = np.array([-self.across[1], self.across[0]])
        places = np.asarray(places, float)
        return np.rint(self.center + places[:, :1] * self.across
                       + places[:, 1:] * down).astype(np.int32)

    @property
    def unit_px(self) -> float:
        """Length of the unit, pixels."""
        return float(np.linalg.norm(self.across))


#: Changes an image in place: the image, the face's axes and a source of randomness.
Cover = Callable[[np.ndarray, FaceAxes, np.random.Generator], None]


def flat(area: str, color: tuple[int, int, int] | None = None) -> Cover:
    """Return a patch of one color; None: the skin's."""
    def draw(image, axes, rng):
        image[_inside(image, axes, AREAS[area], rng)] = _skin(image, axes) if color is None \
            else color
    return draw


def shaded(area: str) -> Cover:
    """Return a patch of skin with light from a side and grain, as a hand's back."""
    def draw(image, axes, rng):
        mask = _inside(image, axes, AREAS[area], rng)
        light = _waves(image.shape[:2], 2.0 * axes.unit_px, rng) * rng.uniform(10, 40) + \
            _waves(image.shape[:2], 0.15 * axes.unit_px, rng) * rng.uniform(2, 12)
        _fill(image, mask, _skin(image, axes) + light[..., None])
    return draw


def textured(area: str) -> Cover:
    """Return a patch of cloth or anything with a pattern: waves of several lengths, or stripes."""
    def draw(image, axes, rng):
        mask = _inside(image, axes, AREAS[area], rng)
        color, strength = rng.uniform(20, 230, 3), rng.uniform(10, 60)
        if rng.random() < 0.5:
            y, x = np.mgrid[:image.shape[0], :image.shape[1]] / axes.unit_px
            turn = rng.uniform(0, np.pi)
            pattern = np.sign(np.sin((x * np.cos(turn) + y * np.sin(turn)) * rng.uniform(8, 50)))
        else:
            pattern = sum(_waves(image.shape[:2], size * axes.unit_px, rng)
                          for size in (0.4, 0.12, 0.04)) / 1.7
        _fill(image, mask, color + strength * pattern[..., None])
    return draw


def copied(area: str) -> Cover:
    """Return a patch of what else is in the image: cheek, hair, clothes, background."""
    def draw(image, axes, rng):
        mask = _inside(image, axes, AREAS[area], rng)
        shift = axes.pixels([rng.uniform((-1, 0.6), (1, 1.5))])[0] - axes.center
        moved = cv2.warpAffine(image, np.float64([[1, 0, -shift[0]], [0, 1, -shift[1]]]),
                               image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        image[mask] = moved[mask]
    return draw


def fingers(area: str) -> Cover:
    """Return fingers of the skin's color side by side, with the dark gaps between them."""
    def draw(image, axes, rng):
        left, top, right, bottom = AREAS[area]
        skin, count = _skin(image, axes), rng.integers(3, 6)
        lying = rng.random() < 0.6
        ends = np.linspace(top if lying else left, bottom if lying else right, count + 1)
        tilt = rng.uniform(-0.12, 0.12)
        over = rng.uniform(0.0, 0.25)
        for begin, end in zip(ends[:-1], ends[1:]):
            middle, wide = (begin + end) / 2, (end - begin)
            line = [(left - over, middle - tilt), (right + over, middle + tilt)] if lying else \
                [(middle - tilt, top - over), (middle + tilt, bottom + over)]
            a, b = axes.pixels(line)
            width = wide * axes.unit_px
            for share, shade in ((1.04, 0.6), (0.9, 0.85), (0.6, 1.0), (0.25, 1.06)):
                color = np.clip(skin * shade * rng.uniform(0.97, 1.03), 0, 255).tolist()
                cv2.line(image, a.tolist(), b.tolist(), color, max(1, round(width * share)),
                         cv2.LINE_AA)
    return draw


def hair(area: str = 'upper half') -> Cover:
    """Return strands of hair over the eyes."""
    def draw(image, axes, rng):
        left, top, right, bottom = AREAS[area]
        color = rng.uniform(10, 90) * np.array([0.7, 0.85, 1.0])
        for x in rng.uniform(left, right, rng.integers(120, 220)):
            a, b = axes.pixels([(x, top), (x + rng.uniform(-0.3, 0.3), bottom)])
            cv2.line(image, a.tolist(), b.tolist(), (color * rng.uniform(0.6, 1.5)).tolist(),
                     max(1, round(0.02 * axes.unit_px)), cv2.LINE_AA)
    return draw


def glasses(dark: tuple[float, float] = (0.0, 0.0), glare: tuple[float, float] = (0.0, 0.0),
            both: bool = True) -> Cover:
    """Return glasses.

    :param dark: how much of the light the lenses take, a range in [0, 1].
    :param glare: how much of what is behind them a reflection hides, a range in [0, 1].
    :param both: whether the reflection is on both lenses, else on one.
    """
    def draw(image, axes, rng):
        frame = rng.uniform(5, 90, 3)
        lens, shown = rng.uniform(*dark), rng.uniform(*glare)
        tint = rng.uniform(0, 50, 3)
        first = rng.integers(2)
        half = rng.uniform(0.26, 0.33) * np.array([1.0, rng.uniform(0.65, 0.95)])
        line = max(1, round(rng.uniform(0.015, 0.05) * axes.unit_px))
        turn = float(np.degrees(np.arctan2(axes.across[1], axes.across[0])))
        size = np.maximum(1, np.rint(half * axes.unit_px)).astype(int).tolist()
        for k, x in enumerate((-0.31, 0.31)):
            center = axes.pixels([(x, 0.03)])[0].tolist()
            mask = np.zeros(image.shape[:2], np.uint8)
            cv2.ellipse(mask, center, size, turn, 0, 360, 255, -1)
            inside = mask > 0
            _fill(image, inside, image * (1 - lens) + lens * tint)
            if shown and (both or k == first):
                light = np.zeros(image.shape[:2], np.uint8)
                spot = axes.pixels([(x + rng.uniform(-0.06, 0.06), rng.uniform(-0.02, 0.06))])[0]
                cv2.ellipse(light, spot.tolist(), [round(s * rng.uniform(0.6, 0.95))
                            for s in size], turn, 0, 360, 255, -1)
                soft = cv2.GaussianBlur(light, (0, 0), max(0.5, 0.02 * axes.unit_px))
                share = shown * (soft / 255.0)[..., None] * inside[..., None]
                _fill(image, inside, image * (1 - share) + share * rng.uniform(215, 255))
            cv2.ellipse(image, center, size, turn, 0, 360, frame.tolist(), line, cv2.LINE_AA)
        a, b = axes.pixels([(-0.1, 0.0), (0.1, 0.0)])
        cv2.line(image, a.tolist(), b.tolist(), frame.tolist(), line, cv2.LINE_AA)
    return draw


def fitting_glasses(line: tuple[float, float]) -> Cover:
    """Return glasses of usual sizes: clear lenses 46 to 56 mm wide around the eyes.

    Those of :func:`glasses` sit so near the nose that their frame crosses the eyes.

    :param line: how thick the frame is, a range in units of the face's axes (about 90 mm).
    """
    def draw(image, axes, rng):
        frame = rng.uniform(5, 90, 3).tolist()
        wide, gap, high = rng.uniform((46, 14, 28), (56, 22, 46)) / 180
        middle, down = wide + gap, rng.uniform(0.0, 0.06)
        width = max(1, round(rng.uniform(*line) * axes.unit_px))
        # A superellipse, from an ellipse to a rounded rectangle.
        turn, power = np.linspace(0, 2 * np.pi, 60), 2 / rng.uniform(2, 5)
        x, y = (np.sign(f(turn)) * np.abs(f(turn)) ** power for f in (np.cos, np.sin))
        bridge, hinge = down - 0.2 * high, down - 0.3 * high
        lines = [[(-gap, bridge), (gap, bridge)]]
        for side in (-1, 1):
            lines += [np.stack([x * wide + side * middle, y * high + down], axis=1),
                      [(side * (middle + wide), hinge), (side * 0.95, -0.06)]]
        for line_ in lines:
            cv2.polylines(image, [axes.pixels(line_)], False, frame, width, cv2.LINE_AA)
    return draw


#: What hides both eyes, ...
BOTH = {
    'gray bar': flat('eyes', (128, 128, 128)), 'black bar': flat('eyes', (12, 12, 12)),
    'white bar': flat('eyes', (235, 235, 235)), 'skin-colored bar': flat('eyes'),
    'shaded skin': shaded('eyes'), 'pattern': textured('eyes'), 'fingers': fingers('eyes'),
    'other part of the image': copied('eyes'), 'upper half': shaded('upper half'),
    'hair': hair(), 'dark glasses': glasses(dark=(0.93, 1.0)),
    'mirrored glasses': glasses(dark=(0.9, 1.0), glare=(0.4, 0.9)),
    'glare on both lenses': glasses(glare=(0.92, 1.0)), 'hand over the face': fingers('face'),
    'cloth over the face': textured('face')}
#: ... one eye, ...
ONE = {f'{name}, {side}': make(side) for side in ('right eye', 'left eye', 'right half',
                                                  'left half')
       for name, make in (('skin', shaded), ('pattern', textured), ('fingers', fingers),
                          ('part of the image', copied), ('gray', lambda area: flat(
                              area, (128, 128, 128))))}
ONE['glare on one lens'] = glasses(glare=(0.92, 1.0), both=False)
#: Glasses that hide no eye.
GLASSES = {'glasses across the eyes': glasses(),
           'tinted glasses across the eyes': glasses(dark=(0.05, 0.3)),
           'thin glasses that fit': fitting_glasses((0.008, 0.02)),
           'thick glasses that fit': fitting_glasses((0.02, 0.05))}
#: ... and none.
NONE = {'nothing': lambda image, axes, rng: None, 'mask over the mouth': shaded('lower half'),
        'patterned mask over the mouth': textured('lower half'), **GLASSES}


def _skin(image: np.ndarray, axes: FaceAxes) -> np.ndarray:
    """Return the color of the cheeks, float64 ``(3,)``."""
    low, high = np.array(image.shape[1::-1]) - 1, 0
    x, y = np.clip(axes.pixels([(-0.25, 0.55), (0.25, 0.55), (0, -0.45)]), high, low).T
    return np.median(image[y, x].astype(float), axis=0)


def _inside(image, axes, area, rng) -> np.ndarray:
    left, top, right, bottom = area + rng.uniform(-0.03, 0.03, 4)
    tilt = rng.uniform(-0.04, 0.04)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, axes.pixels([(left, top - tilt), (right, top + tilt),
                                          (right, bottom + tilt), (left, bottom - tilt)]), 255)
    return mask > 0


def _waves(shape, length_px: float, rng) -> np.ndarray:
    """Return smooth noise with about this wave length, mean 0 and deviation 1."""
    length_px = max(1.0, length_px)
    coarse = rng.normal(size=[int(side / length_px) + 3 for side in shape]).astype(np.float32)
    waves = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (waves - waves.mean()) / max(1e-6, waves.std())


def _fill(image, mask, values) -> None:
    image[mask] = np.clip(values, 0, 255).astype(np.uint8)[mask]

# SPDX-License-Identifier: Apache-2.0
"""The filters of all boxes at once give what the textbook's equations give box by box."""

from fer_ros.faces.motion import BoxMotion
import numpy as np
import pytest


class Textbook:
    """One box as one Kalman filter of eight states, written from the equations alone.

    States are the four values, then their four speeds. Bar-Shalom, Li, Kirubarajan 2001: 5.2.3
    (prediction, gain, update) and 6.2.2 (discretized white acceleration).
    """

    acceleration = np.diag([3.0, 3.0, 0.8, 0.8]) ** 2
    noise = np.diag([0.035, 0.035, 0.06, 0.06]) ** 2
    first_speed = np.diag([2.0, 2.0, 0.5, 0.5]) ** 2

    def __init__(self, box, side, doubt):
        self.x = np.concatenate([box, np.zeros(4)])
        zero = np.zeros((4, 4))
        self.p = np.block([[self.noise * side ** 2 @ np.diag(doubt) ** 2, zero],
                           [zero, self.first_speed * side ** 2]])

    def squared_side(self):
        return self.x[2] * self.x[3]

    def predict(self, dt):
        one, zero = np.eye(4), np.zeros((4, 4))
        move = np.block([[one, dt * one], [zero, one]])
        q = self.acceleration * self.squared_side()
        self.p = move @ self.p @ move.T + np.block([[q * dt ** 3 / 3, q * dt ** 2 / 2],
                                                    [q * dt ** 2 / 2, q * dt]])
        self.x = move @ self.x
        self.x[6:] *= np.exp(-dt / 0.3)
        self.x[2:4] = np.maximum(self.x[2:4], 1)

    def correct(self, box, doubt):
        h = np.hstack([np.eye(4), np.zeros((4, 4))])
        s = h @ self.p @ h.T + self.noise * self.squared_side() * doubt ** 2
        gain = self.p @ h.T @ np.linalg.inv(s)
        self.x = self.x + gain @ (box - h @ self.x)
        self.p = self.p - gain @ s @ gain.T
        self.x[2:4] = np.maximum(self.x[2:4], 1)


def same(motion, row, book):
    assert motion.state[row] == pytest.approx(book.x.reshape(2, 4).T, rel=1e-9, abs=1e-9)
    full = np.zeros((8, 8))
    for value in range(4):
        full[np.ix_([value, value + 4], [value, value + 4])] = motion.covariance[row, value]
    assert full == pytest.approx(book.p, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize('seed', range(3))
def test_as_in_the_textbook(seed):
    random = np.random.default_rng(seed)
    motion, books = BoxMotion(), []
    for _ in range(3):
        box = random.uniform([50, 50, 20, 30], [600, 400, 200, 250])
        side, doubt = random.uniform(20, 200), random.uniform(0.5, 8, 4)
        motion.add(box, side, doubt)
        books.append(Textbook(box, side, doubt))
    for row, book in enumerate(books):
        same(motion, row, book)
    for _ in range(20):
        dt = random.uniform(0.005, 0.5)
        motion.predict(dt)
        for row, book in enumerate(books):
            book.predict(dt)
            same(motion, row, book)
            if random.random() < 0.7:
                box = book.x[:4] + random.normal(0, 6, 4)
                doubt = random.uniform(1, 5)
                motion.correct(row, box, doubt)
                book.correct(box, doubt)
                same(motion, row, book)
    before = motion.state.copy()
    motion.keep([2, 0])
    assert len(motion) == 2
    assert (motion.state == before[[2, 0]]).all()
    same(motion, 0, books[2])
    same(motion, 1, books[0])


def test_a_correction_without_doubt_has_the_usual_noise():
    motion, box = BoxMotion(), np.array([100.0, 80, 40, 50])
    motion.add(box, 45, np.ones(4))
    book = Textbook(box, 45, np.ones(4))
    motion.correct(0, box + 3)
    book.correct(box + 3, 1.0)
    same(motion, 0, book)


def test_a_size_stays_at_one_pixel_at_least():
    motion = BoxMotion()
    motion.add(np.array([100.0, 100, 1.5, 40]), 8, np.ones(4))
    motion.correct(0, np.array([100.0, 100, -30, 40]))
    assert motion.values[0, 2] == 1 and motion.values[0, 3] > 30
    motion.state[0, 2:, 1] = -1000
    motion.predict(0.1)
    assert motion.values[0, 2:].tolist() == [1, 1]


def test_how_uncertain_a_detection_is():
    motion = BoxMotion()
    motion.add(np.array([0.0, 0, 90, 40]), 60, np.array([1.0, 2, 3, 4]))
    assert motion.sides == pytest.approx([60])
    assert motion.values.tolist() == [[0, 0, 90, 40]]
    assert motion.variance[0] == pytest.approx(
        [2 * 2.1 ** 2, 5 * 2.1 ** 2, 10 * 3.6 ** 2, 17 * 3.6 ** 2])


def test_another_resolution():
    motion = BoxMotion()
    motion.add(np.array([100.0, 50, 20, 30]), 25, np.ones(4))
    motion.state[0, :, 1] = [1, 2, 3, 4]
    before = motion.covariance.copy()
    motion.rescale(2, 3)
    assert motion.state[0].tolist() == [[200, 2], [150, 6], [40, 6], [90, 12]]
    assert motion.covariance[0, :, 0, 0] == pytest.approx(before[0, :, 0, 0] * [4, 9, 4, 9])
    assert motion.covariance[0, :, 1, 1] == pytest.approx(before[0, :, 1, 1] * [4, 9, 4, 9])

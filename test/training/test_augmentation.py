# SPDX-License-Identifier: Apache-2.0
"""Blending of faces (mixup)."""

import numpy as np
from training.augmentation import blend, blend_shares


def test_a_part_of_the_faces_is_blended_and_each_keeps_at_least_half_of_itself():
    shares = blend_shares(10_000, 0.3, np.random.default_rng(0))
    assert shares.shape == (10_000,) and shares.dtype == np.float32
    blended = shares[shares > 0]
    assert abs(len(blended) / 10_000 - 0.3) < 0.02
    assert shares.min() == 0 and shares.max() <= 0.5
    assert abs(blended.mean() - 0.25) < 0.01
    assert not blend_shares(100, 0, np.random.default_rng(0)).any()


def test_blending_takes_the_share_from_the_row_before():
    values = np.array([[0, 8], [4, 0], [8, 4]], np.float32)
    found = blend(values, np.array([0.5, 0, 0.25], np.float32))
    np.testing.assert_array_equal(found, [[4, 6], [4, 0], [7, 3]])
    assert found.dtype == np.float32
    faces = np.arange(24, dtype=np.float32).reshape(2, 3, 4, 1)
    np.testing.assert_array_equal(blend(faces, np.array([0, 0.5], np.float32)),
                                  np.stack([faces[0], (faces[0] + faces[1]) / 2]))

# SPDX-License-Identifier: Apache-2.0
"""Blending of faces (mixup), JPEG, sensor noise and local contrast."""

import cv2
import numpy as np
import pytest
from training.augmentation import augment, Augmentation, blend, blend_shares
from training_support import photographs

STILL = {'flip': False, 'rotation_deg': 0, 'scale': 0, 'shift': 0, 'aspect': 0, 'contrast': 0,
         'brightness': 0, 'gamma': 0, 'blur': 0, 'noise': 0, 'erase': 0}


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


def changed(images, **values):
    return augment(images, Augmentation(**{**STILL, **values}), np.random.default_rng(5))


def smooth(count):
    """Return ramps of light, in which noise and blocks stand out."""
    ramp = np.linspace(40, 210, 48)
    return np.repeat(((ramp[:, None] + ramp) / 2)[None], count, axis=0).astype(np.uint8)


def test_jpeg_changes_as_many_faces_as_it_says_and_leaves_them_what_they_are():
    images = smooth(400)
    assert (changed(images, jpeg=0) == changed(images)).all()
    out = changed(images, jpeg=0.25)
    spoiled = (out != images).any(axis=(1, 2))
    assert 0.18 < spoiled.mean() < 0.32
    assert out.shape == images.shape and out.dtype == np.uint8
    for image in out[spoiled][:50]:
        assert np.corrcoef(image.ravel(), images[0].ravel())[0, 1] > 0.9


def test_jpeg_is_as_strong_as_its_qualities_are():
    images = photographs(60)

    def directly(quality):
        coded = [cv2.imencode('.jpg', image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
                 for image in images]
        return np.stack([cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) for data in coded])

    def error(out):
        return abs(out.astype(float) - images).mean(axis=(1, 2))

    found = error(changed(images, jpeg=1.0))
    worst, best = error(directly(4)).max(), error(directly(60)).mean()
    assert (found > 0).all() and found.max() < 1.2 * worst
    assert best < np.median(found) < worst and found.max() > 0.5 * worst


@pytest.mark.parametrize('most', [12.0, 36.0])
def test_noise_goes_up_to_its_limit(most):
    images = np.full((300, 48, 48), 128, np.uint8)
    out = changed(images, noise=1.0, noise_max=most).astype(float)
    spread = out.std(axis=(1, 2))
    assert most * 0.8 < spread.max() < most * 1.1
    assert spread.min() < most * 0.3
    assert abs(out.mean() - 127.5) < 1


def test_shot_noise_grows_with_the_light():
    images = np.full((200, 48, 48), 50, np.uint8)
    images[:, :, 24:] = 180
    out = changed(images, noise=1.0, noise_max=12.0).astype(float)
    ratio = out[:, :, 24:].std(axis=(1, 2)) / out[:, :, :24].std(axis=(1, 2))
    # From read noise alone, alike everywhere, to shot noise alone: the root of 180 / 50.
    assert 0.9 < ratio.min() < 1.1 and 1.6 < ratio.max() < 2.1
    assert 1.2 < np.median(ratio) < 1.5


def test_local_contrast_changes_as_many_faces_as_it_says_in_both_directions():
    images = photographs(400)
    assert (changed(images, local_contrast=0) == changed(images)).all()
    out = changed(images, local_contrast=0.5)
    touched = (out != images).any(axis=(1, 2))
    assert 0.42 < touched.mean() < 0.58
    middle, corner = np.s_[:, 18:30, 18:30], np.s_[:, :4, :4]
    contrast = out[middle].std(axis=(1, 2)) / images[middle].std(axis=(1, 2)).clip(1)
    assert (contrast[touched] > 1.1).sum() > 20 and (contrast[touched] < 0.9).sum() > 20
    # A darker face keeps its surroundings.
    darker = touched & (out[middle].mean(axis=(1, 2)) < images[middle].mean(axis=(1, 2)) - 20)
    moved = np.abs(out[corner].astype(float) - images[corner]).mean(axis=(1, 2))
    assert darker.sum() > 20 and np.median(moved[darker]) < 5

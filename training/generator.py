# SPDX-License-Identifier: Apache-2.0
"""A small conditional generator of faces: a variational autoencoder (D. Kingma, M. Welling 2014).

It learns all classes together, so that it takes what all faces share from the common classes and
only what is special from the rare one. The study proposed an adversarial network instead; this one
trains in minutes, cannot collapse, and draws softer faces.
"""

import keras
from keras import layers, ops
import numpy as np

from .datasets import Dataset

_LATENT = 64
_CLASSES = 7
#: Weight of the prior against the pixels, whose error is in units of their deviation.
_PRIOR_WEIGHT = 1.0


@keras.saving.register_keras_serializable('fer_ros')
class Sampling(layers.Layer):
    """Draw from the encoder's distribution and charge its distance from the standard one."""

    def __init__(self, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self._random = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        """Return a sample; mean and logarithm of the variance are the two inputs."""
        mean, log_variance = inputs
        distance = -0.5 * ops.sum(1 + log_variance - mean ** 2 - ops.exp(log_variance), axis=1)
        self.add_loss(_PRIOR_WEIGHT * ops.mean(distance))
        noise = keras.random.normal(ops.shape(mean), seed=self._random)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self):
        """Return the configuration for serialization."""
        return {**super().get_config(), 'seed': self.seed}


def _pixel_error(expected, drawn):
    # The sum over the pixels, as in the likelihood, with a deviation of 0.5.
    return ops.sum(ops.square(expected - drawn), axis=(1, 2, 3)) / (2 * 0.5 ** 2)


def build(side: int, seed: int) -> tuple[keras.Model, keras.Model]:
    """Return the whole model, (image, class) to image, and its decoder, (latent, class) to image.

    Images are standardised gray levels; the side is a multiple of 8.
    """
    image, chosen = keras.Input((side, side, 1)), keras.Input((_CLASSES,))
    x = image
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, 2, padding='same', activation='silu')(x)
    x = layers.Concatenate()([layers.Flatten()(x), chosen])
    x = layers.Dense(192, activation='silu')(x)
    latent = Sampling(seed)([layers.Dense(_LATENT)(x), layers.Dense(_LATENT)(x)])

    code, label = keras.Input((_LATENT,)), keras.Input((_CLASSES,))
    y = layers.Concatenate()([code, label])
    y = layers.Dense(192, activation='silu')(y)
    y = layers.Dense((side // 8) ** 2 * 64, activation='silu')(y)
    y = layers.Reshape((side // 8, side // 8, 64))(y)
    for filters in (32, 16, 16):
        y = layers.UpSampling2D(interpolation='bilinear')(y)
        y = layers.Conv2D(filters, 3, padding='same', activation='silu')(y)
    decoder = keras.Model([code, label], layers.Conv2D(1, 3, padding='same')(y))
    return keras.Model([image, chosen], decoder([latent, chosen])), decoder


def generate(dataset: Dataset, counts: dict[int, int], seed: int, *, epochs: int = 8,
             batch_size: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Train a generator on the faces and draw new ones.

    :param counts: number of faces to draw, by class.
    :returns: uint8 images ``(n, side, side)`` and int64 labels ``(n,)``.
    """
    keras.mixed_precision.set_global_policy('float32')
    keras.utils.set_random_seed(seed)
    images = dataset.images[..., None].astype(np.float32)
    mean, spread = float(images.mean()), float(images.std()) or 1.0
    chosen = np.eye(_CLASSES, dtype=np.float32)[dataset.labels]
    model, decoder = build(images.shape[1], seed)
    model.compile(keras.optimizers.Adam(1e-3), _pixel_error)
    standard = (images - mean) / spread
    model.fit([standard, chosen], standard, batch_size=batch_size, epochs=epochs, verbose=2)
    labels = np.repeat(np.array(list(counts), np.int64), list(counts.values()))
    codes = np.random.default_rng(seed).normal(0, 1, (len(labels), _LATENT)).astype(np.float32)
    drawn = decoder.predict([codes, np.eye(_CLASSES, dtype=np.float32)[labels]], verbose=0)
    return (drawn[..., 0] * spread + mean).round().clip(0, 255).astype(np.uint8), labels

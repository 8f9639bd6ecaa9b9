# SPDX-License-Identifier: Apache-2.0
"""The layers of the networks against Keras' own."""

import numpy as np
import pytest

pytest.importorskip('tensorflow', reason='training needs the training extra')
import keras  # noqa: E402
from training.networks import FusedBatchNormalization  # noqa: E402


# One step of bfloat16 from 4 upwards is 1 / 32.
@pytest.mark.parametrize('precision, step', [('float32', 5e-3), ('mixed_bfloat16', 1 / 32)])
def test_fused_normalization_is_that_of_keras(precision, step):
    images = np.random.default_rng(0).normal(3, 2, (16, 6, 6, 8)).astype(np.float32)
    layers = [kind(momentum=0.9, epsilon=1e-4, dtype=keras.DTypePolicy(precision))
              for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)]
    for training in (True, True, False):
        theirs, ours = (keras.ops.convert_to_numpy(keras.ops.cast(
            layer(images, training=training), 'float32')) for layer in layers)
        np.testing.assert_allclose(ours, theirs, atol=step)
    for ours, theirs in zip(layers[1].weights, layers[0].weights):
        # The fused kernel keeps the unbiased variance: n / (n - 1) of 576 values.
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-3, atol=1e-5)


def test_gradients_are_those_of_keras():
    import tensorflow
    images = tensorflow.constant(
        np.random.default_rng(1).normal(0, 2, (8, 4, 4, 3)).astype(np.float32))
    gradients = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind()
        with tensorflow.GradientTape() as tape:
            tape.watch(images)
            loss = tensorflow.reduce_sum(layer(images, training=True) ** 3)
        gradients.append(tape.gradient(loss, [images, *layer.trainable_variables]))
    for ours, theirs in zip(gradients[1], gradients[0]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)

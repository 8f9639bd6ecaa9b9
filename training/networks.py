# SPDX-License-Identifier: Apache-2.0
"""The networks, in backend-independent Keras 3.

Every network takes float32 ``(batch, side, side, 1)`` gray levels 0 to 255 (scaling is inside, so
that trainer and node cannot drift apart) and returns a dict of logits: ``fer2013`` ``(batch, 7)``
and, where it has the second head, ``ferplus`` ``(batch, 8)``.
"""

import importlib
from pathlib import Path

import keras
from keras import layers, ops

from .recipes import HEADS, Recipe


@keras.saving.register_keras_serializable('fer_ros')
class PerImageStandardization(layers.Layer):
    """Subtract each image's mean and divide by its standard deviation.

    This removes brightness and contrast before the first convolution. The deviation is kept above
    ``floor`` gray levels, so that a blank image does not overflow.
    """

    def __init__(self, floor: float = 8.0, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor

    def call(self, inputs):
        """Return the standardised images, same shape."""
        mean = ops.mean(inputs, axis=(1, 2, 3), keepdims=True)
        centered = inputs - mean
        variance = ops.mean(centered * centered, axis=(1, 2, 3), keepdims=True)
        return centered / ops.sqrt(variance + self.floor ** 2)

    def get_config(self):
        """Return the configuration for serialization."""
        return {**super().get_config(), 'floor': self.floor}


@keras.saving.register_keras_serializable('fer_ros')
class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalization over the last axis, in one pass where the backend has one.

    Keras' own is made of several operations on TensorFlow; one kernel trains these networks half
    as fast again on a processor. The result is the same, and other backends use Keras' own.
    """

    def call(self, inputs, training=None, mask=None):
        """Return the normalized inputs, same shape; update the moving averages in training."""
        if not training or keras.backend.backend() != 'tensorflow' or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        fused = importlib.import_module('tensorflow').compat.v1.nn.fused_batch_norm
        # With mixed precision the inputs are 16 bits wide, statistics and scales are not.
        outputs, mean, variance = fused(inputs, self.gamma.value, self.beta.value,
                                        epsilon=self.epsilon, is_training=True)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * self.momentum + now * (1 - self.momentum))
        return outputs


def _conv(x, filters, size=3, stride=1):
    x = layers.Conv2D(filters, size, stride, padding='same', use_bias=False,
                      kernel_initializer='he_normal')(x)
    return FusedBatchNormalization(momentum=0.95, epsilon=1e-4)(x)


def _squeeze_excite(x, ratio=8):
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(max(8, channels // ratio), 1, activation='relu')(gate)
    gate = layers.Conv2D(channels, 1, activation='sigmoid')(gate)
    return layers.Multiply()([x, gate])


def _residual(x, filters, stride, squeeze_excite):
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        if stride != 1:
            shortcut = layers.AveragePooling2D(stride, padding='same')(shortcut)
        shortcut = _conv(shortcut, filters, 1)
    y = layers.ReLU()(_conv(x, filters, 3, stride))
    y = _conv(y, filters, 3)
    if squeeze_excite:
        y = _squeeze_excite(y)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def residual(side: int = 48, stem: int = 32, widths=(32, 64, 128), blocks=(1, 2, 2),
             squeeze_excite: bool = True, dropout: float = 0.3,
             heads=('fer2013', 'ferplus')) -> keras.Model:
    """Build the residual network: a stem, residual blocks, a linear head per label set.

    :param side: the input's side in pixels.
    :param widths: channels of each stage; each stage but the stem halves the side.
    :param blocks: residual blocks of each stage.
    """
    inputs = keras.Input((side, side, 1), name='image')
    x = PerImageStandardization(dtype='float32')(inputs)
    x = layers.ReLU()(_conv(x, stem))
    for width, count in zip(widths, blocks):
        for block in range(count):
            x = _residual(x, width, 2 if block == 0 else 1, squeeze_excite)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    outputs = {head: layers.Dense(HEADS[head], name=head, dtype='float32')(x) for head in heads}
    return keras.Model(inputs, outputs, name='residual')


def study(side: int = 48, dropout: float = 0.25) -> keras.Model:
    """Build the study's network: four convolutions and two dense layers (4.5 M parameters)."""
    inputs = keras.Input((side, side, 1), name='image')
    x = inputs
    for filters, size in ((64, 3), (128, 5), (512, 3), (512, 3)):
        x = layers.Conv2D(filters, size, padding='same')(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Dropout(dropout)(layers.MaxPooling2D(2)(x))
    x = layers.Flatten()(x)
    for units in (256, 512):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(units)(x)))
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, {'fer2013': layers.Dense(7, name='fer2013', dtype='float32')(x)},
                       name='study')


NETWORKS = {'residual': residual, 'study': study}


def machine_precision(precision: str) -> str:
    """Return the Keras policy a recipe's precision means on this machine.

    bfloat16 halves the time on a CPU or GPU that computes in it; without AVX-512 BF16 or
    AMX it takes ten times as long as float32.
    """
    if precision != 'auto':
        return precision
    flags = Path('/proc/cpuinfo').read_text() if Path('/proc/cpuinfo').exists() else ''
    fast = 'avx512_bf16' in flags or 'amx_bf16' in flags or _has_gpu()
    return 'mixed_bfloat16' if fast else 'float32'


def _has_gpu() -> bool:
    backend = keras.backend.backend()
    if backend == 'tensorflow':
        return bool(importlib.import_module('tensorflow').config.list_physical_devices('GPU'))
    if backend == 'jax':
        return importlib.import_module('jax').default_backend() == 'gpu'
    return backend == 'torch' and importlib.import_module('torch').cuda.is_available()


def build(recipe: Recipe) -> keras.Model:
    """Build the recipe's network, not yet compiled."""
    keras.mixed_precision.set_global_policy(machine_precision(recipe.precision))
    args = dict(recipe.network_args)
    if recipe.network != 'study':
        args['heads'] = recipe.heads
    return NETWORKS[recipe.network](**args)

# SPDX-License-Identifier: Apache-2.0
"""Import a model saved by Keras 2 as ``model.json`` and HDF5 weights, as the study saved it.

Keras 3 does not read such a pair. The layers a plain image classifier consists of are rebuilt here
one by one and given their weights by name.
"""

import json
from pathlib import Path

from fer_ros.emotions.labels import LABELS
import h5py
import keras
from keras import layers
import numpy as np

#: Keras' directory readers number the classes alphabetically; the study's model does so.
STUDY_LABELS = ('angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise')

_KEPT = {
    'Conv2D': (layers.Conv2D, ('filters', 'kernel_size', 'strides', 'padding', 'dilation_rate',
                               'groups', 'activation', 'use_bias')),
    'DepthwiseConv2D': (layers.DepthwiseConv2D, (
        'kernel_size', 'strides', 'padding', 'depth_multiplier', 'dilation_rate', 'activation',
        'use_bias')),
    'Dense': (layers.Dense, ('units', 'activation', 'use_bias')),
    'BatchNormalization': (layers.BatchNormalization, ('momentum', 'epsilon', 'center',
                                                       'scale')),
    'Activation': (layers.Activation, ('activation',)),
    'ReLU': (layers.ReLU, ('max_value', 'negative_slope', 'threshold')),
    'LeakyReLU': (layers.LeakyReLU, ()),
    'Dropout': (layers.Dropout, ('rate',)),
    'MaxPooling2D': (layers.MaxPooling2D, ('pool_size', 'strides', 'padding')),
    'AveragePooling2D': (layers.AveragePooling2D, ('pool_size', 'strides', 'padding')),
    'GlobalAveragePooling2D': (layers.GlobalAveragePooling2D, ()),
    'Flatten': (layers.Flatten, ()),
    'Rescaling': (layers.Rescaling, ('scale', 'offset')),
}


class ImportFailed(ValueError):
    """The files cannot be imported; the message says which one and why."""


def import_keras2(architecture: Path, weights: Path, *,
                  labels: tuple[str, ...] = STUDY_LABELS, scale: float = 1.0) -> keras.Model:
    """Return the model with our interface: gray levels 0 to 255 in, logits in our order out.

    :param architecture: the file of ``model.to_json()``.
    :param weights: the file of ``model.save_weights('....h5')`` or ``model.save('....h5')``.
    :param labels: the order of its classes.
    :param scale: what it expects a gray level multiplied by (1/255 for inputs 0 to 1).
    :raises ImportFailed: when a file is missing or has other contents.
    """
    if sorted(labels) != sorted(LABELS):
        raise ImportFailed(f'labels are {", ".join(labels)}, expected {", ".join(LABELS)} in the '
                           "model's order")
    entries, side = _entries(Path(architecture))
    stored = _stored(Path(weights))
    # A training in this process may have left bfloat16, which reads these weights too coarsely.
    keras.mixed_precision.set_global_policy('float32')
    inputs = keras.Input((side, side, 1), name='image')
    x = inputs if scale == 1 else layers.Rescaling(scale)(inputs)
    last = max(i for i, entry in enumerate(entries) if entry['class_name'] == 'Dense')
    for i, entry in enumerate(entries):
        config = dict(entry['config'])
        if i >= last:
            # The node applies the softmax itself, with its temperature.
            if config.get('activation') not in ('softmax', 'linear'):
                raise ImportFailed(f'{architecture}: it ends with {entry["class_name"]} and '
                                   f'{config.get("activation")!r}, expected a softmax')
            config['activation'] = 'linear'
            if i > last:
                continue
        layer = _layer(architecture, entry['class_name'], config)
        x = layer(x)
        try:
            layer.set_weights(stored.get(config['name'], []))
        except ValueError as error:
            raise ImportFailed(f'{weights}: the weights of layer {config["name"]} do not fit '
                               f'{architecture} ({error})') from error
    if x.shape[1:] != (len(LABELS),):
        raise ImportFailed(f'{architecture}: {x.shape[1:]} outputs, expected {len(LABELS)}')
    order = [labels.index(name) for name in LABELS]
    head = layers.Dense(len(LABELS), name='fer2013', dtype='float32')
    model = keras.Model(inputs, {'fer2013': head(layer.input)}, name='imported')
    values = layer.get_weights()
    bias = values[1] if len(values) > 1 else np.zeros(len(LABELS), np.float32)
    head.set_weights([values[0][:, order], bias[order]])
    return model


def _entries(path: Path) -> tuple[list[dict], int]:
    """Return the layers without the input, and the input's side."""
    try:
        values = json.loads(path.read_text())
        config = values['config']
        entries = config['layers'] if isinstance(config, dict) else config
        shapes = [entry['config'].get('batch_input_shape') or entry['config'].get('batch_shape')
                  for entry in entries]
        names = [entry['class_name'] for entry in entries]
    except OSError as error:
        raise ImportFailed(f'{path}: {error.strerror}') from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImportFailed(f'{path}: not the JSON of a Keras 2 model ({error!r})') from error
    shape = next((shape for shape in shapes if shape), None)
    if shape is None or len(shape) != 4 or shape[3] != 1 or shape[1] != shape[2]:
        raise ImportFailed(f'{path}: input of shape {shape}, expected a square grayscale image '
                           '(None, side, side, 1)')
    unknown = set(names) - set(_KEPT) - {'InputLayer'}
    if unknown:
        raise ImportFailed(f'{path}: layers of type {", ".join(sorted(unknown))} are not '
                           f'supported; known are {", ".join(_KEPT)}')
    for entry in entries:
        inbound = entry.get('inbound_nodes') or []
        if len(inbound) > 1 or (inbound and len(inbound[0]) != 1):
            raise ImportFailed(f'{path}: layer {entry["config"]["name"]} has several inputs; '
                               'only a chain of layers can be imported')
    if 'Dense' not in names:
        raise ImportFailed(f'{path}: no Dense layer, expected a classifier')
    return [entry for entry in entries if entry['class_name'] != 'InputLayer'], shape[1]


def _layer(path: Path, class_name: str, config: dict) -> layers.Layer:
    kind, keys = _KEPT[class_name]
    if config.get('data_format', 'channels_last') != 'channels_last':
        raise ImportFailed(f'{path}: layer {config["name"]} is channels_first; only '
                           'channels_last can be imported')
    kept = {key: config[key] for key in keys if key in config}
    if class_name == 'BatchNormalization' and config.get('axis') not in (None, -1, 3, 1, [3], [1]):
        raise ImportFailed(f'{path}: layer {config["name"]} normalizes axis {config["axis"]}')
    if class_name == 'LeakyReLU':
        kept['negative_slope'] = float(np.asarray(config.get('alpha', 0.3)))
    return kind(name=config['name'], **kept)


def _stored(path: Path) -> dict[str, list[np.ndarray]]:
    """Return the weights by layer, in their stored order."""
    try:
        with h5py.File(path) as file:
            root = file['model_weights'] if 'model_weights' in file else file
            stored = {}
            for layer_name in root.attrs['layer_names']:
                group = root[layer_name]
                stored[_text(layer_name)] = [np.array(group[name])
                                             for name in group.attrs['weight_names']]
            return stored
    except FileNotFoundError as error:
        raise ImportFailed(f'{path}: no such file') from error
    except (OSError, KeyError) as error:
        raise ImportFailed(f'{path}: not the HDF5 weights of a Keras 2 model ({error})') from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

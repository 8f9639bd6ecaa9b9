# SPDX-License-Identifier: Apache-2.0
"""Small networks as somebody else might have them, with metadata; needs the package onnx."""

import numpy as np
import onnx
from onnx import helper, numpy_helper
import yaml

#: AffectNet's order and words.
LABELS = ['Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger', 'Contempt']
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

#: What a picture that is all of one color (blue, green, red) shows, by the weights below.
READS = {(0, 0, 255): 'happy', (0, 255, 0): 'sad', (255, 0, 0): 'angry'}


def weights(seed=1):
    """Return kernel ``(3, 8)`` and bias ``(8,)``: red is happy, green sad, blue angry."""
    kernel = np.random.default_rng(seed).normal(0, 0.05, (3, 8)).astype(np.float32)
    for channel, label in enumerate(('Happy', 'Sad', 'Anger')):     # red, green, blue
        kernel[channel, LABELS.index(label)] = 1.0
    return kernel, np.linspace(-0.1, 0.1, 8).astype(np.float32)


def build(side=64, *, softmax=False, batch='n', nan_above=None, names=''):
    """
    Return the bytes of an ONNX file that takes ``(batch, 3, side, side)`` and reads its colors.

    :param nan_above: the answer is not a number where a picture's mean input is above this.
    :param names: what the file says of its classes.
    """
    kernel, bias = weights()
    affect = np.array([[0.5, 0.1], [-0.5, -0.2], [0.0, 0.3]], np.float32)
    nodes = [
        helper.make_node('GlobalAveragePool', ['pixels'], ['pooled']),
        helper.make_node('Flatten', ['pooled'], ['colors']),
        helper.make_node('Gemm', ['colors', 'kernel', 'bias'], ['scores']),
        helper.make_node('Gemm', ['colors', 'affect'], ['turned']),
        helper.make_node('Tanh', ['turned'], ['valence_arousal'])]
    constants = {'kernel': kernel, 'bias': bias, 'affect': affect}
    last = 'scores'
    if nan_above is not None:
        # sqrt(limit - mean) is no number above the limit; times zero it is nothing below.
        constants |= {'limit': np.float32(nan_above), 'zero': np.float32(0),
                      'axes': np.array([1], np.int64)}
        nodes += [helper.make_node('ReduceMean', ['colors', 'axes'], ['mean'], keepdims=1),
                  helper.make_node('Sub', ['limit', 'mean'], ['left']),
                  helper.make_node('Sqrt', ['left'], ['root']),
                  helper.make_node('Mul', ['root', 'zero'], ['nothing']),
                  helper.make_node('Add', ['scores', 'nothing'], ['spoiled'])]
        last = 'spoiled'
    nodes.append(helper.make_node('Softmax', [last], ['emotion'], axis=1) if softmax
                 else helper.make_node('Identity', [last], ['emotion']))
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, 'foreign', [helper.make_tensor_value_info('pixels', kind, [batch, 3, side, side])],
        [helper.make_tensor_value_info('emotion', kind, [batch, 8]),
         helper.make_tensor_value_info('valence_arousal', kind, [batch, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    if names:
        helper.set_model_props(model, {'names': names})
    onnx.checker.check_model(model)
    return model.SerializeToString()


def metadata(side=64, *, softmax=False, affect=True):
    """Return the metadata of such a file."""
    values = {
        'format': 1, 'name': 'foreign',
        'input': {'side_px': side, 'color': 'rgb', 'layout': 'NCHW', 'range': [0, 1],
                  'mean': MEAN, 'std': STD},
        'label_sets': {'affectnet': {'output': 'emotion', 'labels': LABELS,
                                     'activation': 'softmax' if softmax else 'logits'}}}
    if affect:
        for i, name in enumerate(('valence', 'arousal')):
            values[name] = {'output': 'valence_arousal', 'index': i}
    return values


def write(folder, content=None, values=None, **options):
    """Write a file and its metadata; return the file's path."""
    path = folder / 'foreign.onnx'
    path.write_bytes(build(**options) if content is None else content)
    kept = {key: options[key] for key in ('side', 'softmax') if key in options}
    path.with_suffix('.yaml').write_text(yaml.safe_dump(values or metadata(**kept)))
    return path


def expected(crops):
    """Return the probabilities of the eight labels by NumPy, for BGR crops ``(n, s, s, 3)``."""
    kernel, bias = weights()
    rgb = crops[..., ::-1].mean(axis=(1, 2)) / 255
    scores = ((rgb - MEAN) / STD) @ kernel + bias
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

# SPDX-License-Identifier: Apache-2.0
"""Draft the metadata of a third-party model from its file."""

from collections.abc import Iterator
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
import yaml

from .classifier import are_probabilities, probe_crops
from .fields import UNKNOWN
from .input_format import InputFormat
from .label_mapping import emotion_of
from .metadata import METADATA_FORMAT, MODEL_SUFFIXES
from .runtimes import Acceleration, load, ModelFailure, Runtime

#: Keys under which exporters store class names in an ONNX file.
_NAME_KEYS = ('names', 'labels', 'classes', 'class_names', 'id2label')
#: Output widths that may be emotion classes.
_CLASSES = range(4, 27)


def draft(path: Path) -> str:
    """
    Return the text of a metadata file in YAML; :data:`UNKNOWN` where the file has no value.

    :raises ConfigurationError: when the file is not a model with one image as input.
    """
    if path.suffix not in MODEL_SUFFIXES:
        raise ConfigurationError(f'model {path}: expected a file that ends in '
                                 f'{", ".join(MODEL_SUFFIXES)}')
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f'model {path}: cannot be read ({error.strerror})') from error
    runtime = load(path, content, Acceleration())
    side, channels, layout = _layout(path, runtime)
    classes, others = _outputs(path, runtime)
    lines = [
        f'# Draft by fer-model describe. Replace each {UNKNOWN} and check the rest: the fields '
        'are explained',
        '# in docs/models.md, and the values are in the code that trained or feeds the network.',
        f'format: {METADATA_FORMAT}',
        f'name: {_quoted(path.stem)}',
        f'sha256: {hashlib.sha256(content).hexdigest()}',
        'input:',
        f'  side_px: {side or _quoted(UNKNOWN)}',
        f'  color: {"gray" if channels == 1 else _quoted(UNKNOWN)}'
        f'{"" if channels == 1 else "  # rgb or bgr: the order of the channels"}',
        f'  layout: {layout or _quoted(UNKNOWN)}'
        f'{"" if layout else "  # NHWC or NCHW"}',
        '  # A value is (pixel - mean) / std, after black and white are scaled to range. Usual '
        'values:',
        '  # [0, 255], 0, 1 (scaled inside the model); [0, 1], 0, 1; [-1, 1], 0, 1; and in color',
        '  # [0, 1], [0.485, 0.456, 0.406], [0.229, 0.224, 0.225] (ImageNet).',
        *(f'  {name}: {_quoted(UNKNOWN)}' for name in ('range', 'mean', 'std')),
        'label_sets:']
    for name, width in classes.items():
        lines += _label_set(name, width, _names(runtime, width),
                            _activation(runtime, name, side, channels, layout))
    if others:
        lines += ['# Further outputs: '
                  + ', '.join(f'{name} ({width} numbers)' for name, width in others.items())
                  + '. If these are', '# valence and arousal:']
        name, width = next(iter(others.items()))
        for i, scalar in enumerate(('valence', 'arousal')):
            lines.append(f'# {scalar}: {{output: {_quoted(name)}, index: '
                         f'{i if (width or 2) > 1 else 0}, range: [-1, 1]}}')
    return '\n'.join(lines) + '\n'


def unknown_fields(text: str) -> list[str]:
    """Return the full names of the fields that a draft leaves to fill in."""
    def walk(value: Any, place: str) -> Iterator[str]:
        if isinstance(value, dict):
            for key, part in value.items():
                yield from walk(part, f'{place}.{key}' if place else str(key))
        elif value == UNKNOWN or isinstance(value, list) and UNKNOWN in value:
            yield place
    return list(walk(yaml.safe_load(text), ''))


def _layout(path: Path, runtime: Runtime) -> tuple[int | None, int, str]:
    """Return side (None: open), channels and layout ('': either) of the input."""
    shape = runtime.input_shape
    if not shape:
        raise ConfigurationError(f'model {path}: OpenCV does not report the input of a file; '
                                 'install onnxruntime (pip install onnxruntime)')
    found = [] if len(shape) != 4 else [
        (layout, channels, sides) for layout, channels, sides in (
            ('NCHW', shape[1], shape[2:]), ('NHWC', shape[3], shape[1:3])) if channels in (1, 3)]
    if not found:
        raise ConfigurationError(f'model {path}: its input is {shape}, expected one image: '
                                 '(batch, height, width, channels) or (batch, channels, height, '
                                 'width) with 1 or 3 channels')
    layout, channels, sides = found[0]
    if len(set(sides) - {None}) > 1:
        raise ConfigurationError(f'model {path}: it takes {sides[1]}x{sides[0]} pixels, but the '
                                 'crops of faces are square')
    side = next((size for size in sides if size), None)
    return side, channels, layout if len(found) == 1 else ''


def _outputs(path: Path, runtime: Runtime) -> tuple[dict[str, int], dict[str, int | None]]:
    widths = {name: math.prod(shape[1:]) if None not in shape[1:] and len(shape) > 1 else None
              for name, shape in runtime.output_shapes.items()}
    classes = {name: width for name, width in widths.items() if width in _CLASSES}
    if not classes:
        raise ConfigurationError(f'model {path}: none of its outputs {widths} has the numbers of '
                                 f'{_CLASSES[0]} to {_CLASSES[-1]} classes')
    return classes, {name: width for name, width in widths.items() if name not in classes}


def _activation(runtime: Runtime, output: str, side: int | None, channels: int,
                layout: str) -> str:
    form = InputFormat(side or 64, 'gray' if channels == 1 else 'rgb', layout or 'NCHW',
                       (0.0, 1.0))
    try:
        values = [runtime.run(form.blob(crop[None]), [output])[0].reshape(1, -1)
                  for crop in probe_crops(form)]
    except ModelFailure:
        return f'{_quoted(UNKNOWN)}  # logits or softmax'
    return 'softmax' if all(map(are_probabilities, values)) else 'logits'


def _label_set(output: str, width: int, names: list[str], activation: str) -> list[str]:
    lines = [f'  {_quoted(output)}:',
             f'    output: {_quoted(output)}',
             f'    activation: {activation}']
    if not names:
        lines += [f'    # The {width} classes in the order of the network. Ours are:',
                  f'    # {", ".join(LABELS)}.',
                  f'    labels: {_flow([UNKNOWN] * width)}']
    else:
        lines.append(f'    labels: {_flow(names)}')
        strange = [name for name in names if emotion_of(name) is None]
        if strange:
            lines += ['    # Which of ours each means, or null to skip it:',
                      '    map:', *(f'      {_quoted(name)}: null' for name in strange)]
    return lines


def _names(runtime: Runtime, width: int) -> list[str]:
    """Return the class names stored in the file, or an empty list."""
    for key in _NAME_KEYS:
        try:
            names = yaml.safe_load(runtime.metadata.get(key, ''))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(names, str):
            names = [part.strip() for part in names.split(',')]
        if isinstance(names, dict):
            names = list(names.values())
        if isinstance(names, list) and len(names) == width and \
                all(isinstance(name, str) for name in names) and len(set(names)) == width:
            return names
    return []


def _quoted(text: str) -> str:
    return json.dumps(text)


def _flow(items: list[str]) -> str:
    return f'[{", ".join(map(_quoted, items))}]'

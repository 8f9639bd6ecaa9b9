# SPDX-License-Identifier: Apache-2.0
"""Load the metadata of a weights file: a file with the same stem beside it.

docs/models.md describes every field. Invalid values are refused by the field's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
import os
from pathlib import Path
import re
from typing import Any

from fer_ros.errors import ConfigurationError

from .fields import Fields, read_file, SUFFIXES
from .input_format import InputFormat, read_input
from .outputs import LabelSet, read_label_set, read_scalar, Scalar

MODEL_DIR = Path(__file__).parents[2] / 'models'

#: The weights used when no path is given.
DEFAULT_MODEL = 'fernet_int8.tflite'
#: The variant that a network's name without a variant means.
DEFAULT_VARIANT = 'int8'

METADATA_FORMAT = 1

#: Suffixes of weights; each has a runtime in :mod:`.runtimes`.
MODEL_SUFFIXES = ('.tflite', '.onnx', '.keras')

_KEYS = ('format', 'name', 'sha256', 'input', 'label_sets', 'default_label_set', 'valence',
         'arousal', 'together_with')


@dataclass(frozen=True)
class Companion:
    """A further weights file whose outputs are averaged with those of the network.

    :ivar file: its name, without a folder.
    :ivar sha256: hexadecimal checksum of it.
    """

    file: str
    sha256: str


@dataclass(frozen=True)
class ModelMetadata:
    """The metadata of a weights file.

    :ivar path: the weights.
    :ivar source: the metadata file.
    :ivar sha256: hexadecimal checksum of the weights; empty: not checked.
    :ivar label_sets: label sets by name.
    :ivar valence: which output is the valence, or None; ``arousal`` likewise.
    :ivar together_with: its companion, or None.
    :ivar values: the parsed file (data, recipe, results).
    """

    path: Path
    source: Path
    name: str
    sha256: str
    input: InputFormat
    label_sets: dict[str, LabelSet]
    default_label_set: str
    valence: Scalar | None
    arousal: Scalar | None
    together_with: Companion | None
    values: dict[str, Any] = field(repr=False)

    @property
    def input_side_px(self) -> int:
        """The side of the crops, pixels."""
        return self.input.side_px

    def notes(self, label_set: str) -> Iterator[str]:
        """Yield what a user should know about the labels of a set, one line each."""
        entry = self.label_sets[label_set]
        if entry.missing:
            yield (f'model {self.name} does not have {", ".join(entry.missing)}: never published '
                   f'with the labels {label_set}')
        if any(word.lower() != 'contempt' for word in entry.further):
            yield (f'model {self.name} also has {", ".join(entry.further)}: skipped, the '
                   'other probabilities are scaled to sum to 1')


def find_model(model_path: str | os.PathLike = '') -> Path:
    """Return the weights file for a path, the name of a shipped model, or '' (the default).

    :param model_path: the name may be a network's ('fernet') or a file's ('fernet_float16').
    :raises ConfigurationError: when there is no such file.
    """
    name = os.fspath(model_path)
    if not name:
        path = MODEL_DIR / DEFAULT_MODEL
    else:
        path = Path(name).expanduser()
        if not path.is_file() and path.name == name:
            shipped = [MODEL_DIR / (name if path.suffix else f'{stem}.tflite')
                       for stem in (name, f'{name}_{DEFAULT_VARIANT}')]
            path = next((file for file in shipped if file.is_file()), path)
    if not path.is_file():
        names = ', '.join(sorted(p.stem for p in MODEL_DIR.glob('*.tflite'))) or 'none'
        raise ConfigurationError(
            f'model {path}: no such file; give the path of a .tflite, .onnx or .keras model with '
            f'its metadata beside it, or the name of a shipped one ({names})')
    if path.suffix not in MODEL_SUFFIXES:
        raise ConfigurationError(f'model {path}: expected a file that ends in '
                                 f'{", ".join(MODEL_SUFFIXES)}')
    return path


def find_metadata(path: Path) -> Path:
    """Return the metadata file beside a weights file.

    :raises ConfigurationError: when there is none, or more than one.
    """
    found = [path.with_suffix(suffix) for suffix in SUFFIXES
             if path.with_suffix(suffix).is_file()]
    if not found:
        raise ConfigurationError(
            f'model {path}: its metadata {path.stem}.json or {path.stem}.yaml is missing; '
            f'"fer-model describe {path}" writes a draft, "fer-train export" writes both files')
    if len(found) > 1:
        raise ConfigurationError(f'model {path}: both {found[0].name} and {found[1].name} are '
                                 'beside it: keep one')
    return found[0]


def load_metadata(path: str | os.PathLike = '') -> ModelMetadata:
    """Read and check the metadata beside a weights file.

    :param path: as for :func:`find_model`.
    :raises ConfigurationError: when the file is missing or malformed, or its labels match none of
        this package's emotions; the message names the field.
    """
    path = find_model(path)
    source = find_metadata(path)
    fields = Fields(read_file(source), source)
    if fields.get('format') != METADATA_FORMAT:
        raise fields.error('format', fields.get('format'), str(METADATA_FORMAT))
    fields.refuse_unknown(_KEYS, similar_only=True)
    form = read_input(fields.part('input'))
    label_sets = {name: read_label_set(part) for name, part in fields.parts('label_sets')}
    if not label_sets:
        raise fields.error('label_sets', {}, 'at least one')
    return ModelMetadata(
        path, source, fields.text('name', path.stem),
        fields.text('sha256', '') and _sha256(fields), form, label_sets,
        fields.text('default_label_set', next(iter(label_sets)), tuple(label_sets)),
        *(read_scalar(fields.part(name)) if name in fields else None
          for name in ('valence', 'arousal')),
        _companion(fields.part('together_with')) if 'together_with' in fields else None,
        fields.values)


def _sha256(fields: Fields) -> str:
    sha256 = fields.text('sha256').lower()
    if not re.fullmatch('[0-9a-f]{64}', sha256):
        raise fields.error('sha256', sha256, '64 hexadecimal digits')
    return sha256


def _companion(fields: Fields) -> Companion:
    fields.refuse_unknown(('file', 'sha256'))
    file = fields.text('file')
    if Path(file).name != file or Path(file).suffix not in MODEL_SUFFIXES:
        raise fields.error('file', file, 'the name, without a folder, of a file that ends in '
                           f'{", ".join(MODEL_SUFFIXES)}')
    return Companion(file, _sha256(fields))

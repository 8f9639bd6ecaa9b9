# SPDX-License-Identifier: Apache-2.0
"""Read a metadata file field by field; every error names the file and the field."""

from collections.abc import Iterator
from difflib import get_close_matches
import json
import math
from pathlib import Path
import reprlib
from typing import Any

from fer_ros.errors import ConfigurationError
import yaml

#: Suffixes of the metadata file beside the weights; the first existing one is read.
SUFFIXES = ('.json', '.yaml', '.yml')
#: Placeholder in a draft for what only the model's author knows.
UNKNOWN = '?'
_LARGEST_BYTES = 1 << 20
_REQUIRED = object()


def read_file(path: Path) -> Any:
    """Return the content of a JSON or YAML file.

    :raises ConfigurationError: when it cannot be read or parsed, whatever it contains.
    """
    try:
        with path.open('rb') as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read ({error.strerror})') from error
    if len(content) > _LARGEST_BYTES:
        raise ConfigurationError(f'{path}: larger than {_LARGEST_BYTES >> 20} MiB: not the '
                                 'metadata of a model')
    kind = 'JSON' if path.suffix == '.json' else 'YAML'
    try:
        text = content.decode()
        return json.loads(text) if kind == 'JSON' else yaml.safe_load(text)
    except RecursionError as error:
        raise ConfigurationError(f'{path}: not a {kind} file of metadata (nested too '
                                 'deeply)') from error
    except (ValueError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise ConfigurationError(f'{path}: not a {kind} file ({reason})') from error


class Fields:
    """
    A mapping in a metadata file, with type-checked access.

    :param where: the mapping's path in the file, such as 'input'; empty for the whole file.
    """

    def __init__(self, values: Any, source: Path, where: str = ''):
        self._source = source
        self._where = where
        if not isinstance(values, dict):
            raise self.error('', values, 'a mapping')
        self.values = values

    def error(self, name: str, value: Any, expected: str) -> ConfigurationError:
        """Return the error for a field's value."""
        place = self.place(name) or 'the content'
        hint = ': fill it in' if value == UNKNOWN else ''
        return ConfigurationError(f'{self._source}: {place} is {reprlib.repr(value)}{hint}, '
                                  f'expected {expected}')

    def place(self, name: str) -> str:
        """Return a field's full name."""
        return '.'.join(filter(None, (self._where, name)))

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def get(self, name: str, default: Any = _REQUIRED) -> Any:
        """Return a value unchanged; null counts as absent."""
        value = self.values.get(name)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise ConfigurationError(f'{self._source}: the key {self.place(name)!r} is missing')
        return default

    def text(self, name: str, default: Any = _REQUIRED, choices: tuple[str, ...] = ()) -> str:
        """Return a string, one of the choices if given."""
        value = self.get(name, default)
        if not isinstance(value, str) or value == UNKNOWN or choices and value not in choices:
            raise self.error(name, value, f'one of {", ".join(choices)}' if choices
                             else 'a text')
        return value

    def number(self, name: str, default: Any = _REQUIRED, *, low: float = -math.inf,
               high: float = math.inf, above: float = -math.inf) -> float:
        """Return a finite number from ``low`` to ``high`` and more than ``above``."""
        value = self.get(name, default)
        limits = ''
        if above > -math.inf:
            limits = f' more than {above:g}'
        elif low > -math.inf or high < math.inf:
            limits = f' {low:g} to {high:g}'
        if not is_number(value) or not low <= value <= high or not value > above:
            raise self.error(name, value, f'a finite number{limits}')
        return float(value)

    def whole(self, name: str, default: Any = _REQUIRED, *, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(name, value, f'a whole number {low} to {high}')
        return value

    def numbers(self, name: str, counts: tuple[int, ...], default: Any = _REQUIRED
                ) -> tuple[float, ...]:
        """Return a list of finite numbers of one of these lengths; a number is a list of one."""
        value = self.get(name, default)
        items = value if isinstance(value, (list, tuple)) else [value]
        if len(items) not in counts or not all(is_number(item) for item in items):
            raise self.error(name, value, f'{" or ".join(map(str, counts))} finite '
                             f'number{"s" if max(counts) > 1 else ""}')
        return tuple(map(float, items))

    def part(self, name: str, default: Any = _REQUIRED) -> 'Fields':
        """Return a mapping inside this one."""
        return Fields(self.get(name, default), self._source, self.place(name))

    def parts(self, name: str) -> Iterator[tuple[str, 'Fields']]:
        """Yield the mappings of a mapping, with their names."""
        part = self.part(name)
        for key in part.values:
            if not isinstance(key, str):
                raise part.error('', key, 'names that are strings')
            yield key, part.part(key)

    def refuse_unknown(self, known: tuple[str, ...], *, similar_only: bool = False) -> None:
        """Refuse unknown keys, or only those that look like typos of known ones."""
        for key in self.values:
            if key in known:
                continue
            similar = get_close_matches(str(key), known, 1, 0.85)
            if similar or not similar_only:
                meant = f'did you mean {similar[0]}?' if similar else f'known: {", ".join(known)}'
                raise ConfigurationError(f'{self._source}: unknown key '
                                         f'{self.place(reprlib.repr(key))}; {meant}')


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number (true and false are not)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:   # an integer beyond the range of a float
        return False

# SPDX-License-Identifier: Apache-2.0
"""Convert schema errors of a policy to messages with file, line and key."""

from collections.abc import Callable, Iterable
import re

from fer_ros.errors import ConfigurationError
from fer_ros.home.devices import TARGET_TYPES
from fer_ros.home.policy.syntax import field_name
from pydantic import ValidationError

#: A fault: its path of keys and indices, and the message.
Fault = tuple[tuple, str]

#: Maximum number of reported faults.
_MAXIMUM = 20
_LONGEST = 200
_SECRET = re.compile(r'pass|secret|token|credential', re.IGNORECASE)
#: A validator's message that requires the value as its subject.
_NEEDS_SUBJECT = re.compile(r'(is|has|contains|uses|ends|starts) ')


def _bound(words: str, key: str) -> Callable[[dict], str]:
    return lambda ctx: f'{words} {ctx[key]:g}'


def _count(words: str, key: str, what: str) -> Callable[[dict], str]:
    return lambda ctx: f'{words} {ctx[key]} {what}'


#: By the library's name of an error, or the beginning of it: what was expected.
_EXPECTED: dict[str, str | Callable[[dict], str]] = {
    'literal_error': lambda ctx: ctx['expected'],
    'enum': lambda ctx: ctx['expected'],
    'string_pattern_mismatch': lambda ctx: f'a text of the form {ctx["pattern"]}',
    'string_too_short': _count('at least', 'min_length', 'characters'),
    'string_too_long': _count('at most', 'max_length', 'characters'),
    'string': 'a text',
    'int': 'a whole number',
    'float': 'a number',
    'finite_number': 'a finite number',
    'decimal': 'a number',
    'bool': 'true or false',
    'greater_than_equal': _bound('at least', 'ge'),
    'greater_than': _bound('more than', 'gt'),
    'less_than_equal': _bound('at most', 'le'),
    'less_than': _bound('less than', 'lt'),
    'multiple_of': _bound('a multiple of', 'multiple_of'),
    'too_short': _count('at least', 'min_length', 'of them'),
    'too_long': _count('at most', 'max_length', 'of them'),
    'dict': 'a mapping (key: value)',
    'model': 'a mapping (key: value)',
    'tuple': 'a list ([a, b])',
    'list': 'a list ([a, b])',
    'set': 'a list ([a, b])',
    'frozen_set': 'a list ([a, b])',
    'date': 'a date or time',
    'time': 'a time of day',
}
_TYPES = ', '.join(kind.name for kind in TARGET_TYPES)


def faults_of(error: ValidationError, lines: dict) -> list[Fault]:
    """Return the faults that the schema has found.

    :param lines: the line of every path that the file holds.
    """
    items = error.errors(include_url=False)
    # A list whose entries are wrong is not too short as well.
    return [_fault(item, lines) for item in items if item['type'] != 'too_short' or not any(
        other is not item and other['loc'][:len(item['loc'])] == item['loc'] for other in items)]


def refusal(faults: Iterable[Fault], lines: dict, name: str) -> ConfigurationError:
    """Return an error with one line per fault: file, line, field and what to do."""
    located = sorted({(_line(path, lines), field_name(path), message)
                      for path, message in faults})
    texts = [f'{name}:{line}: {field + ": " if field else ""}{message}'
            for line, field, message in located[:_MAXIMUM]]
    if len(located) > _MAXIMUM:
        texts.append(f'{name}:{located[_MAXIMUM][0]}: and {len(located) - _MAXIMUM} more faults '
                    'from here on')
    return ConfigurationError('\n'.join(texts))


def show(value: object) -> str:
    """Return a value in the policy's syntax, or an empty string if it is too large."""
    if value is None:
        return 'null'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (int, float)):
        return str(value)[:40]
    if isinstance(value, str) and '@' not in value:
        return repr(value if len(value) <= 60 else value[:57] + '...')
    # A text with an @ may contain a password.
    return ''


def _fault(item: dict, lines: dict) -> Fault:
    # The library adds the tag of a union's member to the path; only the file's keys count.
    path: tuple = ()
    rest = list(item['loc'])
    while rest:
        step = rest.pop(0)
        step = step if isinstance(step, int) else str(step)
        if (*path, step) in lines or (not rest and item['type'] == 'missing'):
            path = (*path, step)
    secret = any(isinstance(step, str) and _SECRET.search(step) for step in path)
    given = '' if secret else show(item.get('input'))
    return path, _message(item['type'], item.get('ctx', {}), given, secret)[:_LONGEST * 3]


def _message(kind: str, ctx: dict, given: str, secret: bool) -> str:
    if kind == 'missing':
        return 'is missing'
    if kind == 'extra_forbidden':
        return 'unknown key'
    if kind in ('value_error', 'assertion_error'):
        text = str(ctx['error'])
        return f'{given or "the value"} {text}' if _NEEDS_SUBJECT.match(text) else text
    if kind == 'union_tag_not_found':
        return f'type is missing: expected one of {_TYPES}'
    if kind == 'union_tag_invalid':
        return f'unknown type {show(str(ctx["tag"]))}: expected one of {_TYPES}'
    if secret and kind.startswith(('model', 'dict')):
        return ('a secret is never written into the policy: expected {env: VARIABLE} or '
                '{file: PATH}')
    if kind.startswith(('model', 'dict')):
        given = ''
    expected = next((words for name, words in _EXPECTED.items() if kind == name), None) or next(
        (words for name, words in _EXPECTED.items() if kind.startswith(name + '_')),
        'something else')
    expected = expected if isinstance(expected, str) else expected(ctx)
    return f'{given}: expected {expected}' if given else f'expected {expected}'


def _line(path: tuple, lines: dict) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]

# SPDX-License-Identifier: Apache-2.0
"""Parse YAML with the scalars of YAML 1.2 and the line of every value.

PyYAML reads YAML 1.1, in which ``off`` is false and ``22:30`` is the number 1350. A policy has
strategies named off and times of day, so scalars are read by the rules of YAML 1.2's core schema.
The parser's events are read one by one: no nesting or repetition costs more than the text's size.
"""

import re

import yaml

#: The C parser takes a twentieth of the time; not every build has it.
_PARSER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_MAXIMUM_CHARACTERS = 1_000_000
#: Maximum depth, and number of keys and values, of a policy.
_MAXIMUM_DEPTH = 20
_MAXIMUM_VALUES = 12_000
#: Maximum number of digits, within the range of every number type.
_MAXIMUM_DIGITS = 18
#: Unprintable and surrogate characters, which cannot be written to a file or log.
_UNREADABLE = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]')
_NULL = re.compile(r'~|null|Null|NULL')
_BOOL = re.compile(r'true|True|TRUE|false|False|FALSE')
_INT = re.compile(r'[-+]?[0-9]+')
_FLOAT = re.compile(r'[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?'
                    r'|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)')
#: A key with a color that YAML parses as a comment.
_COMMENT_COLOR = re.compile(r'(\w+):[ \t]+(#[0-9a-fA-F]{3,8})\b')
_KEY = re.compile(r'[\w#][\w .#-]{0,39}')


class PolicySyntaxError(ValueError):
    """The text is not YAML, or uses syntax that a policy does not allow.

    :ivar line: line of the error, from 1.
    """

    def __init__(self, message: str, line: int, path: tuple = ()):
        super().__init__(message)
        self.line, self.field = line, field_name(path)


def field_name(path: tuple) -> str:
    """Return a path of keys and indices as a message shows it; no key is quoted at length.

    A step that does not look like a key is hidden, since the file may not be a policy.
    """
    return '.'.join(str(step) if isinstance(step, int) or _KEY.fullmatch(step) else '(a key)'
                    for step in path)


def load(text: str) -> tuple[object, dict[tuple, int]]:
    """Return the data and the line (from 1) of each path of keys and indices in it.

    :raises PolicySyntaxError: for text that is not YAML, and for syntax that a policy does not
        allow: duplicate keys, aliases, tags, several documents, keys without a value.
    """
    if len(text) > _MAXIMUM_CHARACTERS:
        raise PolicySyntaxError(f'the file has {len(text)} characters: not a policy', 1)
    unreadable = _UNREADABLE.search(text)
    if unreadable is not None:
        raise PolicySyntaxError(
            f'the character U+{ord(unreadable.group()):04X} is not text: remove it',
            text.count('\n', 0, unreadable.start()) + 1)
    reader = _Reader(text)
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            reader.take(event)
    except yaml.YAMLError as error:
        raise reader.not_yaml(error) from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, PolicySyntaxError):
            raise
        # The parser in Python lets its own conversions fail: an escape beyond Unicode, a version
        # of 5000 digits.
        raise PolicySyntaxError('not YAML: an escape or a number that cannot be read',
                                reader.line) from error
    return reader.data, reader.lines


class _Reader:
    """Builds the data from events."""

    def __init__(self, text: str):
        self._text = text
        self._source: list[str] | None = None
        self.data = None
        self.lines: dict[tuple, int] = {(): 1}
        self.line = 1
        self._documents = 0
        #: The open mappings and sequences, and the position of the next value.
        self._open: list[dict | list] = []
        self._path: list = []

    def take(self, event) -> None:
        """Take the next event."""
        self.line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._check(event)
            if len(self._open) >= _MAXIMUM_DEPTH:
                raise self._fault(f'nested more than {_MAXIMUM_DEPTH} deep: not a policy')
            inside: dict | list = {} if isinstance(event, yaml.MappingStartEvent) else []
            if self._key_is_due:
                raise self._fault('a key must be a word')
            self._add(inside)
            self._open.append(inside)
            self._path.append(None if isinstance(inside, dict) else 0)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._path.pop()
            self._added()
        elif isinstance(event, yaml.AliasEvent):
            raise self._fault('anchors and aliases (& and *) are not allowed')
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._fault('a second document starts (---): a policy has only one')

    def not_yaml(self, error: yaml.YAMLError) -> PolicySyntaxError:
        """Return the parser's error as our own."""
        mark = getattr(error, 'problem_mark', None) or getattr(error, 'context_mark', None)
        # One parser counts the end of the text as a separate line.
        line = min(mark.line + 1 if mark else self.line, max(1, len(self._lines)))
        # In braces the comment swallows the end, which is then missing somewhere below.
        begin = getattr(error, 'context_mark', None)
        first = begin.line if begin else max(0, line - 2)
        for number in range(first, min(line, first + 1000)):
            color = _COMMENT_COLOR.search(self._line(number + 1))
            if color:
                path = self._here if self._here[-1:] == (color.group(1),) else (
                    *self._here, color.group(1))
                return PolicySyntaxError(f'not YAML: {_comment(color.group(2))}', number + 1,
                                         path)
        problem = getattr(error, 'problem', None) or 'it cannot be read'
        return PolicySyntaxError(f'not YAML: {_plain(problem)}', line)

    @property
    def _here(self) -> tuple:
        return tuple(step for step in self._path if step is not None)

    @property
    def _key_is_due(self) -> bool:
        return bool(self._path) and self._path[-1] is None

    def _fault(self, message: str, line: int = 0) -> PolicySyntaxError:
        return PolicySyntaxError(message, line or self.line, self._here)

    def _check(self, event) -> None:
        if event.anchor is not None:
            raise self._fault('anchors and aliases (& and *) are not allowed')
        # A quoted text may have an implicit tag !.
        if event.tag is not None and event.tag != '!':
            raise self._fault('tags (!) are not allowed: write only the value')
        if len(self.lines) > _MAXIMUM_VALUES:
            raise self._fault(f'more than {_MAXIMUM_VALUES} keys and values: not a policy')

    def _scalar(self, event) -> None:
        self._check(event)
        text = event.value
        if _UNREADABLE.search(text):
            raise self._fault('contains an escape for a character that is not text')
        if self._key_is_due:
            inside = self._open[-1]
            if text in inside:
                raise self._fault(f'{field_name((text,))!r} is listed twice')
            # A key such as 1 or true is still a name.
            inside[text] = None
            self._path[-1] = text
            self.lines[self._here] = self.line
            return
        self._add(self._value(text) if event.implicit[0] else text)
        self._added()

    def _value(self, text: str) -> object:
        """Return the value of an unquoted scalar."""
        if not text:
            rest = self._line(self.line).partition('#')
            color = _COMMENT_COLOR.search(self._line(self.line))
            if color:
                raise self._fault(_comment(color.group(2)))
            comment = ' (what follows # is a comment)' if rest[1] else ''
            if not self._path:
                return None
            raise self._fault(f'has no value{comment}: write one, or remove the key')
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == 'true'
        if len(text) > _MAXIMUM_DIGITS and re.fullmatch(r'[-+]?[0-9.]+', text):
            digits = sum(map(str.isdigit, text))
            if digits > _MAXIMUM_DIGITS and _FLOAT.fullmatch(text):
                raise self._fault(f'a number of {digits} digits: too long')
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text.lower().replace('.inf', 'inf').replace('.nan', 'nan'))
        return text

    def _add(self, value: object) -> None:
        if self._open:
            inside, step = self._open[-1], self._path[-1]
            if isinstance(inside, dict):
                inside[step] = value
            else:
                inside.append(value)
                self.lines[self._here] = self.line
        else:
            self.data, self.lines[()] = value, self.line

    def _added(self) -> None:
        if self._open:
            self._path[-1] = None if isinstance(self._open[-1], dict) else self._path[-1] + 1

    @property
    def _lines(self) -> list[str]:
        if self._source is None:
            self._source = self._text.splitlines()
        return self._source

    def _line(self, number: int) -> str:
        return self._lines[number - 1] if number <= len(self._lines) else ''


def _comment(color: str) -> str:
    return f"{color} is a comment without quotes: write '{color}'"


def _plain(problem: str) -> str:
    """Return the parser's message without contents of the file."""
    return re.sub(r"'[^']{4,}'|\"[^\"]{4,}\"", '(a word)', problem)[:120]

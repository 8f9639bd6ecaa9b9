# SPDX-License-Identifier: Apache-2.0
"""YAML as people mean it, with the line of every value.

PyYAML reads YAML 1.1, in which ``off`` is false and ``22:30`` is the number 1350. A policy has
strategies named off and times of day, so scalars are read by the rules of YAML 1.2's core schema.
"""

import re

import yaml


class PolicySyntaxError(ValueError):
    """The text is not YAML, or not of the plain kind that a policy needs.

    :ivar line: where, from 1.
    """

    def __init__(self, message: str, line: int, field: str = ''):
        super().__init__(message)
        self.line, self.field = line, field


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}


_NULL, _BOOL = 'tag:yaml.org,2002:null', 'tag:yaml.org,2002:bool'
_INT, _FLOAT = 'tag:yaml.org,2002:int', 'tag:yaml.org,2002:float'
_Loader.add_implicit_resolver(_NULL, re.compile(r'^(?:~|null|Null|NULL|)$'), ['~', 'n', 'N', ''])
_Loader.add_implicit_resolver(_BOOL, re.compile(r'^(?:true|True|TRUE|false|False|FALSE)$'),
                              list('tTfF'))
_Loader.add_implicit_resolver(_INT, re.compile(r'^[-+]?[0-9]+$'), list('-+0123456789'))
_Loader.add_implicit_resolver(_FLOAT, re.compile(
    r'^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)'
    r'|\.(?:nan|NaN|NAN))$'), list('-+.0123456789'))


def _construct_int(loader, node):
    return int(node.value)


def _construct_float(loader, node):
    return float(node.value.lower().replace('.inf', 'inf').replace('.nan', 'nan'))


_Loader.add_constructor(_INT, _construct_int)
_Loader.add_constructor(_FLOAT, _construct_float)

#: No policy is that long, and aliases could blow a short text up to any size.
_MAXIMUM_CHARACTERS = 1_000_000


def load(text: str) -> tuple[object, dict[tuple, int]]:
    """Return the data and the line (from 1) of each path of keys and indices in it.

    :raises PolicySyntaxError: for text that is not YAML, duplicate keys, aliases, tags.
    """
    if len(text) > _MAXIMUM_CHARACTERS:
        raise PolicySyntaxError(f'the file has {len(text)} characters: not a policy', 1)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[tuple, int] = {}
            if node is None:
                return None, {(): 1}
            _walk(node, (), lines, set())
            return loader.construct_document(node), lines
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None) or getattr(error, 'context_mark', None)
        problem = getattr(error, 'problem', None) or str(error)
        raise PolicySyntaxError(f'not YAML: {problem}', mark.line + 1 if mark else 1) from error


def _walk(node, path: tuple, lines: dict, seen: set) -> None:
    # An alias's node stands where the anchor is; its key knows better.
    line = lines.setdefault(path, node.start_mark.line + 1)
    field = '.'.join(str(part) for part in path)
    if id(node) in seen:
        raise PolicySyntaxError('anchors and aliases (& and *) are not allowed', line, field)
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise PolicySyntaxError('a key must be a word', line, field)
            if key.value in keys:
                raise PolicySyntaxError(f'{key.value!r} stands twice', line, field)
            keys.add(key.value)
            # A key such as 1 or true is still a name.
            key.tag = 'tag:yaml.org,2002:str'
            lines[(*path, key.value)] = line
            _walk(value, (*path, key.value), lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, seen)

# SPDX-License-Identifier: Apache-2.0
"""A whole policy file: read, checked, and its faults told with their place."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fer_ros.errors import ConfigurationError
from fer_ros.home.devices import TARGET_TYPES
from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.policy.rooms import Room
from fer_ros.home.policy.rules import Rules
from fer_ros.home.policy.servers import Broker, HomeAssistant, Privacy
from fer_ros.home.policy.syntax import load, PolicySyntaxError
from pydantic import Field, field_validator, ValidationError

_TYPES = ', '.join(kind.name for kind in TARGET_TYPES)


class Policy(Part):
    """A whole policy file."""

    version: Literal[1]
    time_zone: str = ''
    broker: Broker | None = None
    home_assistant: HomeAssistant | None = None
    privacy: Privacy = Privacy()
    policies: Annotated[dict[Name, Rules], Field(min_length=1, max_length=32)]
    rooms: Annotated[dict[Name, Room], Field(min_length=1, max_length=32)]

    @field_validator('time_zone')
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f'unknown time zone {value!r}: expected a name such as '
                                 'Europe/Berlin (are the time zone data installed?)') from error
        return value

    @property
    def sources(self) -> tuple[str, ...]:
        """Every topic that any room listens to, once, in order."""
        return tuple(dict.fromkeys(
            source for room in self.rooms.values() for source in room.sources))


def load_policy(path: str | Path) -> Policy:
    """Read and check a policy file.

    :raises ConfigurationError: with one line a fault: file, line, field and what to do.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}:1: not a text file in UTF-8') from error
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str = 'policy') -> Policy:
    """Read and check the text of a policy file; ``name`` stands in the messages."""
    try:
        data, lines = load(text)
    except PolicySyntaxError as error:
        field = f'{error.field}: ' if error.field else ''
        raise ConfigurationError(f'{name}:{error.line}: {field}{error}') from error
    if not isinstance(data, dict):
        raise ConfigurationError(f'{name}:1: the file holds no mapping: expected the keys '
                                 'version, policies and rooms')
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        faults = [_fault(item, lines) for item in error.errors()]
    else:
        faults = _cross_faults(policy)
    if faults:
        located = sorted({(_line(path, lines), '.'.join(map(str, path)), message)
                          for path, message in faults})
        raise ConfigurationError('\n'.join(
            f'{name}:{line}: {field + ": " if field else ""}{message}'
            for line, field, message in located))
    return policy


def _fault(item: dict, lines: dict) -> tuple[tuple, str]:
    # Pydantic puts the tag of a union's member into the path; only what the file holds counts.
    path: tuple = ()
    rest = list(item['loc'])
    while rest:
        step = rest.pop(0)
        step = step if isinstance(step, int) else str(step)
        if (*path, step) in lines:
            path = (*path, step)
        elif not rest and item['type'] == 'missing':
            path = (*path, step)
    message = item['msg']
    given = item.get('input')
    kind = item['type']
    if kind == 'extra_forbidden':
        message = 'unknown key'
    elif kind == 'missing':
        message = 'is missing'
    elif kind == 'value_error':
        message = str(item['ctx']['error'])
    elif kind == 'union_tag_not_found':
        message = f'type is missing: expected one of {_TYPES}'
    elif kind == 'union_tag_invalid':
        message = f"unknown type {item['ctx']['tag']!r}: expected one of {_TYPES}"
    else:
        if kind == 'string_pattern_mismatch':
            message = f"should match {item['ctx']['pattern']}"
        elif kind == 'literal_error':
            message = f"expected {item['ctx']['expected']}"
        if isinstance(given, (str, int, float, bool)) or given is None:
            message = f'{given!r}: {message[0].lower()}{message[1:]}'
    return path, message


def _line(path: tuple, lines: dict) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _cross_faults(policy: Policy) -> list[tuple[tuple, str]]:
    """Return the faults that span several parts of the file."""
    faults = []
    for room_name, room in policy.rooms.items():
        here = ('rooms', room_name)
        if room.policy not in policy.policies:
            faults.append(((*here, 'policy'), f'{room.policy!r} is not among the policies: '
                           f'{", ".join(policy.policies)}'))
        for target_name, target in room.targets.items():
            if target.needs and getattr(policy, target.needs) is None:
                article = 'a ' if target.needs == 'broker' else ''
                faults.append(((*here, 'targets', target_name),
                               f'{target.type} needs {article}{target.needs}'))
    everything = {name: target for room in policy.rooms.values()
                  for name, target in room.targets.items()}
    for name, rules in policy.policies.items():
        located = [(('policies', name, 'by_emotion', label), rule)
                   for label, rule in rules.by_emotion.items()]
        located += [(('policies', name, 'by_valence_arousal', index), rule)
                    for index, rule in enumerate(rules.by_valence_arousal)]
        for path, rule in located:
            for index, target in enumerate(rule.targets or ()):
                if target not in everything:
                    faults.append(((*path, 'targets', index), f'{target!r} is no target of any '
                                   f'room: {", ".join(everything)}'))
            for kind in KINDS.values():
                fault = kind.fault(rule, [target for target in everything.values()
                                          if target.kind == kind.name])
                if fault is not None:
                    faults.append(((*path, fault[0]), fault[1]))
    return faults

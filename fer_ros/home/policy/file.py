# SPDX-License-Identifier: Apache-2.0
"""Read and check a policy file, and report its faults with line and key."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fer_ros.errors import ConfigurationError
from fer_ros.files import read_text
from fer_ros.home.conditions import StateSource
from fer_ros.home.fields import DisplayName, Name, Part
from fer_ros.home.policy.checks import cross_faults
from fer_ros.home.policy.daily_light import Base
from fer_ros.home.policy.faults import faults_of, refusal
from fer_ros.home.policy.habits import HabitSettings
from fer_ros.home.policy.rooms import Room
from fer_ros.home.policy.rules import Rules
from fer_ros.home.policy.servers import Broker, HomeAssistant, Privacy
from fer_ros.home.policy.shadow import never_win
from fer_ros.home.policy.syntax import field_name, load, PolicySyntaxError
from pydantic import Field, field_validator, model_validator, ValidationError

#: Maximum size of a policy, bytes.
_MAXIMUM_BYTES = 1_000_000


class Location(Part):
    """Location of the home, degrees; north and east are positive."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Policy(Part):
    """The contents of a policy file."""

    version: Literal[1]
    name: DisplayName = ''
    time_zone: str = ''
    location: Location | None = None
    broker: Broker | None = None
    home_assistant: HomeAssistant | None = None
    privacy: Privacy = Privacy()
    habits: HabitSettings = HabitSettings()
    base: Base = None
    policies: Annotated[dict[Name, Rules], Field(max_length=32)] = {}
    rooms: Annotated[dict[Name, Room], Field(min_length=1, max_length=32)]

    @field_validator('time_zone')
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError('is not a known time zone: expected a name such as '
                                 'Europe/Berlin (are the time zone data installed?)') from error
        return value

    @model_validator(mode='after')
    def _base_of_all(self):
        """Give the home's base to the rooms that say nothing of theirs and have lights."""
        rooms = {name: room.model_copy(update={'base': self.base})
                 if 'base' not in room.model_fields_set and room.has_lights else room
                 for name, room in self.rooms.items()}
        object.__setattr__(self, 'rooms', rooms)
        return self

    @property
    def secret_files(self) -> tuple[str, ...]:
        """The files that hold passwords, tokens and keys."""
        found = []
        if self.broker is not None:
            found += [self.broker.key_file, self.broker.password and self.broker.password.file]
        if self.home_assistant is not None:
            found.append(self.home_assistant.token.file)
        return tuple(filter(None, found))

    @property
    def sources(self) -> tuple[str, ...]:
        """All topics that rooms subscribe to, without duplicates, in order."""
        return tuple(dict.fromkeys(
            source for room in self.rooms.values() for source in room.sources))

    @property
    def asks_attention(self) -> bool:
        """Whether any rule asks what people attend to, or a room weighs its faces by it."""
        return any(room.away_weight < 1 for room in self.rooms.values()) or any(
            placed.rule.when is not None and placed.rule.when.asks_attention
            for rules in self.policies.values() for placed in rules.ordered)

    @property
    def states(self) -> tuple[StateSource, ...]:
        """All outside states that rules use, without duplicates, in order."""
        return tuple(dict.fromkeys(
            source for rules in self.policies.values() for source in rules.sources))


def load_policy(path: str | Path) -> Policy:
    """Read and check a policy file.

    :raises ConfigurationError: with one line per fault: file, line, field and what to do.
    """
    return parse_policy(read_text(path, _MAXIMUM_BYTES), str(path))


def idle_rules(path: str | Path) -> list[str]:
    """Return the rules of a valid policy file that can never win, with file and line."""
    text = read_text(path, _MAXIMUM_BYTES)
    policy, lines = parse_policy(text, str(path)), load(text)[1]
    return [f'{path}:{lines[place]}: note: {field_name(place)}'
            f' can never win: {" and ".join(one.name for one in before)} '
            f'{"fits" if len(before) == 1 else "fit"} before it whenever it does'
            for name, rules in policy.policies.items() for later, before in never_win(rules)
            for place in [('policies', name, *later.path)]]


def parse_policy(text: str, name: str = 'policy') -> Policy:
    """Parse and check the text of a policy file; ``name`` is used in messages.

    :raises ConfigurationError: as :func:`load_policy`.
    """
    try:
        data, lines = load(text)
    except PolicySyntaxError as error:
        field = f'{error.field}: ' if error.field else ''
        raise ConfigurationError(f'{name}:{error.line}: {field}{error}') from error
    if not isinstance(data, dict):
        raise ConfigurationError(f'{name}:1: the file is not a mapping: expected the keys '
                                 'version, policies and rooms')
    if not data.keys() & Policy.model_fields.keys():
        # Not a policy: do not quote its contents.
        raise ConfigurationError(f'{name}:1: not a policy: expected the keys version, policies '
                                 'and rooms')
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        raise refusal(faults_of(error, lines), lines, name) from None
    faults = cross_faults(policy)
    if faults:
        raise refusal(faults, lines, name)
    return policy

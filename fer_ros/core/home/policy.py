# SPDX-License-Identifier: Apache-2.0
"""The policy file: which rooms, which cameras, which lights, and what answers which feeling."""

from datetime import time
import ipaddress
import os
from pathlib import Path
import re
from typing import Annotated, Literal
import urllib.parse
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fer_ros.core.emotions import LABELS
from fer_ros.core.errors import ConfigurationError
from fer_ros.core.home.ambience import STRATEGIES
from fer_ros.core.home.light import KELVIN_RANGE, LightState
from fer_ros.core.home.policy_yaml import load, PolicySyntaxError
import pydantic

if int(pydantic.VERSION.split('.')[0]) < 2:
    # Ubuntu 22.04, and with it Humble, has 1.8 as python3-pydantic.
    raise ConfigurationError(
        f'pydantic {pydantic.VERSION} is too old: the smart-home policy needs 2 or newer '
        "(pip install 'pydantic>=2')")

from pydantic import (  # noqa: E402
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
    StringConstraints,
    ValidationError,
)

AGGREGATIONS = ('confidence_weighted', 'max_confidence', 'majority', 'primary_person',
                'abstain_on_conflict')
DIALECTS = ('zigbee2mqtt', 'home_assistant_json', 'tasmota', 'wled')

#: Names become parts of MQTT topics and of entity ids.
Name = Annotated[str, StringConstraints(pattern=r'^[a-z][a-z0-9_]{0,39}$')]
Unit = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra='forbid', frozen=True, allow_inf_nan=False, strict=False)


def _color(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r'#?([0-9a-fA-F]{6})', value.strip())
        if not match:
            raise ValueError(f"{value!r} is not a colour: write '#rrggbb', in quotes")
        digits = match.group(1)
        return tuple(int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4))
    return value


Color = Annotated[tuple[Unit, Unit, Unit], BeforeValidator(_color)]


def _topic(value: str) -> str:
    if not value or any(part in value for part in '+#\0') or len(value.encode()) > 200 \
            or value.startswith('$'):
        raise ValueError(f'{value!r} is not an MQTT topic to publish on: it is empty, too long, '
                         'starts with $ or holds + or #')
    return value.rstrip('/')


Topic = Annotated[str, AfterValidator(_topic)]


def _ros_name(value: str) -> str:
    if not re.fullmatch(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*', value) \
            or '__' in value:
        raise ValueError(f'{value!r} is not the name of a ROS topic')
    return value


class Secret(_Part):
    """Where a password or token is found; never the secret itself."""

    env: str = ''
    file: str = ''

    @model_validator(mode='after')
    def _one(self):
        if bool(self.env) == bool(self.file):
            raise ValueError('give one of env (name of an environment variable) and file')
        return self

    def read(self, what: str) -> str:
        """Return the secret.

        :raises ConfigurationError: when it is not there; the message never holds it.
        """
        if self.env:
            value = os.environ.get(self.env, '')
            if not value:
                raise ConfigurationError(f'{what}: the environment variable {self.env} is not '
                                         'set')
            return value
        path = Path(self.file).expanduser()
        try:
            value = path.read_text(encoding='utf-8').strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else 'not UTF-8'
            raise ConfigurationError(f'{what}: cannot read {path}: {reason}') from error
        if not value:
            raise ConfigurationError(f'{what}: {path} is empty')
        return value


def _is_local(host: str) -> bool:
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Broker(_Part):
    """The MQTT broker."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal['auto'] | bool = 'auto'
    ca_file: str = ''
    certificate_file: str = ''
    key_file: str = ''
    username: str = ''
    password: Secret | None = None
    mqtt_version: Literal['5', '3.1.1'] = '5'
    client_id: Annotated[str, StringConstraints(max_length=64)] = ''
    base_topic: Topic = 'fer_ros'
    discovery: bool = True
    discovery_prefix: Topic = 'homeassistant'
    expire_after_s: Annotated[int, Field(ge=5, le=3600)] = 30

    @field_validator('mqtt_version', mode='before')
    @classmethod
    def _version(cls, value):
        return str(value)

    @model_validator(mode='after')
    def _consistent(self):
        if self.password is not None and not self.username:
            raise ValueError('a password needs a username')
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError('certificate_file and key_file belong together')
        if not self.uses_tls and (self.ca_file or self.certificate_file):
            raise ValueError('ca_file and certificate_file need tls: true')
        return self

    @property
    def is_local(self) -> bool:
        """Whether the broker is on this machine, by the name alone."""
        return _is_local(self.host)

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted; by default unless the broker is local."""
        if self.tls == 'auto':
            return not self.is_local or bool(self.ca_file or self.certificate_file)
        return self.tls

    @property
    def effective_port(self) -> int:
        """The port, by default 8883 with TLS and 1883 without."""
        return self.port or (8883 if self.uses_tls else 1883)


class HomeAssistant(_Part):
    """Home Assistant's own API, for lights and scenes that speak no MQTT."""

    url: Annotated[str, StringConstraints(pattern=r'^https?://[^\s/]+(/.*)?$')]
    token: Secret
    ca_file: str = ''
    poll_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0

    @field_validator('url')
    @classmethod
    def _url(cls, value):
        try:
            good = bool(urllib.parse.urlsplit(value).hostname) and urllib.parse.urlsplit(
                value).port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"{value!r} is no url: write 'http://homeassistant.local:8123'")
        return value

    @property
    def is_exposed(self) -> bool:
        """Whether the token travels to another machine in plain text."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.scheme == 'http' and not _is_local(parts.hostname or '')


class Privacy(_Part):
    """What may leave this machine beside the room's summary."""

    per_person: bool = False


class _Target(_Part):
    turn_on: bool = False
    brightness_min: Unit = 0.02
    brightness_max: Unit = 1.0
    color_temperature_min_k: Annotated[int, Field(ge=KELVIN_RANGE[0], le=KELVIN_RANGE[1])] = 2000
    color_temperature_max_k: Annotated[int, Field(ge=KELVIN_RANGE[0], le=KELVIN_RANGE[1])] = 6500
    has_color: bool = True

    @model_validator(mode='after')
    def _ranges(self):
        if self.brightness_min > self.brightness_max:
            raise ValueError('brightness_min is above brightness_max')
        if self.color_temperature_min_k > self.color_temperature_max_k:
            raise ValueError('color_temperature_min_k is above color_temperature_max_k')
        return self

    @property
    def kind(self) -> str:
        """What the target takes: light, scene or blind."""
        return 'light'


class TerminalLamp(_Target):
    """A lamp drawn in the terminal; it needs nothing."""

    type: Literal['terminal']
    on: bool = True


class MqttLight(_Target):
    """A light behind the broker that takes JSON."""

    type: Literal['mqtt_light']
    topic: Topic
    dialect: Literal[DIALECTS] = 'zigbee2mqtt'
    command_topic: Topic | None = None
    state_topic: Topic | None = None


class HomeAssistantLight(_Target):
    """A light entity of Home Assistant."""

    type: Literal['home_assistant_light']
    entity_id: Annotated[str, StringConstraints(pattern=r'^light\.[a-z0-9_]+$')]


class HomeAssistantScene(_Part):
    """Scenes of Home Assistant, by the names that rules give them."""

    type: Literal['home_assistant_scene']
    scenes: Annotated[dict[Name, Annotated[str, StringConstraints(
        pattern=r'^(scene|script)\.[a-z0-9_]+$')]], Field(min_length=1)]

    @property
    def kind(self) -> str:
        """What the target takes."""
        return 'scene'


class MqttScene(_Part):
    """Scenes recalled by a payload on an MQTT topic, by the names that rules give them."""

    type: Literal['mqtt_scene']
    topic: Topic
    scenes: Annotated[dict[Name, str], Field(min_length=1)]

    @property
    def kind(self) -> str:
        """What the target takes."""
        return 'scene'


class MqttBlind(_Part):
    """A blind or curtain behind the broker, 0 closed to 1 open."""

    type: Literal['mqtt_blind']
    topic: Topic

    @property
    def kind(self) -> str:
        """What the target takes."""
        return 'blind'


Target = Annotated[TerminalLamp | MqttLight | HomeAssistantLight | HomeAssistantScene | MqttScene
                   | MqttBlind, Field(discriminator='type')]


class Rule(_Part):
    """What is done about a feeling: a strategy, a light of one's own, or both."""

    strategy: Literal[STRATEGIES] | None = None
    brightness: Unit | None = None
    color: Color | None = None
    color_temperature_k: Annotated[int, Field(ge=KELVIN_RANGE[0], le=KELVIN_RANGE[1])] | None = \
        None
    scene: Name | None = None
    blind: Unit | None = None
    transition_s: Annotated[float, Field(ge=0, le=60)] | None = None
    targets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None

    @model_validator(mode='after')
    def _says_something(self):
        if self.color is not None and self.color_temperature_k is not None:
            raise ValueError('give color or color_temperature_k, not both')
        wants_light = any(value is not None for value in (
            self.brightness, self.color, self.color_temperature_k))
        if self.strategy is None and not wants_light and self.scene is None \
                and self.blind is None:
            raise ValueError('the rule asks for nothing: give a strategy, brightness, color, '
                             'color_temperature_k, scene or blind')
        if self.strategy == 'off' and wants_light:
            raise ValueError('strategy off has no brightness or colour')
        return self

    @property
    def wants_light(self) -> bool:
        """Whether the rule says anything about lights."""
        return any(value is not None for value in (
            self.strategy, self.brightness, self.color, self.color_temperature_k))

    def applied(self, light: LightState) -> LightState:
        """Return a strategy's light with the rule's own values put over it."""
        if not light.on:
            return light
        color, kelvin = light.color, light.color_temperature_k
        if self.color is not None:
            color, kelvin = self.color, None
        elif self.color_temperature_k is not None:
            color, kelvin = None, self.color_temperature_k
        brightness = light.brightness if self.brightness is None else self.brightness
        return LightState(True, brightness, color, kelvin)


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not -1 <= value[0] < value[1] <= 1:
        raise ValueError(f'{list(value)} is not a range: expected [low, high] with '
                         '-1 <= low < high <= 1')
    return value


AxisRange = Annotated[tuple[float, float], AfterValidator(_range)]


class RegionRule(Rule):
    """A rule for a part of the plane of valence and arousal."""

    name: Name
    valence: AxisRange = (-1.0, 1.0)
    arousal: AxisRange = (-1.0, 1.0)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the region, (valence, arousal)."""
        return sum(self.valence) / 2, sum(self.arousal) / 2

    def contains(self, valence: float, arousal: float, margin: float = 0.0) -> bool:
        """Return whether the point lies inside, with a margin around the region."""
        return (self.valence[0] - margin <= valence <= self.valence[1] + margin
                and self.arousal[0] - margin <= arousal <= self.arousal[1] + margin)


class Rules(_Part):
    """One policy of the file: what is done about which feeling."""

    by_emotion: dict[Literal[LABELS], Rule] = {}
    by_valence_arousal: tuple[RegionRule, ...] = ()

    @model_validator(mode='after')
    def _not_empty(self):
        if not self.by_emotion and not self.by_valence_arousal:
            raise ValueError('the policy has no rule: give by_emotion or by_valence_arousal')
        names = [rule.name for rule in self.by_valence_arousal]
        if len(set(names)) < len(names) or set(names) & set(LABELS):
            raise ValueError('the regions of by_valence_arousal need names of their own, '
                             'different from each other and from the emotions')
        return self


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r'(\d{1,2}):(\d{2})', value)):
        hour, minute = int(match.group(1)), int(match.group(2))
        if hour < 24 and minute < 60:
            return time(hour, minute)
    if isinstance(value, time):
        return value
    raise ValueError(f"{value!r} is not a time of day: write '22:30'")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class QuietHours(_Part):
    """A part of the day in which less is done; it may go over midnight."""

    model_config = ConfigDict(extra='forbid', frozen=True, populate_by_name=True)

    start: TimeOfDay = Field(alias='from')
    end: TimeOfDay = Field(alias='to')
    action: Literal['nothing', 'dim'] = 'nothing'
    brightness_max: Unit = 0.2

    @model_validator(mode='after')
    def _has_length(self):
        if self.start == self.end:
            raise ValueError('from and to are the same: the quiet hours have no length')
        return self

    def contains(self, local: time) -> bool:
        """Return whether a local time of day lies inside; from is in, to is out."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class RateLimit(_Part):
    """No more than so many actions of a target in so many seconds."""

    actions: Annotated[int, Field(ge=1, le=1000)] = 6
    per_s: Annotated[float, Field(ge=1, le=86400)] = 60.0


class Nobody(_Part):
    """What happens when nobody is there."""

    after_s: Annotated[float, Field(ge=0.5, le=86400)] = 30.0
    action: Literal['restore', 'off', 'keep'] = 'restore'


class Hold(_Part):
    """How long the room is left alone after somebody changed a light by hand."""

    for_s: Annotated[float, Field(ge=1, le=604800)] = 1800.0
    settle_s: Annotated[float, Field(ge=0.2, le=30)] = 2.0
    brightness_tolerance: Annotated[float, Field(ge=0.01, le=0.5)] = 0.06
    mired_tolerance: Annotated[float, Field(ge=5, le=200)] = 25.0
    color_tolerance: Annotated[float, Field(ge=0.005, le=0.3)] = 0.035


class Room(_Part):
    """One room: where its people are seen, what stands in it, and how calm it is to be."""

    sources: Annotated[tuple[Annotated[str, AfterValidator(_ros_name)], ...],
                       Field(min_length=1, max_length=16)] = ('emotions',)
    targets: Annotated[dict[Name, Target], Field(min_length=1, max_length=32)]
    policy: Name
    enabled: bool = True
    aggregation: Literal[AGGREGATIONS] = 'confidence_weighted'
    minimum_confidence: Unit = 0.5
    minimum_quality: Unit = 0.0
    smoothing_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    enter_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    exit_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.35
    minimum_frames: Annotated[int, Field(ge=2, le=1000)] = 3
    dwell_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    cooldown_s: Seconds = 10.0
    transition_s: Annotated[float, Field(ge=0, le=60)] = 1.5
    rate_limit: RateLimit = RateLimit()
    stale_after_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    nobody: Nobody = Nobody()
    hold: Hold = Hold()
    quiet_hours: tuple[QuietHours, ...] = ()
    restore_on_exit: bool = True

    @model_validator(mode='after')
    def _hysteresis(self):
        if self.exit_threshold >= self.enter_threshold:
            raise ValueError(f'exit_threshold ({self.exit_threshold:g}) must be below '
                             f'enter_threshold ({self.enter_threshold:g})')
        if len(set(self.sources)) < len(self.sources):
            raise ValueError('a topic stands twice in sources')
        return self


class Policy(_Part):
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


_TYPES = ('terminal, mqtt_light, mqtt_scene, mqtt_blind, home_assistant_light, '
          'home_assistant_scene')


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
            there = (*here, 'targets', target_name)
            if target.type.startswith('mqtt_') and policy.broker is None:
                faults.append((there, f'{target.type} needs a broker'))
            if target.type.startswith('home_assistant_') and policy.home_assistant is None:
                faults.append((there, f'{target.type} needs home_assistant'))
    everything = {name: target for room in policy.rooms.values()
                  for name, target in room.targets.items()}
    scenes = {scene for target in everything.values() if target.kind == 'scene'
              for scene in target.scenes}
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
            if rule.scene is not None and rule.scene not in scenes:
                faults.append(((*path, 'scene'), f'{rule.scene!r} is no scene of any target'))
            if rule.blind is not None and not any(
                    target.kind == 'blind' for target in everything.values()):
                faults.append(((*path, 'blind'), 'no room has a blind'))
    return faults

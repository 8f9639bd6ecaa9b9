# SPDX-License-Identifier: Apache-2.0
"""Events of a home for the event log: no images, identities or probabilities."""

from dataclasses import dataclass
from enum import Enum
import json
import math

from fer_ros.home.light import LightState

#: Version of the log's form; another one is not read.
VERSION = 1
_MAXIMUM_TEXT = 200


class EventKind(Enum):
    """Kind of event; the value is written to the log."""

    #: An emotion of the room has begun or ended; ``value`` is its label.
    EMOTION = 'emotion'
    EMOTION_END = 'emotion_end'
    #: Someone is in view, or no longer.
    OCCUPIED = 'occupied'
    EMPTY = 'empty'
    #: A device was set; ``light`` says how, or ``value`` where it is not a light.
    ACTION = 'action'
    #: A person commanded the room; ``value`` is the command.
    COMMAND = 'command'
    #: A condition of the policy has changed; ``value`` is ``name=state``.
    CONDITION = 'condition'
    #: A suggestion was made or answered; ``value`` is shown, yes, no or never, ``habit`` which.
    SUGGESTION = 'suggestion'
    #: Something a resident did, as research homes label it; ``value`` is its name.
    ACTIVITY = 'activity'
    #: The log goes on after a gap; nothing is known of the time before.
    START = 'start'


class Actor(Enum):
    """Who caused an event."""

    RULE = 'rule'
    HABIT = 'habit'
    PERSON = 'person'
    AUTOMATION = 'automation'


@dataclass(frozen=True, kw_only=True)
class HomeEvent:
    """An event in a home.

    :ivar time_s: Unix time, seconds.
    :ivar offset_s: what local time was ahead of UTC, seconds.
    :ivar lasted_s: how long an emotion lasted that has ended, seconds.
    :ivar emotion: of the room at the time; empty: not known.
    :ivar people: faces in view at the time.
    :ivar habit: name of the habit that acted or that a suggestion is about.
    """

    time_s: float
    room: str
    kind: EventKind
    offset_s: int = 0
    actor: Actor | None = None
    target: str = ''
    value: str = ''
    light: LightState | None = None
    emotion: str = ''
    lasted_s: float = 0.0
    people: int = 0
    habit: str = ''

    @property
    def local_s(self) -> float:
        """Local time, seconds since 1970-01-01 00:00 local time."""
        return self.time_s + self.offset_s

    @property
    def by_person(self) -> bool:
        """Whether a person set a device."""
        return self.kind is EventKind.ACTION and self.actor is Actor.PERSON

    @property
    def name(self) -> str:
        """What happened as a word for :class:`fer_ros.habits.sequence.SequenceModel`."""
        if self.kind is EventKind.ACTION:
            return f'{self.target}: {coarse(self.light) if self.light else self.value}'
        if self.kind in (EventKind.EMOTION, EventKind.COMMAND, EventKind.CONDITION,
                         EventKind.ACTIVITY):
            return self.value
        return self.kind.value

    def dump(self) -> str:
        """Return the event as one line of JSON, without what is empty."""
        values: dict = {'t': round(self.time_s, 1), 'z': self.offset_s, 'room': self.room,
                        'kind': self.kind.value}
        if self.actor is not None:
            values['who'] = self.actor.value
        for key in ('target', 'value', 'emotion', 'habit', 'people'):
            if getattr(self, key):
                values[key] = getattr(self, key)
        if self.lasted_s:
            values['for_s'] = round(self.lasted_s, 1)
        if self.light is not None:
            values['light'] = _dump_light(self.light)
        return json.dumps(values, separators=(',', ':'), ensure_ascii=False)


def parse_event(line: str) -> HomeEvent:
    """Return the event of a line.

    :raises ValueError: saying what is wrong with it.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError('not JSON (cut off?)') from error
    if not isinstance(values, dict):
        raise ValueError('not an object')
    try:
        time_s, offset_s = float(values['t']), int(values.get('z', 0))
        lasted_s, people = float(values.get('for_s', 0)), int(values.get('people', 0))
        texts = {key: str(values.get(key, ''))[:_MAXIMUM_TEXT]
                 for key in ('room', 'target', 'value', 'emotion', 'habit')}
        kind = EventKind(values['kind'])
        actor = Actor(values['who']) if 'who' in values else None
        light = _parse_light(values['light']) if 'light' in values else None
    except KeyError as error:
        raise ValueError(f'{error} is missing') from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(str(error)) from error
    if not (math.isfinite(time_s) and math.isfinite(lasted_s)) or abs(offset_s) > 86_400:
        raise ValueError('a time is not a number of seconds')
    if not texts['room']:
        raise ValueError("'room' is missing")
    return HomeEvent(time_s=time_s, offset_s=offset_s, kind=kind, actor=actor, light=light,
                     lasted_s=max(0.0, lasted_s), people=max(0, people), **texts)


def coarse(light: LightState) -> str:
    """Return a light in a few words that near states share."""
    if not light.on:
        return 'off'
    level = '' if light.brightness is None else f' {round(light.brightness * 5) * 20} %'
    tint = ' color' if light.color is not None else ''
    if not tint and light.color_temperature_k:
        tint = ' warm' if light.color_temperature_k < 3500 else ' cool'
    return f'on{level}{tint}'


def _dump_light(light: LightState) -> dict:
    values: dict = {'on': light.on}
    if light.brightness is not None:
        values['brightness'] = round(light.brightness, 3)
    if light.color is not None:
        values['color'] = [round(channel, 3) for channel in light.color]
    elif light.color_temperature_k is not None:
        values['color_temperature_k'] = round(light.color_temperature_k)
    return values


def _parse_light(values: dict) -> LightState:
    if not isinstance(values, dict) or not isinstance(values.get('on'), bool):
        raise ValueError('a light without on')
    brightness, color = values.get('brightness'), values.get('color')
    kelvin = values.get('color_temperature_k')
    if brightness is not None and not 0 <= float(brightness) <= 1:
        raise ValueError(f'brightness {brightness} is not in 0 to 1')
    if color is not None and (len(color) != 3 or not all(0 <= float(c) <= 1 for c in color)):
        raise ValueError(f'color {color} is not three numbers in 0 to 1')
    if kelvin is not None and not 500 <= float(kelvin) <= 20_000:
        raise ValueError(f'color_temperature_k {kelvin} is not a white')
    return LightState(values['on'], None if brightness is None else float(brightness),
                      None if color is None else tuple(float(c) for c in color),
                      None if kelvin is None else int(kelvin))

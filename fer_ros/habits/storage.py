# SPDX-License-Identifier: Apache-2.0
"""Save and load a :class:`HabitModel` atomically."""

from collections import deque
import json
import math
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.habits.episodes import Choice, Episode
from fer_ros.habits.events import parse_event
from fer_ros.habits.log import replace_file
from fer_ros.habits.model import EPISODES, HabitModel, OUTCOMES, Record, RoomModel
from fer_ros.habits.preferences import Preferences, Situation
from fer_ros.habits.sequence import SequenceModel
from fer_ros.home.light import LightState

#: Version of the file; files of other versions are renamed.
FORMAT = 1


def save_model(model: HabitModel, path: Path) -> None:
    """Write the model.

    :raises OSError: when it cannot be written; the old file is then still there.
    """
    replace_file(path, json.dumps({
        'format': FORMAT, 'half_life_days': model.half_life_days,
        'learnt_until_s': model.learnt_until_s,
        'rooms': {name: _dump_room(room) for name, room in model.rooms.items()}},
        separators=(',', ':')))


def load_model(path: Path) -> HabitModel:
    """Read a model.

    :raises ConfigurationError: when it is missing, truncated, or of another version.
    """
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f'{path}: not a whole model of habits (cut off?)') from error
    try:
        if values['format'] != FORMAT:
            raise ConfigurationError(f'{path}: a model of version {values["format"]}, expected '
                                     f'{FORMAT}')
        model = HabitModel(_number(values['half_life_days']))
        model.learnt_until_s = _number(values['learnt_until_s'])
        for name, room in values['rooms'].items():
            model.rooms[str(name)] = _load_room(str(name), room, model.half_life_days)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ConfigurationError(f'{path}: not a whole model of habits ({error})') from error
    return model


def put_aside(path: Path) -> Path:
    """Rename a file that cannot be used, so that nothing is lost; return its new name."""
    aside = path.with_name(path.name + '.damaged')
    path.replace(aside)
    return aside


def _number(value: object) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f'{value} is not a number')
    return number


def _dump_room(room: RoomModel) -> dict:
    return {
        'sequence': room.sequence.dump(), 'habits_seen': room.habits_seen,
        'enabled': room.enabled,
        'recent': list(room.recent), 'last': None if room.last is None else room.last.dump(),
        'preferences': {target: [[situation.local_s, situation.emotion, _dump_light(light)]
                                 for situation, light in known.choices]
                        for target, known in room.preferences.items()},
        # What is going on now counts as over: after a restart it begins again.
        'episodes': [_dump_episode(episode) for episode in (
            *room.episodes, *filter(None, [room.tracker.current]))],
        'records': {name: list(record.outcomes) for name, record in room.records.items()},
        'answers': {name: list(answer) for name, answer in room.answers.items()}}


def _load_room(name: str, values: dict, half_life_days: float) -> RoomModel:
    room = RoomModel(name, half_life_days)
    room.sequence = SequenceModel.load(values['sequence'])
    room.habits_seen = int(values['habits_seen'])
    room.enabled = bool(values['enabled'])
    room.recent = tuple(map(str, values['recent']))
    room.last = None if values['last'] is None else parse_event(values['last'])
    for target, choices in values['preferences'].items():
        known = room.preferences[target] = Preferences(half_life_days)
        for local_s, emotion, light in choices:
            known.learn(Situation(_number(local_s), str(emotion)), _load_light(light))
    room.episodes = deque((_load_episode(name, one) for one in values['episodes']),
                          maxlen=EPISODES)
    room.records = {habit: Record(deque(map(bool, outcomes), maxlen=OUTCOMES))
                    for habit, outcomes in values['records'].items()}
    room.answers = {key: (str(answer), _number(at_s))
                    for key, (answer, at_s) in values['answers'].items()}
    return room


def _dump_episode(episode: Episode) -> list:
    return [episode.emotion, round(episode.begin_s, 1), round(episode.end_s, 1),
            {target: [[round(at_s, 1), _dump_light(light)] for at_s, light in lights]
             for target, lights in episode.lights.items()},
            {target: [[round(choice.local_s, 1), _dump_light(choice.light),
                       None if choice.before is None else _dump_light(choice.before),
                       choice.against] for choice in choices]
             for target, choices in episode.choices.items()}]


def _load_episode(room: str, values: list) -> Episode:
    emotion, begin_s, end_s, lights, choices = values
    return Episode(
        room, str(emotion), _number(begin_s), _number(end_s),
        {target: [(_number(at_s), _load_light(light)) for at_s, light in known]
         for target, known in lights.items()},
        {target: [Choice(_number(at_s), _load_light(light),
                         None if before is None else _load_light(before), str(against))
                  for at_s, light, before, against in known]
         for target, known in choices.items()})


def _dump_light(light: LightState) -> list:
    return [light.on, None if light.brightness is None else round(light.brightness, 3),
            None if light.color is None else [round(channel, 3) for channel in light.color],
            light.color_temperature_k]


def _load_light(values: list) -> LightState:
    on, brightness, color, kelvin = values
    return LightState(bool(on), None if brightness is None else _number(brightness),
                      None if color is None else tuple(_number(channel) for channel in color),
                      None if kelvin is None else int(kelvin))

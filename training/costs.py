# SPDX-License-Identifier: Apache-2.0
"""What a year of habits costs: the size of its log, and the processor time that it takes."""

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import platform
import tempfile
import time

from fer_ros.habits.finder import find_habits
from fer_ros.habits.log import EventLog
from fer_ros.habits.model import HabitModel
from fer_ros.habits.places import MODEL_NAME
from fer_ros.habits.residents import DAYS, LAMP, Residents, ROOM
from fer_ros.habits.storage import save_model
from fer_ros.habits.trial import face, trial_policy
from fer_ros.home.controller import HomeController
import numpy as np

_RULE = """\
  - name: {emotion}_{hour}
    room: {room}
    targets: [{lamp}]
    emotion: {emotion}
    when: {{time: {{from: '{hour:02}:00', to: '{hour:02}:30'}}}}
    brightness: 0.4
"""


def costs(days: int = 365) -> Iterator[str]:
    """Yield, line by line, what made-up residents cost; times are of the processor."""
    yield f'{_processor()}; load {os.getloadavg()[0]:.1f}'
    events = list(Residents(0, days, min(DAYS, days) // 2).events())
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(folder)
        for first in range(0, len(events), 1000):
            log.append(events[first:first + 1000])
        yield (f'log of {days} days: {len(events)} events, {log.bytes / 1e6:.1f} MB, '
               f'{log.bytes / len(events):.0f} bytes each')
        started_s = time.process_time()
        found = log.read(now_s=events[-1].time_s + 1).events
        read_s = time.process_time() - started_s
        model = HabitModel()
        model.learn_all(found)
        yield (f'learned in {time.process_time() - started_s:.1f} s, of which reading '
               f'{read_s:.1f} s')
        save_model(model, Path(folder) / MODEL_NAME)
        size = (Path(folder) / MODEL_NAME).stat().st_size
        yield f'model: {size / 1e3:.0f} kB'
        room, last = model.room(ROOM), events[-1]
        yield _ms('what comes next, and when', lambda: room.next_events(last.time_s + 60))
        yield _ms('how a lamp is wanted', lambda: room.want(LAMP, last.local_s, 'sad'))
        yield from _decisions(Path(folder), last.time_s)
        yield _ms('an event learned', lambda: room.learn(last))
        yield _ms('habits of a lamp and an emotion, when a person has set it',
                  lambda: find_habits(list(room.episodes), LAMP, 'sad', last.local_s))


def _decisions(folder: Path, last_s: float) -> Iterator[str]:
    """Yield what it takes to decide, ten times a second: with 18 adopted rules and without."""
    rules = ''.join(_RULE.format(room=ROOM, lamp=LAMP, emotion=emotion, hour=hour)
                    for emotion in ('sad', 'neutral', 'happy') for hour in range(0, 24, 4))
    (folder / 'adopted.yaml').write_text('version: 1\nrules:\n' + rules, encoding='utf-8')
    for mode in ('off', 'apply'):
        now_s = last_s
        home = HomeController(trial_policy(folder, mode), clock=lambda: now_s)
        taken = []
        for step in range(600):
            now_s += 0.1
            home.observe('emotions', (face(('sad', 'neutral')[step // 200 % 2]),), now_s,
                         now_s=now_s)
            started_s = time.process_time()
            home.tick(now_s)
            taken.append(1e3 * (time.process_time() - started_s))
        home.close(now_s)
        yield f'a decision with habits: {mode}: ' + _spread(taken[100:])


def _ms(what: str, work: Callable[[], object], times: int = 50) -> str:
    taken = []
    for _ in range(times):
        started_s = time.process_time()
        work()
        taken.append(1e3 * (time.process_time() - started_s))
    return f'{what}: {_spread(taken)}'


def _spread(taken_ms: list[float]) -> str:
    middle, most = np.percentile(taken_ms, (50, 95))
    return f'{middle:.2f} ms, at most {most:.2f} ms in 95 of 100'


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    return next((line.partition(':')[2].strip() for line in lines
                 if line.startswith('model name')), platform.processor() or platform.machine())

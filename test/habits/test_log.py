# SPDX-License-Identifier: Apache-2.0
"""The event log: private, bounded, forgetful when asked, and patient with what is wrong in it."""

import csv
import io
import json
import stat

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import Actor, parse_event
from fer_ros.habits.log import COLUMNS, EventLog, export, FILES
from fer_ros.habits.sources import read_events
from fer_ros.home.light import LightState
from habits_support import DAY_S, evening, event, MONDAY_S
import pytest

NOW_S = MONDAY_S + 100 * DAY_S


@pytest.fixture
def log(tmp_path):
    """Return a log with three evenings."""
    log = EventLog(tmp_path / 'habits')
    for day in range(3):
        log.append(evening(day))
    return log


def test_events_come_back_as_they_were(log):
    found = log.read(now_s=NOW_S)
    assert found.problems == [] and found.events == [one for day in range(3)
                                                     for one in evening(day)]


@pytest.mark.parametrize('light', [
    LightState(False), LightState(True), LightState(True, 0.25),
    LightState(True, 1.0, (1, 0, 0.5)),
    LightState(True, 0.5, None, 2700)])
def test_lights_survive(light):
    one = event(MONDAY_S, 'action', target='lamp', actor=Actor.PERSON, light=light)
    assert parse_event(one.dump()) == one


def test_only_the_owner_may_read_it_and_nothing_of_a_face_is_in_it(log):
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700
    for path in log.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    keys = {key for line in log.files[0].read_text().splitlines() for key in json.loads(line)}
    assert keys <= {'log', 'version', 't', 'z', 'room', 'kind', 'who', 'target', 'value', 'light',
                    'emotion', 'for_s', 'people', 'habit'}


def test_it_is_bounded_and_keeps_the_newest(tmp_path):
    log = EventLog(tmp_path, maximum_bytes=FILES * 4096)
    for day in range(300):
        log.append(evening(day % 90))
    assert len(log.files) == FILES and log.bytes <= FILES * 4096
    log.append([event(MONDAY_S + 95 * DAY_S, 'empty')])
    assert log.read(now_s=NOW_S).events[-1].kind.value == 'empty'


def damaged(log, *lines):
    with open(log.folder / 'events.jsonl', 'a', encoding='utf-8') as file:
        file.write(''.join(line + '\n' for line in lines))
    return log.read(now_s=NOW_S)


GOOD = event(MONDAY_S + 5 * DAY_S, 'occupied').dump()


@pytest.mark.parametrize('line, problem', [
    ('{"t": 1, "room": "study", "ki', 'not JSON (cut off?)'),
    ('[1, 2]', 'not an object'),
    ('{"room": "study", "kind": "empty"}', "'t' is missing"),
    ('{"t": 1, "kind": "empty"}', "'room' is missing"),
    ('{"t": "x", "room": "study", "kind": "empty"}', 'could not convert'),
    ('{"t": NaN, "room": "study", "kind": "empty"}', 'not a number of seconds'),
    ('{"t": 1, "room": "study", "kind": "earthquake"}', 'earthquake'),
    ('{"t": 1, "room": "study", "kind": "action", "who": "ghost"}', 'ghost'),
    ('{"t": 1, "room": "study", "kind": "action", "light": {"brightness": 3}}', 'without on'),
    ('{"t": 1, "room": "study", "kind": "action", "light": {"on": true, "brightness": 3}}',
     'brightness 3'),
    ('{"t": 1, "room": "study", "kind": "action", "light": {"on": true, "color": [1]}}',
     'color [1]'),
    ('{"t": 9e9, "room": "study", "kind": "empty"}', 'in the future'),
    ('x' * 5000, 'too long'),
    ('[' * 4000, 'not JSON'),
    (GOOD + '\n' + GOOD, 'duplicates'),
    (GOOD + '\n' + event(MONDAY_S, 'empty').dump(), 'time goes back'),
])
def test_what_is_wrong_is_reported_and_the_rest_is_read(log, line, problem):
    found = damaged(log, line, event(MONDAY_S + 9 * DAY_S, 'empty').dump())
    assert problem in '\n'.join(found.problems) and len(found.problems) == 1
    assert found.events[-1].kind.value == 'empty' and len(found.events) >= 13
    times = [one.time_s for one in found.events]
    assert times == sorted(times)


def test_a_log_of_another_version_is_skipped_whole(log):
    (log.folder / 'events.1.jsonl').write_text(
        '{"log": "fer_ros home events", "version": 7}\n' + GOOD + '\n')
    found = log.read(now_s=NOW_S)
    assert 'version 7, expected 1' in found.problems[0] and len(found.events) == 12


def test_half_a_line_of_a_power_cut_does_not_cost_the_next_event(log):
    with open(log.folder / 'events.jsonl', 'a', encoding='utf-8') as file:
        file.write('{"t": 17')
    log.append([event(MONDAY_S + 9 * DAY_S, 'empty')])
    assert log.read(now_s=NOW_S).events[-1].kind.value == 'empty'


@pytest.mark.parametrize('what, left', [
    ({}, 0), ({'room': 'study'}, 1), ({'day': '2026-01-06'}, 9),
    ({'room': 'kitchen', 'day': '2026-01-06'}, 13), ({'room': 'kitchen'}, 12)])
def test_what_is_forgotten_is_gone_from_the_disk(log, what, left):
    log.append([event(MONDAY_S + 4 * DAY_S, 'occupied', room='kitchen')])
    before = log.forgotten
    assert log.forget(**what) == 13 - left
    assert len(log.read(now_s=NOW_S).events) == left and log.forgotten != before
    text = ''.join(path.read_text() for path in log.folder.iterdir() if path.is_file())
    assert text.count('"room"') == left


def test_a_day_is_a_local_day(tmp_path):
    log = EventLog(tmp_path)
    # 23:30 UTC on Monday is Tuesday in Berlin.
    log.append([event(MONDAY_S + 23.5 * 3600, 'empty', offset_s=3600)])
    assert log.forget(day='2026-01-05') == 0 and log.forget(day='2026-01-06') == 1


def test_export(log):
    events = log.read(now_s=NOW_S).events
    text = io.StringIO()
    export(events, text, 'csv')
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 12
    assert rows[2]['who'] == 'person' and rows[2]['brightness'] == '0.3'
    assert rows[0]['time'] == '2026-01-05 19:30:00'
    text = io.StringIO()
    export(events, text, 'jsonl')
    (log.folder.parent / 'out.jsonl').write_text(text.getvalue())
    assert read_events(log.folder.parent / 'out.jsonl', now_s=NOW_S).events == events


def test_a_recording_of_the_simulator_is_a_log(tmp_path):
    path = tmp_path / 'recording.jsonl'
    face = [{'track_id': 1, 'label': 'sad', 'confidence': 0.8}]
    lines = [{'stamp_s': 100 + i * 0.5, 'faces': face} for i in range(20)]
    lines.append({'stamp_s': 111, 'room': 'study', 'target': 'lamp',
                  'hand': {'on': True, 'brightness': 0.3}})
    path.write_text('\n'.join(json.dumps(line) for line in lines))
    found = read_events(path, now_s=NOW_S).events
    assert [(one.kind.value, one.room) for one in found] == [
        ('occupied', 'study'), ('emotion', 'study'), ('action', 'study')]
    assert found[1].value == found[2].emotion == 'sad' and found[2].by_person
    assert found[2].light == LightState(True, 0.3)


def test_activities_of_a_research_home_are_a_log(tmp_path):
    (tmp_path / 'x_ADLs.txt').write_text('2011-11-28 08:00:00\t2011-11-28 08:30:00\tBreakfast\n')
    (one,) = read_events(tmp_path, now_s=NOW_S).events
    assert one.value == 'Breakfast' and one.lasted_s == 1800


@pytest.mark.parametrize('path', ['missing', '.'])
def test_what_is_not_a_log_says_so(tmp_path, path):
    with pytest.raises(ConfigurationError, match='no such file|no log of events'):
        read_events(tmp_path / path, now_s=NOW_S)

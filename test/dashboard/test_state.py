# SPDX-License-Identifier: Apache-2.0
"""What the dashboard knows: who is there, who is gone, what was felt in the last hours."""

import csv
from dataclasses import replace
import io
import json
from pathlib import Path

from fer_ros.dashboard.history import COLUMNS, History
from fer_ros.dashboard.state import DashboardState
from fer_ros.emotions.labels import LABELS
from fer_ros.home.action import AmbientAction, Command, Outcome
from fer_ros.home.kinds.blind import BlindRequest, BlindState
from fer_ros.home.kinds.light import LightRequest
from fer_ros.home.kinds.scene import SceneRequest
from fer_ros.home.kinds.switch import SwitchRequest, SwitchState
from fer_ros.home.kinds.volume import VolumeRequest, VolumeState
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from fer_ros.home.snapshot import DeviceSnapshot, LastAction, RoomSnapshot
from fer_ros.types import PersonAttention
from home_support import emotion
import pytest

STATIC = Path(__file__).parents[2] / 'fer_ros' / 'dashboard' / 'static'


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(clock):
    return DashboardState(('hall', 'kitchen'), clock=clock)


def names(state):
    return {camera['name']: [person['id'] for person in camera['people']]
            for camera in state.people_part()}


def test_people_are_listed_by_camera_and_forgotten_when_it_falls_silent(state, clock):
    state.see('hall', [emotion('sad', track_id=2), emotion('happy', track_id=1)], now_s=1e9,
              stamp_s=1e9 - 0.05)
    assert names(state) == {'hall': [1, 2], 'kitchen': []}
    hall = state.people_part()[0]
    assert hall['people'][0]['label'] == 'happy'
    assert hall['people'][0]['filtered']['happy'] == 0.9
    assert hall['latency_ms'] == 50
    clock.now_s += 2
    hall = state.people_part()[0]
    assert (hall['status'], hall['people'], hall['rate_hz']) == ('silent', [], 0.0)


def test_faces_are_those_of_the_image_nearest_in_time(state):
    for stamp_s, track_id in ((10.0, 1), (10.1, 2)):
        state.see('hall', [emotion('sad', track_id=track_id)], now_s=1e9, stamp_s=stamp_s,
                  size=(200, 100))
    assert state.faces('hall', 10.04) == [[1, 0.05, 0.1, 0.5, 1.0]]
    assert state.faces('hall', 10.06)[0][0] == 2
    assert state.faces('hall', 10.5)[0][0] == 2
    assert state.faces('hall', 10.7) == [] == state.faces('kitchen', 10.0)


def test_where_people_look_is_kept_while_it_is_reported(state, clock):
    state.see('hall', [emotion('sad', track_id=1), emotion('sad', track_id=2)], now_s=1e9)
    assert [person['attention'] for person in state.people_part()[0]['people']] == [None, None]
    state.attend('hall', [PersonAttention(1, 'away', 'tablet', eyes=(0.5, 0.4), gaze=(0.3, 0.1))])
    first, second = (person['attention'] for person in state.people_part()[0]['people'])
    assert (first['state'], first['zone'], first['gaze']) == ('away', 'tablet', [0.3, 0.1])
    assert second is None
    state.see('hall', [emotion('sad', track_id=1)], now_s=1e9 + 1.2)
    clock.now_s += 1.6
    state.see('hall', [emotion('sad', track_id=1)], now_s=1e9 + 3)
    assert state.people_part()[0]['people'][0]['attention'] is None
    assert [row['attention'] for row in state.history.timeline(1e9 + 3, 60)[:1]] == [
        ['', 'away', '']]


def test_a_silent_camera_says_why(state, clock):
    state.silence('hall', 'the clip has ended (a.mp4)')
    assert state.people_part()[0]['reason'] == 'the clip has ended (a.mp4)'
    before = state.versions()
    state.silence('hall', 'the clip has ended (a.mp4)')
    assert state.versions() == before
    state.see('hall', [], now_s=1e9)
    assert state.people_part()[0]['reason'] == ''


def test_a_node_is_gone_when_it_is_silent_or_has_left_the_graph(state, clock):
    for name in ('camera_driver', 'annotator'):
        state.diagnose(name, 0, 'active', {'rate': '30'})
    before = state.versions()['health']
    state.present({'camera_driver'})
    assert {node['name']: node['level'] for node in state.health_part()} == {
        'camera_driver': 'ok', 'annotator': 'gone'}
    assert state.versions()['health'] > before
    assert 'it has left the ROS graph. Start it again' in state.gone('annotator')
    clock.now_s += 1.7
    assert not state.gone('camera_driver')
    clock.now_s += 0.2
    assert 'not been seen for 2 s' in state.gone('camera_driver')
    state.diagnose('camera_driver', 1, 'no image: plug it in', {})
    assert not state.gone('camera_driver')
    assert state.complaint('camera_driver') == 'camera_driver: no image: plug it in'


def test_time_alone_changes_the_version_of_what_has_gone(state, clock):
    state.diagnose('camera_driver', 0, 'active', {})
    before = state.versions()
    assert state.versions() == before
    clock.now_s += 2
    assert state.versions()['health'] > before['health']


def test_the_newest_action_stands_first(state):
    for number in range(60):
        state.act(AmbientAction(
            stamp_s=number, room='study', target='lamp', command=Command.SET,
            request=LightRequest(LightState(True, 0.5, (1.0, 0.5, 0.0))), transition_s=1.0,
            emotion='happy', confidence=0.8, reason=f'happy {number}',
            outcome=Outcome.CONFIRMED))
    actions = state.home_part()['actions']
    assert len(actions) == 50
    assert actions[0]['reason'] == 'happy 59'
    assert (actions[0]['request']['light']['color'], actions[0]['outcome']) == (
        '#ff8000', 'confirmed')


WARM = LightState(True, 0.5, None, 2700)


@pytest.mark.parametrize('request_, shown', [
    (LightRequest(WARM), {'kind': 'light', 'light': {
        'on': True, 'brightness': 0.5, 'color': '#ffad59', 'color_temperature_k': 2700}}),
    # Unknown values stay unknown.
    (LightRequest(LightState(True)), {'kind': 'light', 'light': {
        'on': True, 'brightness': None, 'color': None, 'color_temperature_k': None}}),
    # What is shown is how the light will be, not only what a rule says of it.
    (LightRequest(LightState(True, 0.5), WARM), {'kind': 'light', 'light': {
        'on': True, 'brightness': 0.5, 'color': '#ffad59', 'color_temperature_k': 2700}}),
    (SceneRequest('party'), {'kind': 'scene', 'scene': 'party'}),
    (BlindRequest(0.25), {'kind': 'blind', 'position': 0.25}),
    (SwitchRequest(True), {'kind': 'switch', 'on': True}),
    (VolumeRequest(0.5), {'kind': 'volume', 'volume': 0.5})])
def test_what_is_requested_is_shown_in_fields_of_its_kind(state, request_, shown):
    jsonschema = pytest.importorskip('jsonschema')
    schema = json.loads((STATIC / 'state.schema.json').read_text(encoding='utf-8'))
    reported = {'scene': None, 'blind': BlindState(0.75), 'switch': SwitchState(False),
                'volume': VolumeState(0.4)}.get(request_.kind, WARM)
    room = RoomSnapshot(
        'study', True, 'mirror', ('mirror',), False, 'sad', 0.5, 1,
        last=LastAction('one', request_, 'sad for 2 s'), devices=(DeviceSnapshot(
            'one', request_.kind, True, ControlState.COMMANDED, reported),))
    state.act(AmbientAction(
        stamp_s=1.0, room='study', target='one', command=Command.RESTORE, request=request_,
        transition_s=1.5, emotion='sad', confidence=0.5, reason='r', detail='away',
        outcome=Outcome.FAILED))
    state.rooms([room])
    jsonschema.validate(state.snapshot(1e9), schema)
    home = state.home_part()
    assert home['actions'][0]['request'] == home['rooms'][0]['last']['request'] == shown
    assert home['actions'][0]['detail'] == 'away'
    # One of two cameras is blind, and yet the room is known.
    assert (home['rooms'][0]['fresh'], home['rooms'][0]['confidence']) == (False, 0.5)
    assert home['rooms'][0]['devices'][0]['state'] == 'commanded'


def test_a_home_that_says_the_same_again_is_not_news(state):
    room = RoomSnapshot('study', True, 'mirror', ('mirror',), True)
    state.rooms([room])
    before = state.versions()['home']
    state.rooms([room])
    assert state.versions()['home'] == before
    state.rooms([replace(room, confidence=0.1)])
    assert state.versions()['home'] > before


def rows(history, now_s, hours=4):
    return list(csv.DictReader(io.StringIO(''.join(history.csv(now_s, hours)))))


def test_history_has_a_row_a_second_and_one_for_each_change():
    history = History(('hall',), hours=1)
    for tenth in range(30):
        history.add(0, emotion('happy', duration_s=tenth / 10), 1e9 + tenth / 10)
    history.add(0, emotion('uncertain'), 1e9 + 3)
    found = rows(history, 1e9 + 3)
    assert tuple(found[0]) == COLUMNS
    assert [row['label'] for row in found] == ['happy'] * 3 + ['uncertain']
    assert found[0]['time'] == '2001-09-09T01:46:40.000+00:00'
    assert float(found[1]['happy']) == pytest.approx(0.9, abs=1e-4)
    assert sum(float(found[1][label]) for label in LABELS) == pytest.approx(1, abs=1e-3)


def test_history_forgets_what_is_older_and_what_a_clock_left_in_the_future():
    history = History(('hall',), hours=0.5)
    history.add(0, emotion('happy'), 1e9)
    history.add(0, emotion('happy'), 1e9 + 1799)
    assert len(history) == 2
    history.add(0, emotion('happy'), 1e9 + 1801)
    assert len(history) == 2
    # A played recording begins again an hour earlier.
    history.add(0, emotion('sad'), 1e9 - 3600)
    assert [row['label'] for row in rows(history, 1e9 - 3600)] == ['sad']


def test_history_of_no_hours_remembers_nothing():
    history = History(('hall',), hours=0)
    history.add(0, emotion('happy'), 1e9)
    assert len(history) == 0 and rows(history, 1e9) == []


def test_the_timeline_has_a_column_a_label_for_each_person():
    history = History(('hall', 'kitchen'), hours=1)
    for second in range(10):
        history.add(0, emotion('happy', track_id=1), 1e9 + second)
        history.add(1, emotion('sad', track_id=1), 1e9 + second)
    people = history.timeline(1e9 + 9, seconds=4)
    assert [(person['camera'], person['id']) for person in people] == [('hall', 1), ('kitchen', 1)]
    assert people[0]['time_s'] == [1e9 + 5 + i for i in range(5)]
    assert people[1]['sad'] == [0.9] * 5

# SPDX-License-Identifier: Apache-2.0
"""Areas and labels of Home Assistant as groups of lights, whose members change."""

import time

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import Command
from fer_ros.home.controller import HomeController
from fer_ros.home.decisions.memory import HomeMemory
from fer_ros.home.groups import member_name
from fer_ros.home.policy import parse_policy
from fer_ros.home.world.home_assistant_registries import Registries
from ha_server import Server, TOKEN
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from test_home_assistant import Running

POLICY = """
version: 1
home_assistant: {{url: 'http://127.0.0.1:{port}', token: {{env: HA_TOKEN}}, poll_s: 0.2}}
policies:
  mirror: {{by_emotion: {{happy: {{brightness: 0.9, targets: [lights]}},
                          sad: {{brightness: 0.3}}}}}}
rooms:
  study:
    policy: mirror
    targets:
      lights: {{type: home_assistant_lights, area: Study, brightness_max: 0.8}}
      reading: {{type: home_assistant_light, entity_id: light.reading}}
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.2
    transition_s: 0.1
    nobody: {{after_s: 0.5}}
    hold: {{for_s: 60, settle_s: 0.4}}
"""


def light(level=100):
    return {'state': 'on', 'attributes': {'brightness': level,
                                          'supported_color_modes': ['brightness']}}


def entry(entity_id, **fields):
    return {'entity_id': entity_id, 'area_id': None, 'device_id': None, 'labels': [],
            'platform': 'mqtt', 'disabled_by': None, 'hidden_by': None, 'entity_category': None,
            **fields}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('HA_TOKEN', TOKEN)
    one = Server()
    one.entities |= {f'light.{name}': light() for name in ('floor', 'wall', 'reading', 'shelf')}
    one.registries['area'] = [{'area_id': 'study', 'name': 'Study', 'aliases': ['書斎'],
                               'labels': []},
                              {'area_id': 'attic', 'name': 'Attic', 'labels': ['cosy']}]
    one.registries['label'] = [{'label_id': 'cosy', 'name': 'Cosy'}]
    one.registries['device'] = [{'id': 'd1', 'area_id': 'study', 'labels': []},
                                {'id': 'd2', 'area_id': 'attic', 'labels': []}]
    one.registries['entity'] = [
        entry('light.floor', area_id='study'), entry('light.wall', device_id='d1'),
        entry('light.reading', area_id='study'), entry('light.shelf', device_id='d2')]
    yield one
    one.shutdown()
    one.server_close()


def started(server, text=POLICY, **options):
    one = Running(server.server_port, text=text)
    one.see('', lambda: names(one) >= {'reading', 'lights_floor', 'lights_wall'}
            and all(device.known for device in one.home.snapshot('study').devices))
    return one


@pytest.fixture
def running(server):
    one = started(server)
    yield one
    one.home.close(time.time())


def names(running):
    return {device.target for device in running.home.snapshot('study').devices}


def level(server, name):
    return server.entities[f'light.{name}']['attributes']['brightness']


def test_the_lights_of_an_area_are_devices_of_their_own(server, running):
    # What is a target by itself is not a member.
    assert names(running) == {'reading', 'lights_floor', 'lights_wall'}
    running.see('happy', lambda: len(running.actions) == 2)
    assert {action.target for action in running.actions} == {'lights_floor', 'lights_wall'}
    assert level(server, 'floor') == level(server, 'wall') == round(255 * 0.8)
    targets = running.home._engine.room('study').targets
    running.see('happy', lambda: not any(targets[one].in_window for one in targets))
    # One of them is dimmed by a person: the other goes on.
    server.change('light.floor', server.context(user='me'), brightness=30)
    running.see('happy', lambda: targets['lights_floor'].holds.held)
    running.see('sad', lambda: {action.target for action in running.actions[2:]} == {
        'lights_wall', 'reading'})
    assert level(server, 'floor') == 30 and level(server, 'wall') == round(255 * 0.3)
    running.see('', lambda: level(server, 'wall') == 100)
    assert level(server, 'floor') == 30


def test_members_come_and_go(server, running):
    running.see('happy', lambda: len(running.actions) == 2)
    server.register('entity', entry('light.shelf', area_id='study'))
    running.see('happy', lambda: level(server, 'shelf') == round(255 * 0.8))
    # Who leaves is as before, and is not followed any more.
    server.register('entity', entry('light.wall', area_id='attic'))
    running.see('happy', lambda: level(server, 'wall') == 100)
    assert names(running) == {'reading', 'lights_floor', 'lights_shelf'}
    assert running.of('lights_wall')[-1].command == Command.RESTORE
    assert running.of('lights_wall')[-1].reason == 'no longer one of lights'
    server.change('light.wall', server.context(user='me'), brightness=7)
    # And back again, with what it is now.
    server.register('entity', entry('light.wall', area_id='study'))
    running.see('happy', lambda: level(server, 'wall') == round(255 * 0.8))
    running.see('', lambda: level(server, 'wall') == 7 and level(server, 'shelf') == 100)


def test_an_area_without_lights_is_reported_and_the_rest_goes_on(server, running):
    server.register('device', {'id': 'd1', 'area_id': 'attic', 'labels': []})
    for name in ('floor', 'reading'):
        server.register('entity', entry(f'light.{name}', area_id='attic'))
    running.see('', lambda: running.complains(
        "study/lights: area 'Study' has no lights in Home Assistant: add some to it"))
    running.see('sad', lambda: running.of('reading'))
    assert names(running) == {'reading'}
    server.registries['area'] = []
    server.changed('area')
    running.see('', lambda: running.complains("Home Assistant has no area 'Study': it has none"))


def test_without_a_websocket_the_members_are_reported_as_unknown(server):
    server.pushes = False
    one = Running(server.server_port, text=POLICY)
    try:
        one.see('sad', lambda: one.of('reading') and one.complains(
            'study/lights: the lights of area Study are not known: Home Assistant is connected, '
            'polled every 0.2 s (no WebSocket: '))
    finally:
        one.home.close(time.time())


def test_known_members_are_polled_while_the_websocket_is_away(server, running):
    server.pushes = False
    server.drop()
    running.see('', lambda: not running.client.pushed)
    running.see('happy', lambda: level(server, 'wall') == round(255 * 0.8))
    server.pushes = True
    running.see('happy', lambda: running.client.pushed)
    server.change('light.wall', server.context(user='me'), brightness=7)
    running.see('happy', lambda: running.home.snapshot('study').on_hold)


def test_what_is_remembered_of_members_waits_for_them(server, running):
    running.see('happy', lambda: len(running.actions) == 2)
    targets = running.home._engine.room('study').targets
    running.see('happy', lambda: not any(targets[one].in_window for one in targets))
    server.change('light.floor', server.context(user='me'), brightness=30)
    running.see('happy', lambda: targets['lights_floor'].holds.held)
    memory = running.home._engine.memory()
    room = HomeMemory.model_validate({'version': 1, 'rooms': memory}).rooms['study']
    assert set(room.targets) == {'lights_floor', 'lights_wall'}
    policy = parse_policy(POLICY.format(port=server.server_port))
    second = HomeController(policy)
    try:
        # Not yet known to be members, and still remembered, should it be killed again.
        second._engine.recall(HomeMemory.model_validate({'version': 1, 'rooms': memory}),
                              now_s=time.time())
        assert HomeMemory.model_validate({'version': 1, 'rooms': second._engine.memory()}).rooms[
            'study'].targets == room.targets
        running.home, first = second, running.home
        running.see('happy', lambda: names(running) >= {'lights_floor', 'lights_wall'})
        held = {device.target: device.held for device in second.snapshot('study').devices}
        assert held['lights_floor'] == ('brightness',) and not held['lights_wall']
        first._disconnect()
        running.see('', lambda: level(server, 'wall') == 100)
        assert level(server, 'floor') == 30
    finally:
        running.home.close(time.time())


def test_a_reload_keeps_what_is_known_of_members(server, running):
    running.see('happy', lambda: len(running.actions) == 2)
    running.home.reload(time.time(), parse_policy(POLICY.format(port=server.server_port)))
    running.see('happy', lambda: names(running) >= {'lights_floor', 'lights_wall'})
    running.see('', lambda: level(server, 'wall') == level(server, 'floor') == 100)


def test_a_dry_run_has_one_lamp_for_the_group():
    home = HomeController(parse_policy(POLICY.format(port=1)), dry_run=True)
    assert {device.target for device in home.snapshot('study').devices} == {'lights', 'reading'}


@pytest.mark.parametrize('group, fault', [
    ('{type: home_assistant_lights}', 'give one of area and label'),
    ('{type: home_assistant_lights, area: a, label: b}', 'give one of area and label'),
    ("{type: home_assistant_lights, area: ''}", 'area: .*at least 1')])
def test_a_group_is_an_area_or_a_label(group, fault):
    text = POLICY.format(port=1).replace(
        '{type: home_assistant_lights, area: Study, brightness_max: 0.8}', group)
    with pytest.raises(ConfigurationError, match=fault):
        parse_policy(text)


def registries(**lists):
    one = Registries()
    for kind in ('entity', 'device', 'area', 'label'):
        one.take(kind, lists.get(kind, []))
    assert one.complete
    return one


AREAS = [{'area_id': 'study', 'name': 'Study', 'aliases': ['書斎'], 'labels': ['cosy']},
         {'area_id': 'hall', 'name': 'Hall', 'labels': []}]
LABELS = [{'label_id': 'cosy', 'name': 'Cosy'}, {'label_id': 'night', 'name': 'Night'}]
DEVICES = [{'id': 'd', 'area_id': 'study', 'labels': ['night']}]


@pytest.mark.parametrize('fields, areas, labels', [
    ({'area_id': 'study'}, {'study'}, {'cosy'}),
    ({'device_id': 'd'}, {'study'}, {'cosy', 'night'}),
    # Its own area goes before that of its device.
    ({'device_id': 'd', 'area_id': 'hall'}, {'hall'}, {'night'}),
    ({'labels': ['cosy']}, set(), {'cosy'}), ({}, set(), set()),
    ({'area_id': 'study', 'disabled_by': 'user'}, set(), set()),
    ({'area_id': 'study', 'hidden_by': 'user'}, set(), set()),
    ({'area_id': 'study', 'entity_category': 'config'}, set(), set()),
    # A group of lights would ask its members twice.
    ({'area_id': 'study', 'platform': 'group'}, set(), set()),
    ({'area_id': 'study', 'entity_id': 'switch.a'}, set(), set())])
def test_which_lights_belong(fields, areas, labels):
    one = registries(entity=[{**entry('light.a'), **fields}], device=DEVICES, area=AREAS,
                     label=LABELS)
    assert {area for area in ('study', 'hall') if one.lights(area, None)[0]} == areas
    assert {label for label in ('cosy', 'night') if one.lights(None, label)[0]} == labels
    # By the name and its aliases, too, however written.
    assert bool(one.lights('書斎', None)[0]) == bool(one.lights('STUDY', None)[0]) == (
        'study' in areas)


VALUES = st.recursive(st.one_of(st.none(), st.integers(0, 2), st.sampled_from(
    ['light.a', 'study', 'd'])), lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
            ['entity_id', 'area_id', 'device_id', 'id', 'labels', 'name', 'aliases', 'label_id']),
            inner, max_size=4)), max_leaves=20)


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES, VALUES, VALUES)
def test_odd_registries_have_no_lights_that_are_none(entity, device, area, label):
    one = registries(entity=entity, device=device, area=area, label=label)
    for asked in (('study', None), (None, 'study')):
        lights, problem = one.lights(*asked)
        assert set(lights) <= {'light.a'} and bool(lights) != bool(problem)


def test_names_of_members_are_names_of_targets():
    assert member_name('lights', 'light.floor') == 'lights_floor'
    long = [member_name('lights', f'light.{"x" * 80}{end}') for end in 'ab']
    assert len(set(long)) == 2 and all(len(one) == 40 for one in long)

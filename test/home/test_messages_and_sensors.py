# SPDX-License-Identifier: Apache-2.0
"""Texts for people, rooms that only tell, and which policies a room may take."""

import json
from types import SimpleNamespace

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import Outcome
from fer_ros.home.commands import RoomCommand
from fer_ros.home.controller import HomeController
from fer_ros.home.devices import make_device
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.policy import parse_policy
from fer_ros.home.world.discovery import HomeAssistantDiscovery
from home_support import emotion, Sim
import pytest

TEXT = """
version: 1
name: Haus am See
broker: {host: localhost}
home_assistant: {url: 'http://localhost:8123', token: {env: X}}
policies:
  tell:
    by_emotion:
      sad: {message: '{emotion} in {room} for {duration} ({people}), {{rule}} {rule} at {time}'}
  scripts:
    by_emotion:
      sad: {scene: ring}
      happy: {scene: calm}
  gentle: {by_emotion: {happy: {message: hello}}}
rooms:
  study:
    name: 書斎 Ünal
    policy: tell
    allowed_policies: [tell, scripts]
    targets:
      phone: {type: home_assistant_notify, service: notify.mobile_app_phone, title: Home}
      log: {type: message}
      topic: {type: mqtt_message, topic: a/b}
      mood: {type: home_assistant_scene, scenes: {ring: script.ring, calm: scene.calm}}
    dwell_s: 2
    cooldown_s: 1
    nobody: {after_s: 5}
  hall: {sources: [hall/emotions]}
"""


def test_a_message_is_sent_once_each_time_the_feeling_comes():
    sim = Sim(TEXT)
    for _ in range(3):
        done = sim.see('sad', 30)
        assert {action.target for action in done} == {'phone', 'log', 'topic'}
        text = done[0].request.text
        assert text.startswith('sad in 書斎 Ünal for 2 s (1), {rule} sad at 12:00')
        assert not sim.see('uncertain', 10)
    # A moment of uncertainty does not end it, but leaving does.
    sim.see('sad', 5)
    sim.see('uncertain', 1)
    count = len(sim.actions)
    assert not sim.see('sad', 20)
    assert not sim.see([], 10)
    sim.see('sad', 5)
    assert len(sim.actions) == count + 3


def test_a_script_is_called_each_time_and_a_scene_once():
    sim = Sim(TEXT, policy='scripts')
    for expected in (1, 2, 3):
        sim.see('sad', 10)
        sim.see('uncertain', 10)
        assert len(sim.actions) == expected
    sim.see('happy', 10)
    sim.see('uncertain', 10)
    sim.see('happy', 10)
    assert len(sim.actions) == 4


@pytest.mark.parametrize('template, words', [
    ('{emotoin}', 'uses {emotoin}: known are emotion, room'),
    ('{room.__class__}', 'uses {room.__class__}'),
    ('{emotion[0]}', 'uses {emotion[0]}'),
    ('{}', 'uses {}'),
    ('{emotion', 'is not a text with names in braces'),
    ('{emotion:{room}}', 'write only the name in braces'),
    ('{people:d}', 'write only the name in braces'),
    ('', 'at least 1'),
])
def test_a_wrong_template_is_refused_with_its_place(template, words):
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(TEXT.replace('message: hello', f'message: {json.dumps(template)}'), 'p')
    assert words in str(caught.value)
    assert 'p:14: policies.gentle.by_emotion.happy.message' in str(caught.value)


@pytest.mark.parametrize('old, new, words', [
    ('policy: tell', '', 'rooms.study.policy: is missing: a room with targets requires one of'),
    ('policy: tell', 'policy: gentle', "'gentle' is not among the allowed_policies"),
    ('[tell, scripts]', '[tell, none]', "allowed_policies.1: 'none' is not among the policies"),
    ('hall: {', 'hall: {allowed_policies: [tell], ', 'a room without a policy cannot have '
                                                     'allowed_policies'),
    ('書斎 Ünal', '"a\\nb"', 'is not a display name'),
    ('notify.mobile_app_phone', 'light.phone', 'is not the id of an entity'),
])
def test_what_a_room_may_not_be_is_refused(old, new, words):
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(TEXT.replace(old, new, 1))
    assert words in str(caught.value)


def test_a_room_without_targets_is_a_sensor():
    policy = parse_policy('version: 1\nrooms: {hall: {sources: [emotions]}}')
    home = HomeController(policy, dry_run=True)
    for index in range(60):
        now_s = 100 + index / 10
        home.observe('emotions', [emotion('happy')], now_s, now_s=now_s)
        assert not home.tick(now_s)
    hall = home.snapshot('hall')
    assert (hall.emotion, hall.policies, hall.devices) == ('happy', (), ())
    assert hall.blocked_reason == 'a sensor: no policy'
    with pytest.raises(ConfigurationError, match='none, it is a sensor'):
        home.command(RoomCommand.SELECT_POLICY, 106.0, 'hall', 'tell')


def test_a_room_takes_only_the_policies_it_is_allowed():
    home = HomeController(parse_policy(TEXT), dry_run=True)
    assert home.snapshot('study').policies == ('tell', 'scripts')
    with pytest.raises(ConfigurationError, match="'gentle' is not one of study: expected one of "
                       'tell, scripts'):
        home.command(RoomCommand.SELECT_POLICY, 1.0, 'study', 'gentle')
    # For all rooms: those that may.
    home.command(RoomCommand.SELECT_POLICY, 1.0, None, 'scripts')
    assert home.snapshot('study').policy == 'scripts'
    with pytest.raises(ConfigurationError):
        home.command(RoomCommand.SELECT_POLICY, 1.0, None, 'gentle')


def test_home_assistant_shows_the_names_and_the_allowed_policies():
    policy = parse_policy(TEXT)
    discovery = HomeAssistantDiscovery(
        policy.broker, {'study': ('tell', 'scripts'), 'hall': ()}, '1', lambda *_: None,
        home=policy.name, titles={'study': '書斎 Ünal', 'hall': ''})
    study, hall = {}, {}
    for topic, payload in discovery.discovery():
        part = json.loads(payload)
        room = study if 'study' in topic else hall
        part['cmps'].update(room.get('cmps', {}))
        room.update(part)
    assert study['dev']['name'] == 'Emotions 書斎 Ünal (Haus am See)'
    assert study['dev']['sa'] == '書斎 Ünal'
    assert hall['dev']['name'] == 'Emotions Hall (Haus am See)'
    assert study['cmps']['policy']['ops'] == ['tell', 'scripts']
    assert 'policy' not in hall['cmps']


def test_what_home_assistant_accepted_is_confirmed():
    told = []
    home = HomeController(parse_policy(TEXT), on_action=told.append, dry_run=True)
    sent = []
    client = SimpleNamespace(connected=True, call=lambda *call: sent.append(call))
    for device in ('phone', 'mood'):
        spec = home.policy.rooms['study'].targets[device]
        home._devices['study', device] = make_device(spec, DeviceContext(
            f'study/{device}', report=None, clock=lambda: 0.0, home_assistant=client,
            result=lambda action, done, detail: home._queue.put(
                lambda _: home._dispatch.result(action, done, detail))))
    for index in range(40):
        now_s = 100 + index / 10
        home.observe('emotions', [emotion('sad')], now_s, now_s=now_s)
        home.tick(now_s)
        while sent:
            action, service, data, result = sent.pop()
            assert (service, data) == ('notify/mobile_app_phone',
                                       {'message': action.request.text, 'title': 'Home'})
            result(action, True, '')
    phone, = [action for action in told if action.target == 'phone']
    assert phone.outcome is Outcome.CONFIRMED

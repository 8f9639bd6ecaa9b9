# SPDX-License-Identifier: Apache-2.0
"""The client of Home Assistant's API against a local server that answers as its API does."""

import time

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import Command, Outcome
from fer_ros.home.controller import HomeController
from fer_ros.home.devices.home_assistant_light import light_state
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy
from ha_server import Server, TOKEN
from home_support import emotion
import pytest
from waiting import PATIENCE_S

POLICY = """
version: 1
home_assistant: {{url: 'http://127.0.0.1:{port}', token: {{env: HA_TOKEN}}, poll_s: 0.2}}
policies:
  mirror: {{by_emotion: {{happy: {{strategy: mirror, scene: party}}, sad: {{strategy: "off"}}}}}}
rooms:
  study:
    policy: mirror
    targets:
      desk: {{type: home_assistant_light, entity_id: {entity}}}
      mood: {{type: home_assistant_scene, scenes: {{party: scene.party}}}}
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.2
    transition_s: 0.1
    nobody: {{after_s: 0.5}}
    hold: {{scope: room, for_s: 60, settle_s: 0.4}}
"""

class Running:
    def __init__(self, port, entity='light.desk', text=POLICY):
        self.actions = []
        self.home = HomeController(parse_policy(text.format(port=port, entity=entity)),
                           on_action=self.actions.append)

    def see(self, label, until, timeout_s=PATIENCE_S):
        end = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < end, (self.home.snapshot('study'),
                                            self.home.complaints(), self.actions)
            now = time.time()
            self.home.observe('emotions', [emotion(label)] if label else [], now, now_s=now)
            self.home.tick(now)
            time.sleep(0.05)

    @property
    def client(self):
        return self.home._connections.home_assistant

    @property
    def held(self):
        return self.home.snapshot('study').devices[0].held

    def of(self, target):
        return [action for action in self.actions if action.target == target]

    def complains(self, words):
        return any(words in complaint.text for complaint in self.home.complaints())


@pytest.fixture(params=[True, False], ids=['pushed', 'polled'])
def server(request, monkeypatch):
    monkeypatch.setenv('HA_TOKEN', TOKEN)
    one = Server(request.param)
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture
def running(server):
    one = Running(server.server_port)
    one.see('', lambda: one.home._devices['study', 'desk'].available)
    one.see('', lambda: one.home.snapshot('study').devices[0].known)
    one.see('', lambda: one.client.pushed == server.pushes)
    yield one
    one.home.close(time.time())


def test_a_light_and_a_scene_are_called_read_back_and_restored(server, running):
    running.see('happy', lambda: running.of('desk') and running.of('mood'))
    (path, data), = [call for call in server.calls if 'light/' in call[0]]
    assert path == '/api/services/light/turn_on'
    assert data['entity_id'] == 'light.desk' and len(data['rgb_color']) == 3
    assert data['transition'] == 0.1 and 1 <= data['brightness'] <= 255
    assert ('/api/services/scene/turn_on', {'entity_id': 'scene.party', 'transition': 0.1}) in \
        server.calls
    assert running.of('desk')[0].outcome in (Outcome.CONFIRMED, Outcome.SENT)
    running.see('', lambda: len(running.of('desk')) == 2)
    assert running.of('desk')[1].command == Command.RESTORE
    assert server.entities['light.desk']['attributes']['color_temp_kelvin'] == 3000


def test_off_is_turn_off(server, running):
    running.see('sad', lambda: running.of('desk'))
    assert server.entities['light.desk']['state'] == 'off'


def test_a_change_in_home_assistant_holds_the_room(server, running):
    running.see('happy', lambda: running.of('desk'))
    desk = running.home._engine.room('study').targets['desk']
    # After the transition: during it a change is not an override.
    running.see('happy', lambda: not desk.in_window)
    server.change('light.desk', server.context(user='me'), brightness=10)
    running.see('happy', lambda: running.home.snapshot('study').on_hold)
    assert server.entities['light.desk']['attributes']['brightness'] == 10


def test_a_call_on_a_missing_entity_is_found_out(server, monkeypatch):
    one = Running(server.server_port, 'light.nowhere')
    try:
        one.see('happy', lambda: one.complains('knows no light.nowhere'))
    finally:
        one.home.close(time.time())
    assert not any(action.outcome == Outcome.CONFIRMED for action in one.of('desk'))


def test_an_entity_that_goes_is_a_failed_action(server, running):
    with server.lock:
        del server.entities['light.desk']
        server.drop()
    running.see('happy', lambda: running.of('desk'))
    assert running.of('desk')[0].outcome == Outcome.FAILED
    assert 'light.desk' in running.of('desk')[0].detail


def test_an_unavailable_light_is_reported(server, running):
    server.change('light.desk', server.context(), 'unavailable')
    running.see('', lambda: running.complains('light.desk is unavailable'))


def test_a_wrong_token_is_serious(server, monkeypatch):
    monkeypatch.setenv('HA_TOKEN', 'another')
    one = Running(server.server_port)
    try:
        one.see('happy', lambda: one.complains('rejects the token'))
        assert any(complaint.serious for complaint in one.home.complaints())
        assert not any('another' in complaint.text for complaint in one.home.complaints())
    finally:
        one.home.close(time.time())


def test_a_server_that_is_away_is_reported(server):
    server.shutdown()
    server.server_close()
    one = Running(server.server_port)
    try:
        one.see('happy', lambda: one.complains('refuses connections'))
    finally:
        one.home.close(time.time())


def test_a_missing_token_is_reported_at_once(monkeypatch):
    monkeypatch.delenv('HA_TOKEN', raising=False)
    with pytest.raises(ConfigurationError, match='home_assistant.token.*HA_TOKEN'):
        Running(1)


def test_an_entity_may_be_a_condition_beside_being_a_target(server):
    text = POLICY.replace('sad: {{strategy: "off"}}', 'sad: {{brightness: 0.9}}').replace(
        'mirror: {{by_emotion:', """mirror: {{rules: [
        {{name: film, emotion: sad, when: {{state: {{entity: media_player.tv, equals: playing}}}},
          brightness: 0.2}},
        {{name: lit, emotion: sad, when: {{state: {{entity: light.desk, equals: 'off'}}}},
          brightness: 0.3}}], by_emotion:""")
    one = Running(server.server_port, text=text)

    def last():
        desk = one.of('desk')
        return round(desk[-1].request.light.brightness, 2) if desk else None
    try:
        one.see('sad', lambda: last() == 0.9)
        one.see('sad', lambda: one.complains(
            'media_player.tv is not known to Home Assistant: check the name'))
        server.change('media_player.tv', server.context(), 'playing')
        one.see('sad', lambda: last() == 0.2)
        assert not one.complains('media_player.tv')
        server.change('media_player.tv', server.context(), 'unavailable')
        one.see('sad', lambda: last() == 0.9 and one.complains('media_player.tv is unavailable'))
    finally:
        one.home.close(time.time())


@pytest.mark.parametrize('entity, state', [
    ({'state': 'off', 'attributes': {}}, LightState(False)),
    ({'state': 'on', 'attributes': {'brightness': 255, 'color_mode': 'color_temp',
                                    'color_temp_kelvin': 2700, 'rgb_color': [255, 1, 1]}},
     LightState(True, 1.0, None, 2700)),
    ({'state': 'on', 'attributes': {'color_mode': 'hs', 'rgb_color': [255, 0, 0]}},
     LightState(True, None, (1.0, 0.0, 0.0))),
    ({'state': 'on', 'attributes': None}, LightState(True)),
    ({'state': 'unavailable'}, None), ({}, None)])
def test_light_states(entity, state):
    assert light_state(entity) == state

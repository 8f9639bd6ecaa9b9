# SPDX-License-Identifier: Apache-2.0
"""Switches, covers, players and scripts of Home Assistant."""

import time

from fer_ros.home.action import Command, Outcome
from fer_ros.home.devices.home_assistant_cover import HomeAssistantCover, HomeAssistantCoverTarget
from fer_ros.home.devices.home_assistant_media_player import (
    HomeAssistantMediaPlayer,
    HomeAssistantMediaPlayerTarget,
)
from fer_ros.home.devices.home_assistant_switch import (
    HomeAssistantSwitch,
    HomeAssistantSwitchTarget,
)
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.kinds.switch import SwitchState
from fer_ros.home.kinds.volume import VolumeState
from ha_server import Server, TOKEN
import pytest
from test_home_assistant import Running

POLICY = """
version: 1
home_assistant: {{url: 'http://127.0.0.1:{port}', token: {{env: HA_TOKEN}}, poll_s: 0.2}}
policies:
  film:
    by_emotion:
      happy: {{switch: on, blind: 0.3, volume: 0.2, message: '{{emotion}} in {{room}}'}}
      sad: {{message: '{{emotion}} again'}}
rooms:
  study:
    policy: film
    targets:
      fan: {{type: home_assistant_switch, entity_id: switch.fan}}
      curtain: {{type: home_assistant_cover, entity_id: cover.curtain}}
      shutter: {{type: home_assistant_cover, entity_id: cover.shutter}}
      radio: {{type: home_assistant_media_player, entity_id: media_player.radio}}
      tell: {{type: home_assistant_script, entity_id: script.tell}}
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.2
    transition_s: 0.1
    nobody: {{after_s: 0.5}}
    hold: {{for_s: 60, settle_s: 0.4}}
"""
ENTITIES = {
    'switch.fan': {'state': 'off', 'attributes': {}},
    'cover.curtain': {'state': 'open', 'attributes': {
        'current_position': 100, 'supported_features': 15}},
    'cover.shutter': {'state': 'open', 'attributes': {'supported_features': 3}},
    'media_player.radio': {'state': 'playing', 'attributes': {'volume_level': 0.5}},
    'script.tell': {'state': 'off', 'attributes': {}}}
ASKED = {'switch/turn_on': {'entity_id': 'switch.fan'},
         'cover/set_cover_position': {'entity_id': 'cover.curtain', 'position': 30},
         'cover/close_cover': {'entity_id': 'cover.shutter'},
         'media_player/volume_set': {'entity_id': 'media_player.radio', 'volume_level': 0.2}}
BACK = {'switch/turn_off': {'entity_id': 'switch.fan'},
        'cover/set_cover_position': {'entity_id': 'cover.curtain', 'position': 100},
        'cover/open_cover': {'entity_id': 'cover.shutter'},
        'media_player/volume_set': {'entity_id': 'media_player.radio', 'volume_level': 0.5}}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('HA_TOKEN', TOKEN)
    one = Server()
    one.entities |= {name: {'state': entity['state'], 'attributes': dict(entity['attributes'])}
                     for name, entity in ENTITIES.items()}
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture
def running(server):
    one = Running(server.server_port, text=POLICY)
    devices = one.home._devices.values
    one.see('', lambda: one.client.pushed and all(device.available for device in devices()))
    one.see('', lambda: all(device.known for device in snapshots(one) if device.target != 'tell'))
    yield one
    one.home.close(time.time())


def snapshots(running):
    return running.home.snapshot('study').devices


def calls(server):
    return [(path.removeprefix('/api/services/'), data) for path, data in server.calls]


def test_each_is_asked_confirmed_and_brought_back(server, running):
    running.see('happy', lambda: len(running.actions) == 5)
    assert {action.outcome for action in running.actions} == {Outcome.CONFIRMED}
    asked = dict(calls(server))
    # A script is accepted; what it does is its own.
    script = asked.pop('script/turn_on')
    assert script['entity_id'] == 'script.tell'
    assert script['variables']['message'] == 'happy in study'
    assert script['variables']['emotion'] == 'happy' and script['variables']['room'] == 'study'
    assert asked == ASKED
    server.calls.clear()
    running.see('', lambda: len(running.actions) == 9)
    assert {action.command for action in running.actions[5:]} == {Command.RESTORE}
    assert dict(calls(server)) == BACK


def test_a_script_runs_for_each_episode(server, running):
    for count in (1, 2):
        running.see('sad', lambda: len(running.of('tell')) == count)
        running.see('', lambda: not running.home._engine.room('study')._episode.requested)
    assert [data['variables']['message'] for _, data in calls(server)] == ['sad again'] * 2


@pytest.mark.parametrize('entity, change, name, held', [
    ('switch.fan', {'state': 'off'}, 'fan', ('power',)),
    ('cover.curtain', {'state': 'open', 'current_position': 80}, 'curtain', ('position',)),
    ('media_player.radio', {'state': 'playing', 'volume_level': 0.7}, 'radio', ('volume',))])
def test_a_manual_change_of_each_is_left_alone(server, running, entity, change, name, held):
    running.see('happy', lambda: len(running.actions) == 5)
    server.change(entity, server.context(user='me'), **change)
    running.see('happy', lambda: {device.target: device.held for device in snapshots(
        running)}[name] == held)
    # Nobody is there: what the person chose stays, the rest goes back.
    running.see('', lambda: len(running.actions) == 8)
    assert name not in {action.target for action in running.actions[5:]}


def test_a_player_that_is_off_is_left_alone_and_comes_back(server, running):
    server.change('media_player.radio', server.context(), 'off', volume_level=None)
    running.see('', lambda: not running.home._engine.room('study').targets['radio'].available)
    running.see('happy', lambda: len(running.actions) == 4)
    assert not running.of('radio') and not running.complains('media_player.radio')
    server.change('media_player.radio', server.context(), 'playing', volume_level=0.9)
    running.see('happy', lambda: running.of('radio'))
    assert not running.home.snapshot('study').on_hold


class _Context:
    def __init__(self):
        self.home_assistant, self.clock, self.heard, self.able = self, lambda: 100.0, [], []
        self.connected, self.delay_s = True, 0.0

    def watch(self, entity_id, device):
        pass

    def report(self, state, cause):
        self.heard.append((state, cause))

    def limits(self, limits):
        self.able.append(limits.dimmable)


@pytest.mark.parametrize('device, spec, entity, state', [
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'opening', 'attributes': {
        'current_position': 40}}, BlindState(0.4)),
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'opening'}, None),
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'closed'}, BlindState(0.0)),
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'open', 'attributes': {
        'current_position': 'x'}}, BlindState(1.0)),
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'open', 'attributes': {
        'current_position': 400}}, BlindState(1.0)),
    (HomeAssistantCover, HomeAssistantCoverTarget, {'state': 'unknown', 'attributes': []}, None),
    (HomeAssistantMediaPlayer, HomeAssistantMediaPlayerTarget, {'state': 'idle', 'attributes': {
        'volume_level': 0.4}}, VolumeState(0.4)),
    (HomeAssistantMediaPlayer, HomeAssistantMediaPlayerTarget, {'state': 'on', 'attributes': {
        'volume_level': 0.4, 'is_volume_muted': True}}, VolumeState(0.0)),
    (HomeAssistantMediaPlayer, HomeAssistantMediaPlayerTarget, {'state': 'on', 'attributes': {
        'volume_level': 7}}, None),
    (HomeAssistantMediaPlayer, HomeAssistantMediaPlayerTarget, {'state': 'unavailable'}, None),
    (HomeAssistantSwitch, HomeAssistantSwitchTarget, {'state': 'on'}, SwitchState(True)),
    (HomeAssistantSwitch, HomeAssistantSwitchTarget, {'state': 3}, None),
    (HomeAssistantSwitch, HomeAssistantSwitchTarget, {}, None)])
def test_what_an_entity_tells(device, spec, entity, state):
    kind = spec.model_fields['type'].annotation.__args__[0]
    name = {'home_assistant_cover': 'cover.a', 'home_assistant_switch': 'switch.a',
            'home_assistant_media_player': 'media_player.a'}[kind]
    context = _Context()
    one = device(spec(type=kind, entity_id=name), context)
    one.update(entity, Cause.PERSON)
    assert context.heard == ([] if state is None else [(state, Cause.PERSON)])
    assert one.available == (one.usable(entity))
    one.update({'state': 'unavailable'})
    assert not one.available and one.problem == f'{name} is unavailable in Home Assistant'

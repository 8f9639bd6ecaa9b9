# SPDX-License-Identifier: Apache-2.0
"""The virtual room behind a broker: a blind, scenes, and a lamp changed by what a person types."""

import json
import subprocess
import sys
import time

from conftest import POLICY
from fer_ros.cli import virtual_room as command
from fer_ros.home.action import Outcome
from fer_ros.home.policy import Broker
from fer_ros.home.world.virtual_room import VirtualRoom
from mosquitto import free_port, wait_for
import pytest

FURNISHED = POLICY.replace('happy: {{strategy: mirror}}', 'happy: {{scene: relax, blind: 0.4}}'
                           ).replace('lamp: {{type: mqtt_light, topic: virtual_room/lamp}}', """\
mood: {{type: mqtt_scene, topic: virtual_room/scene, scenes: {{relax: relax}}}}
      blind: {{type: mqtt_blind, topic: virtual_room/blind}}""")


@pytest.fixture
def furnished(broker, virtual_room, house):
    one = broker()
    one.room, one.running = virtual_room(one.port), house(one.port, FURNISHED)
    one.running.see('happy', until=lambda: len(one.running.actions) == 2)
    return one


def test_a_blind_and_a_scene_take_part(furnished):
    wait_for(lambda: furnished.room.blind == 0.4, what='the blind')
    wait_for(lambda: furnished.room.lamp.color_temperature_k == 2200, what='the scene')
    assert {action.target: action.outcome for action in furnished.running.actions} == {
        'mood': Outcome.SENT, 'blind': Outcome.CONFIRMED}
    assert [topic for topic, _ in furnished.room.commands] == [
        'virtual_room/scene', 'virtual_room/blind/set']
    # It was open, and is so again when nobody is in view.
    furnished.running.see('', until=lambda: furnished.room.blind == 1.0)


def test_a_blind_that_is_moved_manually_holds_the_room(furnished, spy):
    furnished.running.see('happy', 1.0)
    spy(furnished.port).publish('virtual_room/blind/set', '{"position": 90}')
    furnished.running.see('happy', until=lambda: furnished.running.status.on_hold)
    assert furnished.running.status.hold_reason == 'blind was moved manually'
    furnished.running.see('', 1.0)
    assert furnished.room.blind == 0.9


def test_what_is_typed_is_a_manual_change(broker, house, tmp_path):
    one, output = broker(), tmp_path / 'output'
    with output.open('w') as file, subprocess.Popen(
            [sys.executable, '-u', '-m', 'fer_ros.cli.virtual_room', '--port', str(one.port)],
            stdin=subprocess.PIPE, stdout=file, text=True) as process:
        try:
            running = house(one.port)
            running.see('', until=lambda: running.status.devices[0].reported)
            running.see('happy', until=lambda: running.actions)
            assert running.actions[0].outcome == Outcome.CONFIRMED
            process.stdin.write('glow\nbrightness 0.2\n')
            process.stdin.flush()
            running.see('happy', until=lambda: running.status.on_hold)
            process.stdin.write('off\non\n')
            process.stdin.flush()
            # Off and on ends the hold, and the feeling is answered again.
            running.see('happy', until=lambda: len(running.actions) == 2)
            running.see('happy', until=lambda: 'lamp on 70% #ffc11e, blind 100% open'
                        in output.read_text().rpartition('manually: lamp off')[2])
            process.communicate('quit\n', timeout=60)
        finally:
            process.kill()
    printed = output.read_text()
    assert process.returncode == 0
    assert 'virtual_room/blind' in printed and printed.count(command._HELP) == 2
    assert 'manually: lamp on 20%' in printed and 'manually: lamp off' in printed


def test_a_fade_that_ends_between_two_looks_is_reported_to_its_end():
    room, published = VirtualRoom(Broker(host='localhost')), []
    room._connection.publish = lambda _, payload, **__: published.append(json.loads(payload))
    room._receive('virtual_room/lamp/set', b'{"brightness": 25, "transition": 0.01}', False)
    wait_for(lambda: not room._lamp.fading(time.monotonic()), what='the end of the fade')
    room._worker.start()
    try:
        wait_for(lambda: published[-1]['brightness'] == 25, what='the last report')
    finally:
        room.stop()


@pytest.mark.parametrize('arguments, words', [
    (['--username', 'me', '--password-env', 'NO_SUCH_VARIABLE'], 'NO_SUCH_VARIABLE is not set'),
    (['--port', '0'], 'greater than or equal to 1'),
    (['--ca-file', '/nowhere.pem'], 'ca_file /nowhere.pem')])
def test_a_room_that_cannot_be_is_reported(arguments, words, capsys):
    assert command.main(arguments) == 1
    assert words in capsys.readouterr().err


def test_a_broker_that_is_away_is_shown(capsys, monkeypatch):
    lines = iter(['color #00ff00'])

    class Input:
        """Ends when the reason stands on the screen."""

        def __iter__(self):
            yield from lines
            wait_for(lambda: 'refuses connections' in self.shown(), what='the reason')

        def shown(self):
            self.text = getattr(self, 'text', '') + capsys.readouterr().out
            return self.text
    monkeypatch.setattr(sys, 'stdin', Input())
    assert command.main(['--port', str(free_port())]) == 0

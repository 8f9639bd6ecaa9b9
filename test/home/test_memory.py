# SPDX-License-Identifier: Apache-2.0
"""What a home remembers: written whole, read with distrust, and acted on."""

from datetime import datetime
import json
import os
import stat

from fer_ros.home.action import Command
from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.decisions.memory import HomeMemory
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.world.state_file import StateFile
from home_support import Sim
import pytest

TEXT = """
version: 1
broker: {host: localhost}
policies:
  mirror:
    by_emotion:
      happy: {brightness: 0.9}
      surprise: {brightness: 1.0, then: restore}
  warm: {by_emotion: {happy: {brightness: 0.3}}}
rooms:
  study:
    policy: mirror
    targets:
      lamp: {type: mqtt_light, topic: a}
      shelf: {type: mqtt_light, topic: b}
    dwell_s: 1
    cooldown_s: 1
    hold: {for_s: 600}
    nobody: {after_s: 10}
"""


def restarted(sim, away_s=5.0, **room):
    """Return the home after a kill: the lamps are as they were, the process knows nothing."""
    memory = json.loads(json.dumps({'version': 1, 'rooms': sim.engine.memory()}))
    new = Sim(TEXT, start_s=sim.now_s + away_s, answers=False, **room)
    new.lamps, new.answers = sim.lamps, True
    new.engine.recall(HomeMemory.model_validate(memory), now_s=new.now_s)
    new.report()
    return new


def levels(actions):
    return {(action.target, action.request.light.brightness) for action in actions}


def test_off_stays_off():
    sim = Sim(TEXT)
    sim.see('happy', 5)
    sim.command(RoomCommand.SWITCH_OFF)
    sim = restarted(sim)
    assert not sim.status.enabled
    assert not sim.see('happy', 60) and sim.status.emotion is None
    # Where the policy file says something else now, the file wins.
    assert not restarted(sim, enabled=False).status.enabled
    off = Sim(TEXT, enabled=False)
    off.command(RoomCommand.SWITCH_ON)
    assert restarted(off, enabled=False).status.enabled
    assert restarted(restarted(off, enabled=False), enabled=True).status.enabled


def test_the_policy_stays_unless_the_file_changed_or_has_it_no_more():
    sim = Sim(TEXT)
    sim.command(RoomCommand.SELECT_POLICY, 'warm')
    assert restarted(sim).status.policy == 'warm'
    assert restarted(sim, policy='warm').status.policy == 'warm'
    memory = {'version': 1, 'rooms': sim.engine.memory()}
    memory['rooms']['study']['policy'] = 'gone'
    memory['rooms']['attic'] = memory['rooms']['study']
    new = Sim(TEXT)
    new.engine.recall(HomeMemory.model_validate(memory), now_s=new.now_s)
    assert new.status.policy == 'mirror'


@pytest.mark.parametrize('away_s, left_s', [
    (100, 500), (599, 1), (700, 0),
    # The clock of a machine without a battery: it may last longer, never longer than a hold.
    (-3600, 600)])
def test_a_hold_goes_on_until_its_end(away_s, left_s):
    sim = Sim(TEXT)
    sim.see('happy', 5)
    sim.set_manually(brightness=0.2)
    assert sim.status.on_hold
    sim = restarted(sim, away_s - 0.0)
    assert sim.status.hold_left_s == pytest.approx(left_s, abs=1)
    if left_s:
        assert 'lamp was changed' in sim.status.hold_reason
        assert sim.room.targets['lamp'].state is ControlState.OVERRIDDEN
        assert not sim.see('surprise', left_s - 0.5, step_s=0.5)
    # What the person chose is how the room is.
    sim.see([], 15)
    assert sim.lamps['lamp'].state(sim.now_s).brightness == 0.2


def test_what_was_done_is_undone_after_a_restart():
    sim = Sim(TEXT)
    sim.see('happy', 5)
    sim = restarted(sim)
    assert not sim.see('happy', 10), 'it is so already'
    assert not sim.status.on_hold
    done = sim.see([], 15)
    assert {action.command for action in done} == {Command.RESTORE}
    assert levels(done) == {('lamp', 0.6), ('shelf', 0.6)}
    # And nothing is left to remember.
    sim.see([], 10)
    assert sim.engine.memory()['study']['targets'] == {}


def test_a_rule_with_an_end_ends_after_a_restart():
    sim = Sim(TEXT)
    sim.see('surprise', 4)
    assert levels(sim.actions) == {('lamp', 1.0), ('shelf', 1.0)}
    done = restarted(sim).see('uncertain', 7)
    assert {action.command for action in done} == {Command.RESTORE}
    # While it is still felt it stays, and ends with the feeling.
    sim = Sim(TEXT)
    sim.see('surprise', 4)
    sim = restarted(sim)
    assert not sim.see('surprise', 10)
    done = sim.see('uncertain', 6)
    assert {action.command for action in done} == {Command.RESTORE}


def test_a_change_while_the_bridge_was_away_is_an_override():
    sim = Sim(TEXT)
    sim.see('happy', 5)
    sim.lamps['lamp'].set(sim.lamps['lamp'].state(sim.now_s).merged(
        type(sim.lamps['lamp'].state(0))(True, 0.1)), 0, sim.now_s)
    sim = restarted(sim)
    sim.see('happy', 5)
    assert sim.status.on_hold and not sim.actions


def test_a_lamp_in_memory_begins_again():
    sim = Sim(policy='mirror')
    sim.see('happy', 5)
    assert sim.engine.memory()['study']['targets'] == {}


def test_another_device_of_the_same_name_is_not_taken_for_it():
    sim = Sim(TEXT)
    sim.see('happy', 5)
    memory = {'version': 1, 'rooms': sim.engine.memory()}
    memory['rooms']['study']['targets']['lamp'].update(type='home_assistant_light')
    memory['rooms']['study']['targets']['shelf']['request'] = {'light': 'pink'}
    engine = DecisionEngine(sim.policy, local_time=lambda _: datetime(2026, 1, 5))
    engine.recall(HomeMemory.model_validate(memory), now_s=sim.now_s)
    assert [target.state for target in engine.room('study').targets.values()] == [
        ControlState.IDLE, ControlState.IDLE]


def test_no_face_and_no_emotion_is_remembered():
    sim = Sim(TEXT)
    sim.see('surprise', 5)
    text = json.dumps(sim.engine.memory())
    assert 'surprise' not in text and 'track' not in text


# The file.

ROOM = {'enabled': False, 'policy': 'mirror', 'file_enabled': True, 'file_policy': 'mirror',
        'hold_until_s': None, 'hold_reason': '', 'owed': [], 'targets': {}}
GOOD = json.dumps({'version': 1, 'rooms': {'study': ROOM}})


def test_the_file_is_private_whole_and_written_only_when_something_changed(tmp_path):
    file = StateFile(tmp_path / 'new' / 'home.json')
    assert file.read() is None and not file.problem
    file.write({'study': ROOM}, 0.0)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert os.listdir(file.path.parent) == ['home.json']
    inode = file.path.stat().st_ino
    file.write({'study': {**ROOM}}, 1.0)
    assert file.path.stat().st_ino == inode
    file.write({'study': {**ROOM, 'enabled': True}}, 1.0)
    assert file.path.stat().st_ino != inode
    assert StateFile(file.path).read().rooms['study'].enabled


def test_what_a_killed_writer_left_does_no_harm(tmp_path):
    file = StateFile(tmp_path / 'home.json')
    (tmp_path / '.home.json.new').write_text('{"vers')
    file.write({'study': ROOM}, 0.0)
    assert not file.problem and not StateFile(file.path).read().rooms['study'].enabled
    assert os.listdir(tmp_path) == ['home.json']


@pytest.mark.parametrize('text, words', [
    (GOOD[:len(GOOD) // 2], 'cannot be used'),
    ('', 'cannot be used'),
    ('[]', 'its version is None'),
    (GOOD.replace('1', '2', 1), 'its version is 2, not 1'),
    (GOOD.replace('"mirror"', '7', 1), 'rooms.study.policy is not valid'),
    (GOOD.replace('null', 'NaN'), 'NaN is not a number'),
    ('[' * 100_000, 'cannot be used'),
    ('{"version": 1, "rooms": {}, "x": "' + 'y' * 1_100_000 + '"}', 'cannot be used'),
    (b'\xff\xfe', 'cannot be used')])
def test_a_broken_file_is_reported_renamed_and_stops_nothing(tmp_path, text, words):
    path = tmp_path / 'home.json'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    file = StateFile(path)
    assert file.read() is None
    assert words in file.problem and 'renamed to home.json.broken' in file.problem
    assert 'start as the policy says' in file.problem
    assert os.listdir(tmp_path) == ['home.json.broken']
    file.write({'study': ROOM}, 0.0)
    assert StateFile(path).read() is not None


def test_a_folder_that_cannot_be_written_is_reported_and_tried_again(tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    file = StateFile(blocked / 'home.json')
    file.write({'study': ROOM}, 0.0)
    assert 'cannot be written' in file.problem and 'lost' in file.problem
    blocked.unlink()
    file.write({'study': ROOM}, 5.0)
    assert file.problem
    file.write({'study': ROOM}, 11.0)
    assert not file.problem and file.path.exists()

# SPDX-License-Identifier: Apache-2.0
"""Devices that fail, are out of reach, or differ from one another."""

from fer_ros.home.lifecycle import ControlState
from fer_ros.home.policy import parse_policy
from home_support import POLICY, policy_of, Sim, TWO_LAMPS
import pytest


def test_a_changed_file_keeps_what_is_known_of_a_device():
    sim = Sim(cooldown_s=0, answers=False)
    assert len(sim.see('happy', 5)) == 1
    sim.room.targets['lamp'].failed()
    sim.engine = sim.engine.successor(policy_of(cooldown_s=0))
    assert not sim.see('happy', 10)
    assert 'the last command failed' in sim.status.blocked_reason
    sim.room.targets['lamp'].set_available(False)
    sim.engine = sim.engine.successor(policy_of(cooldown_s=0))
    assert not sim.status.devices[0].available
    assert not sim.see('happy', 10) and 'not reachable' in sim.status.blocked_reason


def test_a_device_of_another_type_is_another_device():
    sim = Sim()
    assert len(sim.see('happy', 5)) == 1
    sim.engine = sim.engine.successor(parse_policy(POLICY.replace(
        'version: 1', 'version: 1\nbroker: {host: localhost}').replace(
            '{type: terminal}', '{type: mqtt_light, topic: a/b}')))
    lamp = sim.room.targets['lamp']
    assert lamp.state is ControlState.IDLE and lamp.reported is None
    # One of another name too.
    sim.engine = sim.engine.successor(policy_of(targets={'new': {'type': 'terminal'}}))
    assert list(sim.room.targets) == ['new']


@pytest.mark.parametrize('obstacle', ['not reachable', 'off already', 'on hold'])
@pytest.mark.parametrize('nobody', ['off', 'restore', 'keep'])
def test_what_one_lamp_cannot_another_does(obstacle, nobody):
    sim = Sim(**TWO_LAMPS, nobody={'after_s': 1, 'action': nobody}, hold={'for_s': 1})
    assert len(sim.see('happy', 5)) == 2
    if obstacle == 'not reachable':
        sim.room.targets['lamp'].set_available(False)
    elif obstacle == 'off already':
        sim.set_manually('lamp', on=False)
    else:
        sim.set_manually('lamp', brightness=0.1)
    done = sim.see([], 10)
    if nobody == 'keep':
        assert not done and not sim.engine.release(now_s=sim.now_s)
    else:
        expected = ['lamp', 'other'] if (obstacle, nobody) == ('on hold', 'off') else ['other']
        assert [action.target for action in done] == expected


def test_the_last_command_failed_until_its_pause_is_over_or_the_device_is_back():
    sim = Sim(cooldown_s=0, answers=False)
    assert len(sim.see('happy', 5)) == 1
    lamp = sim.room.targets['lamp']
    lamp.failed()
    # As each tick of a device that never was away says.
    lamp.set_available(True)
    assert not sim.see('happy', 10)
    lamp.set_available(False)
    assert not sim.see('happy', 1)
    lamp.set_available(True)
    assert len(sim.see('happy', 1)) == 1


def test_one_lamp_that_cannot_be_asked_does_not_keep_another_from_it():
    sim = Sim(**TWO_LAMPS)
    sim.room.targets['lamp'].set_available(False)
    action, = sim.see('happy', 5)
    assert action.target == 'other' and sim.status.blocked_reason == 'lamp: not reachable'


def test_a_lamp_that_never_said_how_it_is_is_asked_again_after_it_was_kept():
    sim = Sim(answers=False, cooldown_s=0, nobody={'after_s': 1, 'action': 'keep'})
    assert len(sim.see('happy', 5)) == 1
    assert not sim.see([], 5)
    assert len(sim.see('happy', 5)) == 1


def test_a_lamp_that_is_as_asked_keeps_no_other_from_being_asked():
    sim = Sim(**TWO_LAMPS, cooldown_s=0, dwell_s=0.5, smoothing_s=0.2, transition_s=0)
    sim.room.targets['other'].set_available(False)
    assert [action.target for action in sim.see('happy', 2)] == ['lamp']
    sim.room.targets['other'].set_available(True)
    assert [action.target for action in sim.see('happy', 1)] == ['other']

# SPDX-License-Identifier: Apache-2.0
"""The smart-home bridge as a node: emotions published by the test, actions collected by it."""

from itertools import cycle
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from bridge_support import (  # noqa: E402
    action,
    call,
    command,
    diagnosis,
    POLICY,
    set_manually,
    study,
)
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import (  # noqa: E402
    AmbientAction,
    DeviceRequest,
    DeviceState,
    EmotionArray,
    HomeState,
)
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.srv import CommandRoom  # noqa: E402
from home_support import emotion  # noqa: E402
from rclpy.duration import Duration  # noqa: E402
from ros_support import wait_for  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402


def test_a_feeling_that_lasts_changes_the_lamp_and_leaving_restores_it(home):
    home.camera.seen = [emotion('happy')]
    message = action(home)
    assert (message.room, message.target, message.emotion) == ('study', 'lamp', 'happy')
    assert message.command == AmbientAction.SET and message.outcome == AmbientAction.CONFIRMED
    light = message.request.light
    assert message.request.kind == DeviceRequest.LIGHT
    assert light.on and 0 < light.brightness <= 1 and light.color.a == 1
    assert light.color_temperature_k == 0 and message.header.frame_id == 'camera'
    assert 'happy for' in message.reason and 0.5 < message.confidence <= 1
    home.camera.seen = []
    message = action(home, 1)
    assert message.command == AmbientAction.RESTORE and message.emotion == 'nobody'
    assert message.request.light.color_temperature_k == 2700
    assert message.request.light.brightness == pytest.approx(0.6)


def test_a_manual_override_holds_until_the_room_is_resumed(home, states):
    home.camera.seen = [emotion('happy')]
    action(home)
    assert set_manually(home, on=True, brightness=0.1).success
    room = study(states, lambda room: room.on_hold)
    assert 'changed manually' in room.hold_reason and 50 < room.hold_left_s <= 60
    home.camera.seen = [emotion('sad')]
    study(states, lambda room: room.emotion == 'sad')
    assert len(home.actions) == 1
    assert call(home, Trigger, 'resume', Trigger.Request()).success
    assert action(home, 1).emotion == 'sad'
    study(states, lambda room: not room.on_hold and not room.hold_reason)


def test_off_restores_the_lamp_and_is_seen_to_be_off(home, states):
    home.camera.seen = [emotion('happy')]
    action(home)
    assert call(home, SetBool, 'enable', SetBool.Request(data=False)).success
    assert action(home, 1).command == AmbientAction.RESTORE
    room = study(states, lambda room: not room.enabled and not room.fresh)
    assert (room.emotion, room.faces, room.confidence) == ('', 0, 0)
    assert call(home, SetBool, 'enable', SetBool.Request(data=True)).success
    assert action(home, 2).emotion == 'happy'


def test_the_state_of_the_home_tells_rooms_policies_actions_and_lamps(home, states):
    # On a busy machine an image may come so late that the emotions are stale, and fresh again:
    # changes, which are told at once.
    home.file.write_text(POLICY.replace('stale_after_s: 0.5', 'stale_after_s: 60'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    home.camera.seen = [emotion('happy', valence=0.8, arousal=0.4)]
    message = action(home)
    room = study(states, lambda room: room.last_action and room.devices[0].light.on
                 and room.devices[0].light.color_temperature_k == 0)
    assert (room.room, room.policy, room.policies) == ('study', 'mirror', ['mirror', 'warm'])
    assert room.enabled and room.fresh and (room.emotion, room.faces) == ('happy', 1)
    assert room.last_action.startswith('lamp: on') and room.last_reason == message.reason
    lamp, = room.devices
    assert (lamp.target, lamp.kind) == ('lamp', DeviceState.LIGHT)
    assert lamp.available and lamp.known
    assert lamp.light.brightness == pytest.approx(message.request.light.brightness)
    assert lamp.light.color == message.request.light.color
    assert states[-1].policy_file == str(home.file)
    # A feeling that lasts does not cause a stream of messages.
    study(states, lambda room: room.confidence > 0.85)
    count, heard, began_s = len(states), home.bridge._home.counts['emotions'], time.monotonic()
    wait_for(lambda: home.bridge._home.counts['emotions'] > heard + 50)
    assert len(states) - count <= 2 + (time.monotonic() - began_s)  # one per second
    # A late subscriber gets the state at once.
    late = home.collect(HomeState, '/smart_home_bridge/home_state', qos.STATE)
    study(late, lambda room: room.emotion == 'happy')


def test_rooms_are_commanded_one_by_one(home, states):
    home.file.write_text(POLICY + POLICY.partition('rooms:')[2].replace('study', 'library'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    home.camera.seen = [emotion('happy')]
    wait_for(lambda: {message.room for message in home.actions} == {'study', 'library'})

    def rooms(fits):
        return wait_for(lambda: states and len(states[-1].rooms) == 2 and fits(
            *sorted(states[-1].rooms, key=lambda room: room.room)), what='the rooms')

    assert command(home, 'SELECT_POLICY', policy='warm').message == 'study: policy warm'
    rooms(lambda library, study: (library.policy, study.policy) == ('mirror', 'warm'))
    assert action(home, 2).request.light.color_temperature_k == 2200
    answer = command(home, 'SELECT_POLICY', policy='cold')
    assert not answer.success and 'expected one of mirror, warm' in answer.message
    assert command(home, 'REVERT').success
    rooms(lambda library, study: study.on_hold and not library.on_hold)
    assert command(home, 'RESUME').success
    rooms(lambda library, study: not study.on_hold)
    assert command(home, 'SWITCH_OFF', 'library').message == 'library: switched off'
    rooms(lambda library, study: study.enabled and not library.enabled)
    assert command(home, 'SWITCH_OFF', '').message == 'all rooms: switched off'
    rooms(lambda library, study: not study.enabled and not library.enabled)
    assert command(home, 'SWITCH_ON', '').success
    rooms(lambda library, study: study.enabled and library.enabled)
    answer = command(home, 'REVERT', 'cellar')
    assert not answer.success and 'expected one of study, library' in answer.message
    answer = call(home, CommandRoom, 'command_room', CommandRoom.Request(command=99))
    assert not answer.success and answer.message == 'unknown command 99'


def test_revert_goes_back_and_holds(home):
    home.camera.seen = [emotion('happy')]
    action(home)
    assert call(home, Trigger, 'revert', Trigger.Request()).success
    assert action(home, 1).command == AmbientAction.RESTORE
    assert home.bridge._home.snapshot('study').on_hold


def test_emotions_that_stop_are_reported_and_change_nothing(home):
    home.camera.seen = [emotion('happy')]
    action(home)
    home.camera.seen = None
    status = diagnosis(home, lambda s: 'no fresh emotions' in s.message)
    assert status.level == DiagnosticStatus.WARN
    assert len(home.actions) == 1


def test_flapping_in_real_time_changes_the_lamp_at_most_once(home):
    # On a busy machine an image may come a second late: nothing may seem to last that long.
    home.file.write_text(POLICY.replace('dwell_s: 0.3', 'dwell_s: 1.5'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    labels = cycle(('happy', 'happy', 'sad', 'sad'))
    home.camera.seen = lambda: [emotion(next(labels))]
    wait_for(lambda: home.bridge._home.counts['emotions'] > 60)
    assert len(home.actions) <= 1
    home.camera.seen = [emotion('sad')]
    wait_for(lambda: home.actions and home.actions[-1].emotion == 'sad')


def message_of(graph, age_s=0.0, **changes):
    stamp = graph.node.get_clock().now() - Duration(seconds=age_s)
    message = conversions.emotions_to_message(
        [emotion('happy')], Header(stamp=stamp.to_msg()), 640, 480, 'm', 'ferplus')
    for name, value in changes.items():
        setattr(message.emotions[0], name, value)
    return message


@pytest.mark.parametrize('fault, words', [
    ({'filtered_probabilities': np.full(7, np.nan, np.float32)}, 'not finite'),
    ({'filtered_probabilities': np.full(7, 0.3, np.float32)}, 'the sum is 2.1'),
    ({'label': 'hungry'}, "unknown label 'hungry'"),
    ({'age_s': -20.0}, 's in the future: set the clocks'),
    ({'age_s': 20.0}, 's old, more than stale_after_s')])
def test_bad_emotions_are_reported_and_the_next_good_ones_used(home, fault, words):
    # On a busy machine a message may take longer than half a second.
    home.file.write_text(POLICY.replace('stale_after_s: 0.5', 'stale_after_s: 10'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    publisher = home.publisher(EmotionArray, 'emotions', qos.RESULT)
    publisher.publish(message_of(home, **fault))
    wait_for(lambda: home.bridge._home.counts['refused'] == 1)
    complaint = home.bridge._home.complaints()[0]
    assert words in complaint.text and ' on emotions ' in complaint.text
    assert not complaint.serious
    home.camera.seen = [emotion('happy')]
    assert action(home).emotion == 'happy'


def test_the_lifecycle_goes_round_twice(home):
    for index in range(2):
        home.camera.seen = [emotion('happy')]
        action(home, 2 * index)
        assert home.bridge.trigger_deactivate().name == 'SUCCESS'
        # The lamp is handed back.
        assert action(home, 2 * index + 1).command == AmbientAction.RESTORE
        assert home.bridge.trigger_cleanup().name == 'SUCCESS'
        assert home.bridge.trigger_configure().name == 'SUCCESS'
        assert home.bridge.trigger_activate().name == 'SUCCESS'


def test_every_topic_and_service_is_documented(home):
    docs = (Path(__file__).parents[2] / 'docs' / 'home.md').read_text(encoding='utf-8')
    own = '/smart_home_bridge/'
    names = [name for name, kinds in (*home.bridge.get_topic_names_and_types(),
                                      *home.bridge.get_service_names_and_types())
             if name.startswith(own) and not name.endswith('/transition_event')
             and not kinds[0].startswith(('rcl_interfaces', 'lifecycle_msgs', 'type_descr'))]
    assert len(names) == 10
    assert not [name for name in names if f'`~/{name[len(own):]}`' not in docs]


@pytest.mark.parametrize('light, words', [
    ({'brightness': 1.5}, 'brightness is 1.5: expected 0 to 1'),
    ({'brightness': float('nan')}, 'brightness is nan'),
    ({'color_temperature_k': 12}, 'color_temperature_k is 12'),
    ({'target': 'sofa'}, 'study/sofa is not a terminal lamp')])
def test_an_invalid_manual_change_is_refused(home, light, words):
    answer = set_manually(home, **light)
    assert not answer.success and words in answer.message

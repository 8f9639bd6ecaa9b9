# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import struct

import numpy as np
import pytest

conversions = pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
home_conversions = pytest.importorskip('fer_ros.conversions.home')
from builtin_interfaces.msg import Time  # noqa: E402
from fer_ros.emotions.labels import LABELS, UNCERTAIN  # noqa: E402
from fer_ros.errors import FerError  # noqa: E402
from fer_ros.home.action import AmbientAction, Command, Outcome  # noqa: E402
from fer_ros.home.commands import RoomCommand  # noqa: E402
from fer_ros.home.kinds import KINDS  # noqa: E402
from fer_ros.home.kinds.blind import BlindRequest, BlindState  # noqa: E402
from fer_ros.home.kinds.light import LightRequest  # noqa: E402
from fer_ros.home.kinds.scene import SceneRequest  # noqa: E402
from fer_ros.home.kinds.switch import SwitchRequest, SwitchState  # noqa: E402
from fer_ros.home.kinds.volume import VolumeRequest, VolumeState  # noqa: E402
from fer_ros.home.lifecycle import ControlState  # noqa: E402
from fer_ros.home.light import LightState  # noqa: E402
from fer_ros.home.snapshot import DeviceSnapshot  # noqa: E402
from fer_ros.msg import AmbientAction as AmbientActionMsg  # noqa: E402
from fer_ros.msg import DeviceRequest, DeviceState, Emotion, FaceArray  # noqa: E402
from fer_ros.srv import CommandRoom  # noqa: E402
from fer_ros.types import BoundingBox, Face, FaceEmotion  # noqa: E402
from home_support import emotion as emotion_of  # noqa: E402
from home_support import Sim  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from std_msgs.msg import Header  # noqa: E402


def test_faces_round_trip():
    crop = np.arange(48 * 48, dtype=np.uint32).astype(np.uint8).reshape(48, 48)
    landmarks = np.array([[12, 20], [30, 20], [21, 30], [14, 40], [28, 40]], np.float32)
    faces = [Face(7, BoundingBox(10, 12, 30, 34), 0.5, landmarks, False, 0.25, crop),
             Face(8, BoundingBox(0, 90, 14.6, 10), 1.0)]
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec = 12
    message = conversions.faces_to_message(faces, header, 100, 100, 'some detector')
    assert message.header == header and message.detector == 'some detector'
    first, second = conversions.message_to_faces(message)
    assert (first.track_id, first.detected, first.score, first.quality) == (7, False, 0.5, 0.25)
    assert first.box == faces[0].box
    assert np.array_equal(first.landmarks, landmarks)
    assert np.array_equal(first.crop, crop)
    # In whole pixels; what was not there stays absent.
    assert second.box == BoundingBox(0, 90, 15, 10)
    assert second.landmarks is None and second.crop is None


@pytest.mark.parametrize('label', [*LABELS, UNCERTAIN])
def test_every_class_reaches_the_wire(label):
    probabilities = np.full(7, 0.05, np.float32)
    if label != UNCERTAIN:
        probabilities[LABELS.index(label)] = 0.7
    emotion = FaceEmotion(
        track_id=3, box=BoundingBox(1, 2, 3, 4), probabilities=probabilities,
        filtered=probabilities[::-1].copy(), label=label, confidence=0.75, quality=0.5,
        valence=-0.25, arousal=0.125, duration_s=2.5, onset=True)
    message = conversions.emotions_to_message([emotion], Header(), 10, 10, 'net', 'fer2013')
    item = message.emotions[0]
    assert item.label == label
    expected = Emotion.UNCERTAIN if label == UNCERTAIN else getattr(Emotion, label.upper())
    assert item.emotion == expected
    back = conversions.message_to_emotions(message)[0]
    assert np.array_equal(back.probabilities, probabilities)
    assert np.array_equal(back.filtered, probabilities[::-1])
    for name in ('track_id', 'box', 'label', 'confidence', 'quality', 'valence', 'arousal',
                 'duration_s', 'onset'):
        assert getattr(back, name) == getattr(emotion, name), name


@pytest.mark.parametrize('light', [
    LightState(False), LightState(True, 0.25), LightState(True, 0.5, (0.25, 1.0, 0.0)),
    LightState(True, 1.0, None, 2700)])
def test_lights_round_trip(light):
    message = home_conversions.light_to_message(light)
    assert message.color.a == (light.rgb is not None)
    assert home_conversions.message_to_light(message) == light


def test_devices_of_every_kind_are_converted():
    light = LightState(True, 0.5, None, 2700)
    devices = (
        DeviceSnapshot('lamp', 'light', True, ControlState.CONFIRMED, light),
        DeviceSnapshot('mute', 'light', True, ControlState.UNRESPONSIVE, None),
        DeviceSnapshot('mood', 'scene', False, ControlState.IDLE, None),
        DeviceSnapshot('blind', 'blind', True, ControlState.SETTLING, BlindState(0.25)),
        DeviceSnapshot('fan', 'switch', True, ControlState.CONFIRMED, SwitchState(True)),
        DeviceSnapshot('radio', 'volume', True, ControlState.CONFIRMED, VolumeState(0.5)))
    status = replace(Sim().status, devices=devices)
    message = home_conversions.home_to_message([status], 12.5, 'house.yaml')
    assert conversions.stamp_to_s(message.header.stamp) == 12.5
    room, = message.rooms
    assert not room.fresh and not room.known and room.emotion == '' and room.enabled
    lamp, mute, mood, blind, fan, radio = room.devices
    assert fan.kind == DeviceState.SWITCH and fan.on and radio.volume == 0.5
    assert home_conversions.message_to_light(lamp.light) == light and lamp.known
    assert not mute.known and mute.available and mute.kind == DeviceState.LIGHT
    assert mood.kind == DeviceState.SCENE and not mood.available and not mood.known
    assert blind.kind == DeviceState.BLIND and blind.position == 0.25
    assert blind.state == DeviceState.SETTLING
    assert home_conversions.message_to_home(message) == (status,)


def test_two_cameras_one_blind_are_neither_fresh_nor_unknown_after_a_round_trip():
    sim = Sim(sources=['left', 'right'])
    sim.step([emotion_of('happy')], source='left')
    for enabled, fresh, known in ((True, False, True), (False, False, False)):
        before = sim.status
        if known:
            # What a float32 holds.
            before = replace(before, confidence=0.5, valence=0.25, arousal=-0.5)
        back, = home_conversions.message_to_home(
            home_conversions.home_to_message([before], 0.0, ''))
        assert back == before
        assert (back.enabled, back.fresh, back.stale, back.known) == (
            enabled, fresh, not fresh, known)
        assert back.occupied is (True if known else None)
        sim.engine.room('study').switch(False)


@pytest.mark.parametrize('request_', [
    LightRequest(LightState(False)), LightRequest(LightState(True, 0.25, (0.25, 1.0, 0.0))),
    LightRequest(LightState(True, None, None, 2700)), SceneRequest('party'), BlindRequest(0.0),
    SwitchRequest(True), VolumeRequest(0.25)])
def test_what_is_asked_of_a_device_makes_the_round_trip(request_):
    action = AmbientAction(
        stamp_s=12.5, room='study', target='one', command=Command.RESTORE, request=request_,
        transition_s=1.5, emotion='nobody', confidence=0.0, reason='r', frame_id='camera',
        outcome=Outcome.FAILED, detail='away')
    message = home_conversions.action_to_message(action)
    assert message.detail == 'away'
    assert home_conversions.message_to_action(message) == action


@pytest.mark.parametrize('field, value', [
    ('kind', 9), ('command', 9), ('outcome', 9)])
def test_an_action_of_another_version_is_refused(field, value):
    message = AmbientActionMsg()
    setattr(message.request if field == 'kind' else message, field, value)
    with pytest.raises(FerError, match='9'):
        home_conversions.message_to_action(message)


def test_every_kind_and_state_has_its_constant():
    assert {kind.upper() for kind in KINDS} == {
        name for name in ('LIGHT', 'SCENE', 'BLIND', 'MESSAGE', 'SWITCH', 'VOLUME')
        if getattr(DeviceRequest, name) == getattr(DeviceState, name)}
    assert set(home_conversions._WIRES) == set(KINDS)
    assert {state.name: getattr(DeviceState, state.name) for state in ControlState} == {
        state.name: index for index, state in enumerate(ControlState)}
    for command in RoomCommand:
        assert getattr(CommandRoom.Request, command.name) == command.number


@pytest.mark.parametrize('seconds', [0.0, 1.25, 1_800_000_000.123456])
def test_stamps(seconds):
    assert conversions.stamp_to_s(conversions.s_to_stamp(seconds)) == pytest.approx(
        seconds, abs=1e-6)


def test_the_stamp_of_a_message_in_bytes():
    message = FaceArray(header=Header(stamp=Time(sec=-7, nanosec=12), frame_id='camera'))
    data = serialize_message(message)
    assert conversions.serialized_stamp(data) == message.header.stamp
    swapped = b'\x00\x00' + data[2:4] + data[7:3:-1] + data[11:7:-1]
    assert conversions.serialized_stamp(swapped) == message.header.stamp
    with pytest.raises(struct.error):
        conversions.serialized_stamp(data[:8])


# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

conversions = pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
home_conversions = pytest.importorskip('fer_ros.conversions.home')
from fer_ros.core.emotions import LABELS, UNCERTAIN  # noqa: E402
from fer_ros.core.errors import FerError  # noqa: E402
from fer_ros.core.home.engine import DeviceStatus  # noqa: E402
from fer_ros.core.home.light import LightState  # noqa: E402
from fer_ros.core.types import BoundingBox, Face, FaceEmotion  # noqa: E402
from fer_ros.msg import DeviceState, Emotion  # noqa: E402
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
    emotion = FaceEmotion(3, BoundingBox(1, 2, 3, 4), probabilities, probabilities[::-1].copy(),
                          label, 0.75, 0.5, -0.25, 0.125, 2.5, True)
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


@pytest.mark.parametrize('change', [
    {'confidence': float('nan')}, {'label': 'bored'},
    {'probabilities': np.full(7, np.inf, np.float32)}])
def test_bad_emotions_are_refused(change):
    emotion = FaceEmotion(1, BoundingBox(0, 0, 1, 1), np.full(7, 1 / 7, np.float32),
                          np.full(7, 1 / 7, np.float32), 'happy', 0.5)
    message = conversions.emotions_to_message([emotion], Header(), 10, 10, 'net', 'fer2013')
    for name, value in change.items():
        setattr(message.emotions[0], name, value)
    with pytest.raises(FerError):
        conversions.message_to_emotions(message)


@pytest.mark.parametrize('light', [
    LightState(False), LightState(True, 0.25), LightState(True, 0.5, (0.25, 1.0, 0.0)),
    LightState(True, 1.0, None, 2700)])
def test_lights_round_trip(light):
    message = home_conversions.light_to_message(light)
    assert message.color.a == (light.rgb is not None)
    assert home_conversions.message_to_light(message) == light


def test_devices_of_every_kind_are_told():
    from home_support import Sim
    light = LightState(True, 0.5, None, 2700)
    message = home_conversions.home_to_message([(Sim().status, [
        DeviceStatus('lamp', 'light', True, light), DeviceStatus('mute', 'light', True, None),
        DeviceStatus('mood', 'scene', False, None), DeviceStatus('blind', 'blind', True, 0.25)])],
        12.5, 'house.yaml')
    assert conversions.stamp_to_s(message.header.stamp) == 12.5
    room, = message.rooms
    assert not room.fresh and room.emotion == '' and room.enabled
    lamp, mute, mood, blind = room.devices
    assert home_conversions.message_to_light(lamp.light) == light and lamp.known
    assert not mute.known and mute.available and mute.kind == DeviceState.LIGHT
    assert mood.kind == DeviceState.SCENE and not mood.available and not mood.known
    assert blind.kind == DeviceState.BLIND and blind.position == 0.25


@pytest.mark.parametrize('seconds', [0.0, 1.25, 1_800_000_000.123456])
def test_stamps(seconds):
    assert conversions.stamp_to_s(conversions.s_to_stamp(seconds)) == pytest.approx(
        seconds, abs=1e-6)

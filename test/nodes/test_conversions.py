# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

conversions = pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
home_conversions = pytest.importorskip('fer_ros.conversions.home')
from fer_ros.conversions import images  # noqa: E402
from fer_ros.core.emotions import LABELS, UNCERTAIN  # noqa: E402
from fer_ros.core.errors import FerError, ImageError  # noqa: E402
from fer_ros.core.home.engine import DeviceStatus  # noqa: E402
from fer_ros.core.home.light import LightState  # noqa: E402
from fer_ros.core.types import BoundingBox, Face, FaceEmotion  # noqa: E402
from fer_ros.msg import DeviceState, Emotion  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

BACKENDS = [pytest.param(False, id='own')]
if images.cv_bridge is not None:
    BACKENDS.append(pytest.param(True, id='cv_bridge'))


def picture(width=64, height=48):
    """Return a smooth colour picture: chroma subsampling changes it little."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x * 255 // width, y * 255 // height,
                      (x + y) * 255 // (width + height)]).astype(np.uint8)


@pytest.mark.parametrize('use_cv_bridge', BACKENDS)
@pytest.mark.parametrize('encoding, tolerance', [
    ('bgr8', 0), ('rgb8', 0), ('bgra8', 0), ('rgba8', 0),
    ('yuv422_yuy2', 6),  # chroma is halved and rounded
])
def test_colour_round_trip(encoding, tolerance, use_cv_bridge):
    image = picture()
    message = conversions.bgr_to_image(image, encoding)
    back = conversions.image_to_array(message, use_cv_bridge=use_cv_bridge)
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() <= tolerance


@pytest.mark.parametrize('use_cv_bridge', BACKENDS)
def test_gray_round_trip(use_cv_bridge):
    gray = cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY)
    message = conversions.bgr_to_image(picture(), 'mono8')
    assert np.array_equal(
        conversions.image_to_array(message, use_cv_bridge=use_cv_bridge), gray)


@pytest.mark.parametrize('change, asked', [
    ({}, True),
    ({'step': 64 * 3 + 6, 'data': bytes(48 * (64 * 3 + 6))}, True),
    ({'step': 64 * 3 + 4, 'data': bytes(48 * (64 * 3 + 4))}, False),  # it would shear the rows
    ({'is_bigendian': 1}, False),                                # it fails there with NumPy 2
    ({'encoding': 'yuv422_yuy2'}, False),                        # its colours are others
])
def test_cv_bridge_is_asked_only_for_what_it_can_do(monkeypatch, change, asked):
    class Bridge:
        def imgmsg_to_cv2(self, message, encoding):
            return f'{message.encoding} as {encoding}'
    monkeypatch.setattr(images, 'cv_bridge', SimpleNamespace(CvBridge=Bridge))
    message = conversions.bgr_to_image(picture(), 'bgr8')
    for name, value in change.items():
        setattr(message, name, value)
    answer = conversions.image_to_array(message, use_cv_bridge=True)
    assert isinstance(answer, str) == asked
    assert not asked or answer == 'bgr8 as bgr8'


@pytest.mark.parametrize('use_cv_bridge', BACKENDS)
def test_the_byte_order_of_bytes_does_not_matter(use_cv_bridge):
    message = conversions.bgr_to_image(picture(), 'rgb8')
    message.is_bigendian = 1
    assert np.array_equal(
        conversions.image_to_array(message, use_cv_bridge=use_cv_bridge), picture())


@pytest.mark.parametrize('use_cv_bridge', BACKENDS)
@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8', 'yuv422_yuy2'])
def test_padded_rows(encoding, use_cv_bridge):
    plain = conversions.bgr_to_image(picture(), encoding)
    rows = np.frombuffer(plain.data, np.uint8).reshape(plain.height, plain.step)
    padded = np.pad(rows, ((0, 0), (0, 13)), constant_values=99)
    message = Image(height=plain.height, width=plain.width, encoding=encoding,
                    step=plain.step + 13, data=padded.tobytes())
    assert np.array_equal(conversions.image_to_array(message, use_cv_bridge=use_cv_bridge),
                          conversions.image_to_array(plain, use_cv_bridge=use_cv_bridge))


def test_last_row_need_not_be_padded():
    message = Image(height=2, width=2, encoding='mono8', step=4, data=[1, 2, 0, 0, 3, 4])
    assert conversions.image_to_array(message).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize('big_endian', [0, 1])
def test_mono16_keeps_the_upper_byte(big_endian):
    data = np.array([[0x1234, 0xff00]], '>u2' if big_endian else '<u2').tobytes()
    message = Image(height=1, width=2, encoding='mono16', step=4, is_bigendian=big_endian,
                    data=data)
    assert conversions.image_to_array(message).tolist() == [[0x12, 0xff]]


@pytest.mark.parametrize('encoding, code', [
    ('bayer_rggb8', (0, 0, 1)), ('bayer_bggr8', (1, 0, 0))])
def test_bayer_order(encoding, code):
    # A flat field in which only the first photosite's colour is lit: red for rggb, blue for bggr.
    raw = np.zeros((16, 16), np.uint8)
    raw[::2, ::2] = 200
    image = conversions.image_to_array(conversions.array_to_image(raw, encoding))
    lit = image[4:-4, 4:-4].mean(axis=(0, 1)) > 50
    assert tuple(lit.astype(int)) == code


def test_conversion_free_encodings_share_memory():
    message = conversions.bgr_to_image(picture(), 'bgr8')
    array = conversions.image_to_array(message, use_cv_bridge=False)
    assert np.shares_memory(array, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize('change, words', [
    ({'encoding': 'nv99'}, ['unknown encoding', 'nv99', 'bgr8']),
    ({'encoding': ''}, ['unknown encoding']),
    ({'width': 0}, ['0x48', 'nothing to see']),
    ({'height': 0}, ['64x0']),
    ({'width': 65}, ['step', '195']),               # mislabelled: a row does not fit its step
    ({'height': 49}, ['truncated', '9216']),        # one row short
    ({'width': 100_000, 'height': 100_000, 'step': 300_000}, ['more than']),
    ({'encoding': 'bgra8'}, ['step']),
])
def test_bad_images_say_what_is_wrong(change, words):
    message = conversions.bgr_to_image(picture(), 'bgr8')
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError) as error:
        conversions.image_to_array(message)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_compressed_images():
    image = picture()
    _, data = cv2.imencode('.png', image)
    message = CompressedImage(format='png', data=data.tobytes())
    assert np.array_equal(conversions.compressed_to_array(message), image)
    huge = data.tobytes()[:16] + b'\0\0\xff\xff' * 2 + data.tobytes()[24:]
    for broken, words in ((b'', 'empty'), (b'not an image', 'not JPEG'),
                          (data.tobytes()[:20], 'truncated'), (huge, '65535x65535')):
        with pytest.raises(ImageError, match=words):
            conversions.compressed_to_array(CompressedImage(format='png', data=broken))


def test_faces_round_trip():
    crop = np.arange(48 * 48, dtype=np.uint32).astype(np.uint8).reshape(48, 48)
    landmarks = np.array([[12, 20], [30, 20], [21, 30], [14, 40], [28, 40]], np.float32)
    faces = [Face(7, BoundingBox(10, 12, 30, 34), 0.5, landmarks, False, 0.25, crop),
             Face(8, BoundingBox(-5, 90, 20, 20), 1.0)]
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec = 12
    message = conversions.faces_to_message(faces, header, 100, 100, 'some detector')
    assert message.header == header and message.detector == 'some detector'
    first, second = conversions.message_to_faces(message)
    assert (first.track_id, first.detected, first.score, first.quality) == (7, False, 0.5, 0.25)
    assert first.box == faces[0].box
    assert np.array_equal(first.landmarks, landmarks)
    assert np.array_equal(first.crop, crop)
    # Clipped to the image; what was not there stays absent.
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

# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

conversions = pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros.conversions import images  # noqa: E402
from fer_ros.errors import ImageError  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

#: test_cv_bridge.py runs this file where the second is installed, too.
BRIDGES = [pytest.param(None, id='own')]
if images.BRIDGE is not None:
    BRIDGES.append(pytest.param(images.BRIDGE, id='cv_bridge'))


def picture(width=64, height=48):
    """Return a smooth color picture: chroma subsampling changes it little."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x * 255 // width, y * 255 // height,
                      (x + y) * 255 // (width + height)]).astype(np.uint8)


@pytest.mark.parametrize('bridge', BRIDGES)
@pytest.mark.parametrize('encoding, tolerance', [
    ('bgr8', 0), ('rgb8', 0), ('bgra8', 0), ('rgba8', 0),
    ('yuv422_yuy2', 6),  # chroma is halved and rounded
])
def test_color_round_trip(encoding, tolerance, bridge):
    image = picture()
    message = conversions.bgr_to_image(image, encoding)
    back = conversions.image_to_array(message, bridge=bridge)
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() <= tolerance


@pytest.mark.parametrize('bridge', BRIDGES)
def test_gray_round_trip(bridge):
    gray = cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY)
    message = conversions.bgr_to_image(picture(), 'mono8')
    assert np.array_equal(
        conversions.image_to_array(message, bridge=bridge), gray)


@pytest.mark.parametrize('bridge', BRIDGES)
def test_the_byte_order_of_bytes_does_not_matter(bridge):
    message = conversions.bgr_to_image(picture(), 'rgb8')
    message.is_bigendian = 1
    assert np.array_equal(
        conversions.image_to_array(message, bridge=bridge), picture())


@pytest.mark.parametrize('bridge', BRIDGES)
@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8', 'yuv422_yuy2'])
def test_padded_rows(encoding, bridge):
    plain = conversions.bgr_to_image(picture(), encoding)
    rows = np.frombuffer(plain.data, np.uint8).reshape(plain.height, plain.step)
    padded = np.pad(rows, ((0, 0), (0, 13)), constant_values=99)
    message = Image(height=plain.height, width=plain.width, encoding=encoding,
                    step=plain.step + 13, data=padded.tobytes())
    assert np.array_equal(conversions.image_to_array(message, bridge=bridge),
                          conversions.image_to_array(plain, bridge=bridge))


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
    # A flat field in which only the first photosite's color is lit: red for rggb, blue for bggr.
    raw = np.zeros((16, 16), np.uint8)
    raw[::2, ::2] = 200
    image = conversions.image_to_array(conversions.array_to_image(raw, encoding))
    lit = image[4:-4, 4:-4].mean(axis=(0, 1)) > 50
    assert tuple(lit.astype(int)) == code


@pytest.mark.parametrize('bridge', BRIDGES)
@pytest.mark.parametrize('encoding', ['bgr8', 'mono8', '8UC1', '8UC3'])
def test_conversion_free_encodings_share_memory(encoding, bridge):
    message = conversions.bgr_to_image(picture(), {'8UC1': 'mono8', '8UC3': 'bgr8'}.get(
        encoding, encoding))
    message.encoding = encoding
    array = conversions.image_to_array(message, bridge=bridge)
    assert np.shares_memory(array, np.frombuffer(message.data, np.uint8))
    assert array.shape == (48, 64, 3)[:array.ndim]


@pytest.mark.parametrize('bridge', BRIDGES)
def test_padded_rows_share_memory_too(bridge):
    message = Image(height=2, width=2, encoding='bgr8', step=9, data=bytes(range(18)))
    array = conversions.image_to_array(message, bridge=bridge)
    assert np.shares_memory(array, np.frombuffer(message.data, np.uint8))
    assert array[1].tolist() == [[9, 10, 11], [12, 13, 14]]


@pytest.mark.parametrize('change, words', [
    ({'encoding': 'nv99'}, ['unknown encoding', 'nv99', 'bgr8']),
    ({'encoding': ''}, ['unknown encoding']),
    ({'width': 0}, ['0x48', 'nothing to see']),
    ({'height': 0}, ['64x0']),
    ({'width': 65}, ['step', '195']),               # mislabeled: a row does not fit its step
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

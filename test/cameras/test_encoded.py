# SPDX-License-Identifier: Apache-2.0
"""Encoded images: the limit holds for any format, before anything is decoded."""

from pathlib import Path
import resource
import struct
import subprocess
import sys
import time

import cv2
from fer_ros import MAXIMUM_PIXELS
from fer_ros.cameras.encoded import declared_size, decode, read_image
from fer_ros.cameras.sources import open_source
from fer_ros.errors import ImageError
import numpy as np
import pytest

CASES = Path(__file__).parents[1] / 'cases' / 'images'
PICTURE = np.zeros((30, 50, 3), np.uint8)


def encoded(suffix, *options):
    return cv2.imencode(suffix, PICTURE, options)[1].tobytes()


def png_that_says(width, height):
    data = bytearray(encoded('.png'))
    data[16:24] = struct.pack('>II', width, height)
    return bytes(data)


@pytest.mark.parametrize('path', sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_what_claims_too_much_is_refused_at_once(path):
    began_s = time.process_time()
    with pytest.raises(ImageError, match='more than|it is not JPEG, PNG, BMP, WebP or TIFF'):
        read_image(path)
    assert time.process_time() - began_s < 0.5


def test_a_folder_of_them_is_reported_and_the_next_image_played(tmp_path):
    for number, path in enumerate(sorted(CASES.iterdir())):
        (tmp_path / f'{number}.png').write_bytes(path.read_bytes())
    (tmp_path / '10.png').write_bytes(encoded('.png'))
    source = open_source(str(tmp_path))
    assert source.read().shape == PICTURE.shape and source.skipped == 3
    assert source.read() is None


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.webp', '.tiff'])
def test_every_format_is_read_and_tells_its_size(suffix):
    data = encoded(suffix)
    assert decode(data).shape == PICTURE.shape
    assert decode(data, cv2.IMREAD_GRAYSCALE).shape == PICTURE.shape[:2]
    assert declared_size(data) == (50, 30)
    for end in range(len(data)):
        assert declared_size(data[:end]) in (None, (50, 30)) or suffix == '.tiff'


def test_the_size_of_lossless_and_extended_webp():
    assert declared_size(encoded('.webp', cv2.IMWRITE_WEBP_QUALITY, 101)) == (50, 30)
    extended = b'RIFF\0\0\0\0WEBPVP8X' + bytes(8) + b'\x31\0\0' + b'\x1d\0\0'
    assert declared_size(extended) == (50, 30)


@pytest.mark.parametrize('trick', [
    lambda data: data[:20] + b'\0' + data[20:],                # a stray byte
    lambda data: data[:2] + b'\xff' * 40 + data[2:],           # fill bytes
    lambda data: data[:2] + b'\xff\xfe\0\x04\xff\xd8' + data[2:]])    # a comment with a marker
def test_no_trick_of_a_header_hides_the_size(trick):
    data = bytearray(encoded('.jpg'))
    at = data.index(b'\xff\xc0')
    data[at + 5:at + 9] = struct.pack('>HH', 30_000, 30_000)
    with pytest.raises(ImageError, match='30000x30000 pixels: more than'):
        decode(trick(bytes(data)))


def test_a_jpeg_of_many_scans_is_refused():
    data = encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode(data).shape == PICTURE.shape
    with pytest.raises(ImageError, match='scans'):
        decode(data[:-2] + b'\xff\xda\0\x02' * 99 + data[-2:])


def test_a_png_chunk_that_says_it_is_huge_takes_no_memory():
    """Found by make faults: 4 GiB were taken, and five seconds, for 18 kB."""
    data = bytearray(encoded('.png'))
    data[33:35] = b'\xff\xda'
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageError, match='truncated or damaged'):
        decode(bytes(data))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000
    whole = encoded('.png')
    for end in range(8, len(whole)):
        with pytest.raises(ImageError):
            decode(whole[:end])
    assert decode(whole + b'more').shape == PICTURE.shape


@pytest.mark.parametrize('data, words', [
    (b'', 'empty'), (b'GIF89a', 'not JPEG'), (encoded('.png')[:60], 'truncated or damaged'),
    (png_that_says(2**31, 2**31), 'more than'), (png_that_says(0, 9), 'cannot be decoded')])
def test_what_cannot_be_decoded_is_reported(data, words):
    with pytest.raises(ImageError, match=words):
        decode(data)


_BEHIND = """
import fer_ros
import cv2
import sys
for path in sys.argv[1:]:
    try:
        assert cv2.imread(path) is None
    except cv2.error as error:
        assert 'MAX_IMAGE_PIXELS' in str(error), error
"""


def test_opencv_itself_has_the_limit_as_second_line():
    subprocess.run([sys.executable, '-c', _BEHIND, *map(str, sorted(CASES.iterdir()))],
                   check=True, timeout=120)
    assert MAXIMUM_PIXELS == 2**27


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.webp'])
@pytest.mark.parametrize('options', [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
                                     [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
def test_the_size_stands_in_the_first_bytes(suffix, options):
    data = cv2.imencode(suffix, np.zeros((30, 50, 3), np.uint8),
                        options if suffix == '.jpg' else [])[1].tobytes()
    assert declared_size(data) == (50, 30)
    # Truncated data must not raise.
    assert all(declared_size(data[:end]) in (None, (50, 30)) for end in range(len(data)))

# SPDX-License-Identifier: Apache-2.0
"""Messages and values as a fuzzer makes them: mostly nearly right."""

from array import array
import math
from random import Random

from builtin_interfaces.msg import Time
from fer_ros import conversions
from fer_ros.conversions.images import ENCODINGS
from fer_ros.msg import Emotion, EmotionArray, Face, FaceArray
from geometry_msgs.msg import Point32
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

SIZES = (0, 1, 2, 3, 4, 5, 31, 64, 97, 65_535, 2**31 - 1, 2**31, 2**32 - 1)
FLOATS = (0.0, -0.0, 0.5, 1.0, 1.0000001, -1.0, 2.0, 80.0, 1e38, -1e38, 1e-45, math.inf, -math.inf,
          math.nan)
TEXTS = ('', 'a', 'happy', 'uncertain', 'x' * 5000, '\U0001f600', '\x00', '\x1b[2J', 'a/b', '%s',
         '../..', '\u202e', "'", '{}')


def header(random: Random) -> Header:
    """Return a header: mostly of now, sometimes of any time."""
    stamp = Time(sec=1000, nanosec=random.randrange(10**9))
    if random.random() < 0.2:
        stamp = Time(sec=random.choice([-2**31, -1, 0, 1, 2**31 - 1]),
                     nanosec=random.choice([0, 1, 999_999_999, 10**9, 2**32 - 1]))
    return Header(stamp=stamp, frame_id=random.choice(TEXTS))


def image(random: Random) -> Image:
    """Return an image message of any content, at most 200 kB."""
    encoding = random.choice([*ENCODINGS, *TEXTS, 'bgr16', '32FC1', 'nv12', 'jpeg', 'h264'])
    width, height = (random.choice(SIZES if random.random() < 0.4 else (1, 2, 3, 8, 63, 64, 97))
                     for _ in range(2))
    step = random.choice([width, 2 * width, 3 * width, 4 * width, 0, 1, 2**32 - 1]) % 2**32
    size = height * step if random.random() < 0.7 else random.choice([0, 1, 100, height])
    data = array('B')
    data.frombytes(random.randbytes(min(size, 200_000)))
    return Image(header=header(random), height=height, width=width, encoding=encoding, step=step,
                 is_bigendian=random.choice([0, 1, 255]), data=data)


def compressed(random: Random, good: bytes) -> CompressedImage:
    """Return a compressed image: a good one with some bytes changed, cut or repeated."""
    data = bytearray(good)
    for _ in range(random.choice([0, 1, 1, 4, 40])):
        data[random.randrange(len(data) if random.random() < 0.5 else 200) % len(data)] = \
            random.randrange(256)
    if random.random() < 0.2:
        del data[random.randrange(len(data)):]
    return CompressedImage(header=header(random), format=random.choice([*TEXTS, 'jpeg', 'h264']),
                           data=array('B', bytes(data)))


def roi(random: Random) -> RegionOfInterest:
    """Return a region of any size."""
    return RegionOfInterest(x_offset=random.choice(SIZES), y_offset=random.choice(SIZES),
                            width=random.choice(SIZES), height=random.choice(SIZES))


def count(random: Random) -> int:
    """Return how many faces: mostly few."""
    return random.choice([0, 1, 1, 2, 3, 8, 300])


def faces(random: Random) -> FaceArray:
    """Return a face array of any content."""
    message = FaceArray(header=header(random), image_width=random.choice(SIZES),
                        image_height=random.choice(SIZES), detector=random.choice(TEXTS))
    crop = conversions.array_to_image(np.full((48, 48), 90, np.uint8), 'mono8')
    for _ in range(count(random)):
        message.faces.append(Face(
            track_id=random.choice(SIZES), roi=roi(random), score=random.choice(FLOATS),
            detected=random.random() < 0.5, quality=random.choice(FLOATS),
            landmarks=[Point32(x=random.choice(FLOATS), y=random.choice(FLOATS))
                       for _ in range(random.choice([0, 5, 5, 1, 100]))],
            crop=crop if random.random() < 0.6 else image(random)))
    return message


def emotions(random: Random) -> EmotionArray:
    """Return an emotion array of any content."""
    message = EmotionArray(header=header(random), image_width=random.choice(SIZES),
                           image_height=random.choice(SIZES), model=random.choice(TEXTS),
                           label_set=random.choice(TEXTS))
    for _ in range(count(random)):
        item = Emotion(
            track_id=random.choice(SIZES), roi=roi(random), label=random.choice(TEXTS),
            emotion=random.choice([0, 3, 6, 7, 255]), confidence=random.choice(FLOATS),
            quality=random.choice(FLOATS), valence=random.choice(FLOATS),
            arousal=random.choice(FLOATS), onset=random.random() < 0.5)
        item.probabilities = np.array([random.choice(FLOATS) for _ in range(7)], np.float32)
        item.filtered_probabilities = np.array([random.choice(FLOATS) for _ in range(7)],
                                               np.float32)
        item.state_duration.sec = random.choice([-2**31, -1, 0, 1, 2**31 - 1])
        message.emotions.append(item)
    return message


def camera_info(random: Random) -> CameraInfo:
    """Return a camera info of any content."""
    message = CameraInfo(header=header(random), width=random.choice(SIZES),
                         height=random.choice(SIZES), distortion_model=random.choice(TEXTS),
                         d=[random.choice(FLOATS) for _ in range(random.choice([0, 5, 8, 99]))])
    for name, size in (('k', 9), ('r', 9), ('p', 12)):
        setattr(message, name, [random.choice([*FLOATS, 500.0, 320.0]) for _ in range(size)])
    message.binning_x, message.roi = random.choice(SIZES), roi(random)
    return message


def value(random: Random, like: object) -> object:
    """Return a parameter's value: often of another type, or out of range."""
    choices = [True, 0, 1, -1, 2**63 - 1, -2**63, *FLOATS, *TEXTS, [], [''], [math.nan] * 7,
               [1, 2], ['cpu', ''], [True], b'\x00'.hex(), '/dev/zero', '/etc/shadow']
    return random.choice([*choices, like, like])

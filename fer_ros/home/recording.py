# SPDX-License-Identifier: Apache-2.0
"""Recordings of emotions to try a policy on: JSON lines, or a bag of EmotionArray messages.

Each line of a recording is one object. Faces seen by a camera::

    {"stamp_s": 12.5, "source": "emotions", "faces": [
        {"track_id": 1, "label": "happy", "confidence": 0.8}]}

Empty ``faces`` means nobody in view. A face may also have ``probabilities`` and ``filtered``
(seven each, in the order of the emotions), ``valence``, ``arousal``, ``quality`` and ``box``
(x, y, width, height in pixels); missing values are derived from label and confidence.
``source`` is ``emotions`` unless given. With ``for_s`` the camera saw the same, twice a second,
for so long. What a person did to a lamp::

    {"stamp_s": 20.0, "room": "living_room", "target": "lamp",
     "hand": {"on": true, "brightness": 0.3}}
"""

from collections.abc import Iterator
from dataclasses import dataclass
import json
import math
from pathlib import Path

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.errors import ConfigurationError, cut, shown
from fer_ros.home.ambience import PROTOTYPES
from fer_ros.home.light import LightState
from fer_ros.types import BoundingBox, FaceEmotion
import numpy as np

#: Files with these suffixes, and folders, are read as bags.
BAG_SUFFIXES = ('.mcap', '.db3')
#: What is seen for a while is seen again after so long, seconds.
_AGAIN_S = 0.5


@dataclass(frozen=True)
class Seen:
    """Faces seen by a camera at one time."""

    stamp_s: float
    source: str
    faces: tuple[FaceEmotion, ...]


@dataclass(frozen=True)
class ManualChange:
    """A manual change of a lamp."""

    stamp_s: float
    room: str
    target: str
    state: LightState


def read_recording(path: str | Path) -> Iterator[Seen | ManualChange]:
    """Yield the entries of a recording, in file order.

    :raises ConfigurationError: naming file, line and what is wrong.
    """
    path = Path(path)
    if path.is_dir() or path.suffix in BAG_SUFFIXES:
        yield from _read_bag(path)
        return
    try:
        # Some editors write a byte-order mark.
        with path.open(encoding='utf-8-sig') as file:
            before_s = -math.inf
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    entry = _parse(json.loads(line))
                except RecursionError as error:
                    raise ConfigurationError(f'{path}:{number}: too deeply nested') from error
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    what = f'{error} is missing' if isinstance(error, KeyError) else error
                    raise ConfigurationError(f'{path}:{number}: {cut(str(what))}') from error
                if entry[0].stamp_s < before_s:
                    raise ConfigurationError(f'{path}:{number}: stamp_s goes back from '
                                             f'{before_s:.3f} to {entry[0].stamp_s:.3f}')
                for again in entry:
                    before_s = again.stamp_s
                    yield again
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}: not a text file in UTF-8; bags end in '
                                 f'{" or ".join(BAG_SUFFIXES)} or are folders') from error
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error


def _parse(data: dict) -> list[Seen | ManualChange]:
    """Return what a line tells: one entry, or one for each time that the same was seen."""
    if not isinstance(data, dict):
        raise ValueError('expected one object per line')
    stamp_s = _number(data, 'stamp_s', None, -1e11, 1e11)
    if 'hand' in data:
        hand = data['hand']
        if not isinstance(hand, dict):
            raise ValueError(f'hand is {shown(hand)}: expected an object')
        on = hand.get('on', True)
        if not isinstance(on, bool):
            raise ValueError(f'on is {shown(on)}: expected true or false')
        color = None if hand.get('color') is None else _numbers(hand, 'color', 3, 0, 1)
        return [ManualChange(stamp_s, str(data['room']), str(data['target']), LightState(
            on, _number(hand, 'brightness', None, 0, 1), color,
            _number(hand, 'color_temperature_k', None, 1000, 20_000)))]
    if not isinstance(data['faces'], list):
        raise ValueError(f'faces is {shown(data["faces"])}: expected a list')
    times = 1 + round(_number(data, 'for_s', 0, 0, 86400) / _AGAIN_S)
    source, faces = str(data.get('source', 'emotions')), tuple(map(_face, data['faces']))
    return [Seen(stamp_s + _AGAIN_S * k, source, faces) for k in range(times)]


def _number(data: dict, key: str, default: float | None, low: float, high: float):
    """Return a number of an object; where it has none, the default."""
    value = data[key] if key == 'stamp_s' else data.get(key, default)
    if value is None and key != 'stamp_s':
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) \
            or not low <= value <= high:
        raise ValueError(f'{key} is {shown(value)}: expected a number from {low:g} to {high:g}')
    return value


def _numbers(data: dict, key: str, count: int, low: float, high: float) -> tuple[float, ...]:
    values = data[key]
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f'{key} is {shown(values)}: expected {count} numbers')
    return tuple(float(_number({key: value}, key, None, low, high) or 0) for value in values)


def _face(data: dict) -> FaceEmotion:
    if not isinstance(data, dict):
        raise ValueError(f'a face is {shown(data)}: expected an object')
    label = data['label']
    if label not in (*LABELS, UNCERTAIN):
        raise ValueError(f'unknown label {shown(label)}: expected '
                         f'{", ".join(LABELS)} or {UNCERTAIN}')
    confidence = float(_number(data, 'confidence', 0.8 if label != UNCERTAIN else 0.3, 0, 1))
    spread = np.full(len(LABELS), 1 / len(LABELS))
    if label != UNCERTAIN:
        spread[:] = (1 - confidence) / (len(LABELS) - 1)
        spread[LABELS.index(label)] = confidence
    filtered = np.array(_numbers(data, 'filtered', len(LABELS), 0, 1) if 'filtered' in data
                        else spread)
    probabilities = np.array(_numbers(data, 'probabilities', len(LABELS), 0, 1)
                             if 'probabilities' in data else filtered)
    prototypes = np.array(list(PROTOTYPES.values()))
    valence, arousal = filtered @ prototypes
    return FaceEmotion(
        track_id=int(_number(data, 'track_id', 1, 0, 2**32 - 1)),
        box=BoundingBox(*_numbers({'box': [0, 0, 100, 100], **data}, 'box', 4, -1e6, 1e6)),
        probabilities=probabilities, filtered=filtered, label=label, confidence=confidence,
        quality=float(_number(data, 'quality', 1.0, 0, 1)),
        valence=float(_number(data, 'valence', float(valence), -1, 1)),
        arousal=float(_number(data, 'arousal', float(arousal), -1, 1)))


def _read_bag(path: Path) -> Iterator[Seen]:
    try:
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import get_types_from_msg, get_typestore, Stores
    except ImportError as error:
        raise ConfigurationError(f'{path} is a bag: reading it requires rosbags '
                                 "(pip install 'rosbags>=0.10')") from error
    store = get_typestore(Stores.ROS2_HUMBLE)
    for folder in _message_folders():
        for name in ('Emotion', 'EmotionArray'):
            definition = folder / f'{name}.msg'
            if definition.is_file():
                store.register(get_types_from_msg(definition.read_text(encoding='utf-8'),
                                                  f'fer_ros/msg/{name}'))
    kind = 'fer_ros/msg/EmotionArray'
    try:
        with AnyReader(_bags(path), default_typestore=store) as reader:
            chosen = [connection for connection in reader.connections
                      if connection.msgtype == kind]
            if not chosen:
                raise ConfigurationError(f'{path}: no topic of type {kind} in the bag')
            for connection, _, raw in reader.messages(connections=chosen):
                message = reader.deserialize(raw, kind)
                stamp = message.header.stamp
                yield Seen(stamp.sec + stamp.nanosec * 1e-9, connection.topic,
                           tuple(_bag_face(face) for face in message.emotions))
    except ConfigurationError:
        raise
    except Exception as error:  # rosbags raises anything for a damaged file
        raise ConfigurationError(
            f'{path}: cannot be read as a bag: '
            f'{cut(str(error)).rstrip(".") or type(error).__name__}. If its recorder was killed, '
            'repair it: mcap recover FILE.mcap -o WHOLE.mcap, or for .db3 '
            'ros2 bag reindex FOLDER') from error


def _bags(path: Path) -> list[Path]:
    """Return the bag, or the files of a folder whose recorder was killed before its metadata."""
    if path.is_dir() and not (path / 'metadata.yaml').exists():
        return sorted(file for file in path.iterdir() if file.suffix in BAG_SUFFIXES) or [path]
    return [path]


def _message_folders() -> list[Path]:
    folders = [Path(__file__).parents[2] / 'msg']
    try:
        from ament_index_python.packages import get_package_share_directory
        folders.append(Path(get_package_share_directory('fer_ros')) / 'msg')
    except (ImportError, LookupError, OSError):
        pass
    return [folder for folder in folders if folder.is_dir()][:1]


def _bag_face(face) -> FaceEmotion:
    roi = face.roi
    return FaceEmotion(
        track_id=face.track_id,
        box=BoundingBox(roi.x_offset, roi.y_offset, roi.width, roi.height),
        probabilities=np.asarray(face.probabilities, float),
        filtered=np.asarray(face.filtered_probabilities, float), label=face.label,
        confidence=face.confidence, quality=face.quality, valence=face.valence,
        arousal=face.arousal, onset=face.onset,
        duration_s=face.state_duration.sec + face.state_duration.nanosec * 1e-9)

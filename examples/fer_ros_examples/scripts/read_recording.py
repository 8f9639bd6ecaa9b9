#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print the emotions and actions of a recording (rosbag2: MCAP or SQLite) as CSV, without ROS.

Needs only rosbags (``pip install rosbags``) and the message definitions of fer_ros.
"""

import argparse
from collections.abc import Iterator
import csv
import os
from pathlib import Path
import sys

from rosbags.rosbag2 import Reader, ReaderError
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

EMOTIONS = 'fer_ros/msg/EmotionArray'
ACTION = 'fer_ros/msg/AmbientAction'
COLUMNS = ('stamp_s', 'topic', 'what', 'label', 'confidence', 'duration_s')


def find_definitions() -> Path:
    """Return the folder of fer_ros's .msg files: installed in a workspace, or this repository's.

    :raises FileNotFoundError: there is none.
    """
    prefixes = [prefix for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if prefix]
    here = Path(__file__).resolve()
    folders = [Path(prefix) / 'share' / 'fer_ros' / 'msg' for prefix in prefixes]
    folders += [parent / 'msg' for parent in here.parents]
    for folder in folders:
        if (folder / 'EmotionArray.msg').is_file():
            return folder
    raise FileNotFoundError('the .msg files of fer_ros were not found: name their folder with '
                            '--definitions')


def make_typestore(definitions: Path) -> Typestore:
    """Return the types of ROS 2 and those that the .msg files of a folder define."""
    typestore = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for path in sorted(definitions.glob('*.msg')):
        types.update(get_types_from_msg(path.read_text(encoding='utf-8'),
                                        f'fer_ros/msg/{path.stem}'))
    typestore.register(types)
    return typestore


def read(recording: Path, typestore: Typestore) -> Iterator[tuple[str, object]]:
    """Yield topic and message of all fer_ros messages of a recording, in the order recorded.

    :raises ValueError: the recording was made with another version of a message.
    """
    with Reader(recording) as reader:
        connections = [connection for connection in reader.connections
                       if connection.msgtype in typestore.types
                       and connection.msgtype.startswith('fer_ros/')]
        for connection in connections:
            # The hash that ROS 2 makes of a type (REP-2011), where the recorder wrote it.
            if connection.digest.startswith('RIHS01') and (
                    connection.digest != typestore.hash_rihs01(connection.msgtype)):
                raise ValueError(f'{connection.topic}: the recording holds another version of '
                                 f'{connection.msgtype} than the definitions at hand: name the '
                                 "folder of that version's .msg files with --definitions")
        # Named connections only: an empty list would mean all.
        if not connections:
            return
        for connection, _, data in reader.messages(connections):
            yield connection.topic, typestore.deserialize_cdr(data, connection.msgtype)


def rows(topic: str, message: object) -> Iterator[tuple]:
    """Yield the CSV rows of a message, one a face or action, in the order of COLUMNS."""
    if message.__msgtype__ not in (EMOTIONS, ACTION):
        return
    stamp = message.header.stamp
    stamp_s = f'{stamp.sec}.{stamp.nanosec:09d}'
    if message.__msgtype__ == ACTION:
        yield (stamp_s, topic, f'{message.room}/{message.target}', message.emotion,
               f'{message.confidence:.3f}', f'{message.transition_s:.1f}')
        return
    for face in message.emotions:
        duration = face.state_duration
        yield (stamp_s, topic, f'face {face.track_id}', face.label, f'{face.confidence:.3f}',
               f'{duration.sec + duration.nanosec / 1e9:.1f}')


def main() -> int:
    """Read the recording named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('recording', type=Path, help='the folder that ros2 bag record made')
    parser.add_argument('--definitions', type=Path,
                        help="the folder of fer_ros's .msg files; searched for by default")
    options = parser.parse_args()
    try:
        typestore = make_typestore(options.definitions or find_definitions())
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        for topic, message in read(options.recording, typestore):
            writer.writerows(rows(topic, message))
    except (OSError, ReaderError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

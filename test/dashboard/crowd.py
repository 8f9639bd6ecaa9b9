# SPDX-License-Identifier: Apache-2.0
"""Several people: clips with the bundled one beside itself, and made-up emotions."""

import json
import os

import cv2
from fer_ros import conversions
from fer_ros.data import demo_clip_path
from fer_ros.emotions.labels import LABELS
from home_support import emotion
import numpy as np
from std_msgs.msg import Header

#: Where somebody is in view in the bundled clip, frames; and the part with the face, pixels.
_SEEN = (*range(480, 570), *range(0, 290))
_ROWS, _COLUMNS = slice(30, 340), slice(130, 430)
_RATE_HZ = 10
_STEP = 3
_PER_ROW = 4

_POLICY = """
version: 1
policies:
  mirror:
    by_emotion: {{happy: {{strategy: mirror}}, sad: {{strategy: energise}}}}
  comfort:
    by_emotion: {{sad: {{strategy: soothe}}}}
rooms:
{rooms}
"""
_ROOM = """
  {name}:
    sources: [{source}]
    policy: mirror
    targets:
      lamp: {{type: terminal}}
    minimum_confidence: 0.4
    dwell_s: 1.0
    cooldown_s: 3
    rate_limit: {{actions: 12, per_s: 60}}
"""


def write_clip(path, people):
    """Write a clip of a number of people; they smile and look sad at different times."""
    clip = cv2.VideoCapture(str(demo_clip_path()))
    frames = [clip.read()[1] for _ in range(570)]
    tiles = [frames[i][_ROWS, _COLUMNS] for i in _SEEN[::_STEP]]
    height, width = tiles[0].shape[:2]
    columns = min(people, _PER_ROW)
    lines = -(-people // _PER_ROW)
    size = (columns * width, max(lines * height, columns * width * 9 // 16))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), _RATE_HZ, size)
    for turn in range(len(tiles)):
        canvas = np.full((size[1], size[0], 3), 150, np.uint8)
        top = (size[1] - lines * height) // 2
        for i in range(people):
            x, y = i % _PER_ROW * width, top + i // _PER_ROW * height
            canvas[y:y + height, x:x + width] = tiles[(turn + 17 * i) % len(tiles)]
        writer.write(canvas)
    writer.release()


def start(nodes, folder, cameras):
    """Start all nodes for some cameras, by name the number of people; 1: the bundled clip.

    One camera is called ``camera`` and has the default policy.
    """
    single = list(cameras) == ['camera']
    topics = {name: 'emotions' if single else f'{name}/emotions' for name in cameras}
    policy = []
    if not single:
        file = folder / 'policy.yaml'
        file.write_text(_POLICY.format(rooms=''.join(
            _ROOM.format(name=name, source=topic) for name, topic in topics.items())))
        policy = ['-p', f'policy_file:={file}']
    nodes.start('dashboard', 'fer_ros.nodes.dashboard', '--ros-args', '-p', 'port:=0', '-p',
                f'emotion_topics:={json.dumps(list(topics.values()))}')
    nodes.start('bridge', 'fer_ros.nodes.smart_home_bridge', '--ros-args', '-p',
                'lamp_display:=none', *policy)
    for name, people in cameras.items():
        namespace = [] if single else ['-r', f'__ns:=/{name}']
        source = os.path.relpath(demo_clip_path())
        if people > 1:
            source = folder / f'{name}.mp4'
            write_clip(source, people)
        nodes.start(f'{name} faces', 'fer_ros.nodes.composed', 'face_detector',
                    'emotion_classifier', 'attention', '--ros-args', *namespace)
        nodes.start(f'{name} camera', 'fer_ros.nodes.camera_driver', '--ros-args', '-p',
                    f'source:={json.dumps(str(source))}', '-p', 'loop:=true', *namespace)


def publish_made_up(graph, publishers, stop):
    """Publish emotions ten times per second, for this many people each, until the event is set."""
    turn = 0
    while not stop.wait(0.1):
        turn += 1
        for publisher, count in publishers.items():
            people = [emotion(LABELS[(turn // 10 + i) % 7], 0.5 + 0.04 * (turn % 10),
                              track_id=i + 1) for i in range(count)]
            publisher.publish(conversions.emotions_to_message(
                people, Header(stamp=graph.node.get_clock().now().to_msg()), 640, 480, 'made up',
                'ferplus'))

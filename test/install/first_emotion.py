# SPDX-License-Identifier: Apache-2.0
"""Start the nodes as installed, let them look at an image, print the first emotion as JSON.

    first_emotion.py nodes|ros2 IMAGE
"""

import json
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time
from urllib.error import URLError
from urllib.request import urlopen

from ament_index_python.packages import get_package_prefix
import cv2
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros.emotions.labels import LABELS
from fer_ros.msg import Emotion, EmotionArray
from fer_ros.nodes import qos
from fer_ros.transport import use_profile
import rclpy

_TIMEOUT_S = 180.0
_PORT = 8088
_NODES = {'camera_driver': ['loop:=true'], 'face_detector': ['detector:=yunet'],
          'emotion_classifier': [], 'smart_home_bridge': [], 'dashboard': [f'port:={_PORT}']}


def main() -> int:
    """Start, wait, stop."""
    image = Path(sys.argv[-1])
    with tempfile.TemporaryDirectory() as folder:
        # Written anew: its color profile makes libpng complain at every read.
        cv2.imwrite(str(Path(folder, 'portrait.png')), cv2.imread(str(image)))
        started_s = time.monotonic()
        processes = [subprocess.Popen(command) for command in _commands(folder)]
        try:
            result = _look(started_s)
        finally:
            for process in processes:
                process.send_signal(signal.SIGINT)
            codes = [process.wait(60) for process in processes]
    print(json.dumps({**result, 'exit codes': codes}))
    return 0


def _commands(folder: str) -> list[list[str]]:
    if sys.argv[1] == 'ros2':
        parameters = Path(folder, 'parameters.yaml')
        parameters.write_text('/**/camera_driver: {ros__parameters: {loop: true}}\n'
                              '/**/face_detector: {ros__parameters: {detector: yunet}}\n')
        return [['ros2', 'launch', 'fer_ros', 'fer.launch.py', f'source:={folder}', 'web:=true',
                 f'params_file:={parameters}']]
    programs = Path(get_package_prefix('fer_ros'), 'lib', 'fer_ros')
    _NODES['camera_driver'].append(f'source:={folder}')
    return [[str(programs / node), '--ros-args', '-r', f'__node:={node}',
             *(part for setting in settings for part in ('-p', setting))]
            for node, settings in _NODES.items()]


def _look(started_s: float) -> dict:
    use_profile(images=False)
    rclpy.init()
    node = rclpy.create_node('first_emotion')
    seen, told = [], {}
    node.create_subscription(EmotionArray, 'emotions', lambda message: seen.extend(
        emotion for emotion in message.emotions
        if emotion.emotion != Emotion.UNCERTAIN), qos.RESULT)

    def heard(message):
        for status in message.status:
            told.update({value.key: value.value for value in status.values
                         if 'face_detector' in status.name and value.key == 'detector'})
    node.create_subscription(DiagnosticArray, '/diagnostics', heard, 50)
    page = 0
    while not (seen and told and page) and time.monotonic() < started_s + _TIMEOUT_S:
        rclpy.spin_once(node, timeout_sec=0.2)
        try:
            page = page or urlopen(f'http://127.0.0.1:{_PORT}/', timeout=5).status
        except (URLError, OSError):
            continue
    result = {'label': '', 'confidence': 0.0, 'page': page, 'detector': told.get('detector', ''),
              'after_s': time.monotonic() - started_s}
    if seen:
        result.update(label=LABELS[seen[0].emotion], confidence=float(seen[0].confidence))
    rclpy.shutdown()
    return result


if __name__ == '__main__':
    raise SystemExit(main())

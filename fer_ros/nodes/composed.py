# SPDX-License-Identifier: Apache-2.0
"""Many nodes in one process: less memory and start-up time, the same topics and parameters."""

import argparse
from importlib import import_module
import sys

from fer_ros.nodes.program import run
import rclpy.utilities

#: node: (module, class)
NODES = {
    'camera_driver': ('fer_ros.nodes.camera_driver', 'CameraDriver'),
    'face_detector': ('fer_ros.nodes.face_detector', 'FaceDetector'),
    'emotion_classifier': ('fer_ros.nodes.emotion_classifier', 'EmotionClassifierNode'),
    'annotator': ('fer_ros.nodes.annotator', 'Annotator'),
    'smart_home_bridge': ('fer_ros.nodes.smart_home_bridge', 'SmartHomeBridge'),
    'dashboard': ('fer_ros.nodes.dashboard', 'Dashboard'),
    'markers': ('fer_ros.nodes.markers', 'Markers'),
    'detections': ('fer_ros.nodes.detections', 'Detections'),
    'attention': ('fer_ros.nodes.attention', 'AttentionNode'),
    'ros4hri': ('fer_ros.nodes.ros4hri', 'Ros4Hri'),
}
#: The default nodes; the others serve rviz and other packages.
DEFAULT = ('camera_driver', 'face_detector', 'emotion_classifier', 'annotator',
           'smart_home_bridge')


def main(args: list[str] | None = None) -> int:
    """Run the named nodes in one process."""
    args = sys.argv if args is None else args
    own = rclpy.utilities.remove_ros_args(args)[1:]
    parser = argparse.ArgumentParser(prog='composed', description=__doc__)
    parser.add_argument('nodes', nargs='*', metavar='NODE[=true|false]', type=_choice,
                        help=f'any of {", ".join(NODES)}; by default {", ".join(DEFAULT)}')
    requested = parser.parse_args(own).nodes or [(name, True) for name in DEFAULT]
    chosen = [name for name, wanted in requested if wanted]
    if not chosen:
        parser.error('no node is selected')
    return run(*(getattr(import_module(module), factory)
                 for module, factory in (NODES[name] for name in chosen)), args=args)


def _choice(text: str) -> tuple[str, bool]:
    """Parse NODE or NODE=BOOLEAN, as launch files pass their arguments."""
    name, _, wanted = text.partition('=')
    if name not in NODES:
        raise argparse.ArgumentTypeError(
            f'unknown node {name!r}: choose from {", ".join(NODES)}')
    if wanted.lower() not in ('', 'true', '1', 'false', '0'):
        raise argparse.ArgumentTypeError(f'{text!r}: expected {name}=true or {name}=false')
    return name, wanted.lower() not in ('false', '0')


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""All nodes in one process: less memory and start-up time, the same topics and parameters."""

import argparse
from importlib import import_module
import sys

from fer_ros.nodes.base import run
import rclpy.utilities

#: node: (module, class)
NODES = {
    'camera_driver': ('fer_ros.nodes.camera_driver', 'CameraDriver'),
    'face_detector': ('fer_ros.nodes.face_detector', 'FaceDetector'),
    'emotion_classifier': ('fer_ros.nodes.emotion_classifier', 'EmotionClassifierNode'),
    'annotator': ('fer_ros.nodes.annotator', 'Annotator'),
    'smart_home_bridge': ('fer_ros.nodes.smart_home_bridge', 'SmartHomeBridge'),
}


def main(args: list[str] | None = None) -> int:
    """Run the named nodes, all by default, in one process."""
    args = sys.argv if args is None else args
    own = rclpy.utilities.remove_ros_args(args)[1:]
    parser = argparse.ArgumentParser(prog='composed', description=__doc__)
    parser.add_argument('nodes', nargs='*', metavar='NODE',
                        help=f'any of {", ".join(NODES)}; all by default')
    chosen = parser.parse_args(own).nodes or list(NODES)
    unknown = [name for name in chosen if name not in NODES]
    if unknown:
        parser.error(f'unknown node {", ".join(unknown)}: choose from {", ".join(NODES)}')
    return run(*(getattr(import_module(module), maker)
                 for module, maker in (NODES[name] for name in chosen)), args=args)


if __name__ == '__main__':
    raise SystemExit(main())

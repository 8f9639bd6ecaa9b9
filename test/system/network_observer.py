# SPDX-License-Identifier: Apache-2.0
"""Write what arrives of emotions and actions, one JSON line each, in the network this runs in."""

import json
import sys
import time

from fer_ros import transport
from fer_ros.msg import AmbientAction, EmotionArray
from fer_ros.nodes import qos
import rclpy
from rclpy.executors import ExternalShutdownException


def main():
    transport.use_profile()
    rclpy.init()
    node = rclpy.create_node('network_observer')

    def write(kind, message, **more):
        stamp = message.header.stamp
        print(json.dumps({'kind': kind, 'time_s': time.time(),
                          'stamp_s': stamp.sec + stamp.nanosec * 1e-9, **more}), flush=True)
    node.create_subscription(EmotionArray, 'emotions', lambda m: write(
        'emotions', m, faces=len(m.emotions)), qos.RESULT)
    node.create_subscription(AmbientAction, 'ambient_actions', lambda m: write(
        'action', m, emotion=m.emotion), qos.RESULT)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass


if __name__ == '__main__':
    sys.exit(main())

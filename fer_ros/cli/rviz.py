# SPDX-License-Identifier: Apache-2.0
"""Start RViz with the camera's optical frame as its fixed frame."""

import argparse
import os
import shutil
import signal
import sys

from fer_ros import transport
from fer_ros.errors import FerError

_REMIND_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Replace this process by RViz; return 1 with one line if not installed, 0 if stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    at = arguments.index('--ros-args') if '--ros-args' in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog='rviz', description=__doc__)
    parser.add_argument('--config', required=True, help='display configuration of RViz')
    parser.add_argument('--frame', default='', help='fixed frame; empty: the frame of the first '
                        'emotions, which is that of the images')
    options, ros_arguments = parser.parse_args(arguments[:at]), arguments[at:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        command = shutil.which('rviz2')
        if command is None:
            raise FerError('rviz2 not found: apt install ros-'
                           f'{os.environ.get("ROS_DISTRO", "$ROS_DISTRO")}-rviz2')
        transport.use_profile()
        frame = options.frame or first_frame(ros_arguments)
    except FerError as error:
        print(f'rviz: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    os.execv(command, ['rviz2', '-d', options.config, '-f', frame, *ros_arguments])


def first_frame(ros_arguments: list[str]) -> str:
    """Wait for emotions; return the frame that their images are in.

    :param ros_arguments: remappings and namespace, from ``--ros-args`` on.
    """
    from fer_ros.msg import EmotionArray
    from fer_ros.nodes import qos
    import rclpy
    from rclpy.signals import SignalHandlerOptions
    rclpy.init(args=['rviz', *ros_arguments], signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node('rviz_starter')
        frames: list[str] = []
        node.create_subscription(
            EmotionArray, 'emotions', lambda message: frames.append(message.header.frame_id),
            qos.RESULT)
        node.create_timer(_REMIND_S, lambda: node.get_logger().info(
            'RViz starts when the first emotions arrive with the frame of the camera; set '
            'rviz_frame to start without waiting'))
        while not frames:
            rclpy.spin_once(node, timeout_sec=0.5)
    finally:
        rclpy.try_shutdown()
    if not frames[0]:
        raise FerError("the camera's images have no frame_id: set rviz_frame")
    return frames[0]


if __name__ == '__main__':
    raise SystemExit(main())

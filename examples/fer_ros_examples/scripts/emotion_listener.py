#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print what each face shows: label, confidence, and for how long it has been so."""

import signal

from fer_ros.msg import EmotionArray
import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions


class EmotionListener(Node):
    """Subscribe to the emotions of one camera."""

    def __init__(self):
        super().__init__('emotion_listener')
        # Reliable with a depth of 10, as the classifier publishes. The name is relative: remap
        # it, or start this node in the camera's namespace.
        self.create_subscription(EmotionArray, 'emotions', self._on_emotions, 10)

    def _on_emotions(self, message: EmotionArray) -> None:
        # One array comes for every image, also with nobody in view.
        if not message.emotions:
            self.get_logger().info('nobody')
        for face in message.emotions:
            duration_s = Duration.from_msg(face.state_duration).nanoseconds / 1e9
            self.get_logger().info(f'face {face.track_id}: {face.label}, confidence '
                                   f'{face.confidence:.2f}, for {duration_s:.1f} s')


def main() -> None:
    """Listen until interrupted."""
    interrupted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: interrupted.append(number))
    # rclpy's own handlers would shut down in another thread, in the middle of a callback.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node, executor = EmotionListener(), SingleThreadedExecutor()
    executor.add_node(node)
    while not interrupted:
        executor.spin_once(timeout_sec=0.5)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    main()

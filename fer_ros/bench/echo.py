# SPDX-License-Identifier: Apache-2.0
"""Answer each image with its header, to measure the cost of rclpy alone."""

from fer_ros import transport
from fer_ros.nodes import qos
import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import Image
from std_msgs.msg import Header


def main() -> int:
    """Run until interrupted."""
    transport.use_profile()
    rclpy.init()
    node = rclpy.create_node('bench_echo')
    publisher = node.create_publisher(Header, 'bench_echo', qos.RESULT)
    node.create_subscription(Image, 'image_raw',
                             lambda message: publisher.publish(message.header), qos.IMAGE)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

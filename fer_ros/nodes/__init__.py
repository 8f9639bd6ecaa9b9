# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 nodes: glue between topics and the rooms."""

from fer_ros.inference.heap import keep_image_memory
from fer_ros.nodes.lazy_messages import load_messages_when_used

# Before rclpy's libraries start threads, each of which would get a heap of its own.
keep_image_memory()
# Before rclpy loads messages.
load_messages_when_used()

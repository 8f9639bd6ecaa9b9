# SPDX-License-Identifier: Apache-2.0
"""The pure core: numpy arrays and frozen dataclasses in and out, no ROS import anywhere below."""

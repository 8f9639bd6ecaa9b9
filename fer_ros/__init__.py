# SPDX-License-Identifier: Apache-2.0
"""Tracked, calibrated facial emotion estimates for ROS 2 robots and smart homes."""

# The generated messages (fer_ros.msg) are installed by ament, this code may be imported from the
# source tree: both are one package.
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
__version__ = '0.2.0'

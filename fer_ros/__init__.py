# SPDX-License-Identifier: Apache-2.0
"""Tracked, calibrated facial emotion estimates for ROS 2 robots and smart homes."""

# The generated messages (fer_ros.msg) are installed by ament, this code may be imported from the
# source tree: both are one package.
import os
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
__version__ = '0.2.0'

#: Images of more pixels are refused: no camera makes them, and one would stall the pipeline.
MAXIMUM_PIXELS = 128 * 1024 * 1024
# OpenCV reads it when it is loaded, and then refuses whatever a header says, in any format.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(MAXIMUM_PIXELS))

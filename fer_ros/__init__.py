# SPDX-License-Identifier: Apache-2.0
"""Tracked, calibrated facial emotion estimates for ROS 2 robots and smart homes."""

# ament installs the generated messages (fer_ros.msg); this code may be imported from the source
# tree. Both are one package.
import os
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
__version__ = '0.2.0'

#: Larger images are refused: no camera produces them, and one would stall the pipeline. Pixels.
MAXIMUM_PIXELS = 128 * 1024 * 1024
# OpenCV reads this when it is loaded, and refuses larger images of any format.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(MAXIMUM_PIXELS))

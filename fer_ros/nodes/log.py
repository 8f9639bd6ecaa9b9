# SPDX-License-Identifier: Apache-2.0
"""What the rooms log, by Python's logging, in the log of ROS."""

import logging

from fer_ros.masking import mask
from rclpy.logging import get_logger


class RosHandler(logging.Handler):
    """Pass records on to ROS, whose log is on the console, in files and on /rosout."""

    def __init__(self):
        super().__init__()
        self._logger = get_logger('fer_ros')

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on; rclpy allows one severity for each line of code."""
        text = mask(self.format(record))
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def use_ros_log() -> None:
    """Send what the package logs, from INFO up, to the log of ROS."""
    logger = logging.getLogger('fer_ros')
    if not any(isinstance(handler, RosHandler) for handler in logger.handlers):
        logger.addHandler(RosHandler())
        logger.setLevel(logging.INFO)
        logger.propagate = False

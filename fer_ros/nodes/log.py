# SPDX-License-Identifier: Apache-2.0
"""Forward Python's logging of the rooms to the ROS log."""

import logging

from fer_ros.masking import mask
from rclpy.logging import get_logger


class RosHandler(logging.Handler):
    """Logging handler that forwards records to ROS: console, files and /rosout."""

    def __init__(self):
        super().__init__()
        self._logger = get_logger('fer_ros')

    def emit(self, record: logging.LogRecord) -> None:
        """Forward a record; rclpy allows one severity per line of code."""
        text = mask(self.format(record))
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def use_ros_log() -> None:
    """Send the package's log records, from INFO up, to the ROS log."""
    logger = logging.getLogger('fer_ros')
    if not any(isinstance(handler, RosHandler) for handler in logger.handlers):
        logger.addHandler(RosHandler())
        logger.setLevel(logging.INFO)
        logger.propagate = False

# SPDX-License-Identifier: Apache-2.0
"""Where what a home has learnt is kept on this machine."""

import os
from pathlib import Path

MODEL_NAME = 'model.json'


def habits_folder(given: str = '') -> Path:
    """Return the folder of the log and the model.

    It is the folder given, or else ``habits`` in the state directory of the service (systemd's
    ``STATE_DIRECTORY``), or ``fer_ros/habits`` in the home of ROS (``ROS_HOME``, ``~/.ros``).
    """
    if given:
        return Path(given).expanduser()
    if os.environ.get('STATE_DIRECTORY'):
        return Path(os.environ['STATE_DIRECTORY'].split(':')[0]) / 'habits'
    return Path(os.environ.get('ROS_HOME') or '~/.ros').expanduser() / 'fer_ros' / 'habits'

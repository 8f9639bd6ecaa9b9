# SPDX-License-Identifier: Apache-2.0
"""Folders of the event log and the model on this machine."""

import os
from pathlib import Path

from fer_ros.home.world.state_file import ros_home, state_folder

MODEL_NAME = 'model.json'


def habits_folder(given: str = '') -> Path:
    """Return the folder of the log and the model.

    It is the folder given, or else ``habits`` in the state directory of the service (systemd's
    ``STATE_DIRECTORY``), or ``fer_ros/habits`` in the home of ROS (``ROS_HOME``, ``~/.ros``).
    """
    if given:
        return Path(given).expanduser()
    if os.environ.get('STATE_DIRECTORY'):
        return state_folder('fer-home') / 'habits'
    return ros_home() / 'fer_ros' / 'habits'


def known_folder() -> Path:
    """Return the folder that has a log on this machine: of ROS, or of fer-home."""
    folders = (habits_folder(), state_folder('fer-home') / 'habits')
    return next((folder for folder in folders if (folder / 'events.jsonl').is_file()), folders[0])

# SPDX-License-Identifier: Apache-2.0
"""Find data files: in the source tree, or as installed by colcon or pip."""

import os
from pathlib import Path
import sysconfig

from fer_ros.errors import ConfigurationError


def config_file(name: str) -> Path:
    """Return a file of config/, such as ``policies/default.yaml``.

    :raises ConfigurationError: when it is not installed.
    """
    for folder in _shares():
        path = folder / 'config' / name
        if os.path.isfile(path):    # False if a parent folder is not accessible
            return path
    raise ConfigurationError(f'{name} is not installed: give the path of your own file')


def share_folder(package: str) -> Path | None:
    """Return the share folder of an installed ROS package, or None."""
    try:
        from ament_index_python.packages import get_package_share_directory
        return Path(get_package_share_directory(package))
    except (ImportError, LookupError, ValueError):
        return None


def _shares():
    yield Path(__file__).parents[1]  # the source tree
    if folder := share_folder('fer_ros'):
        yield folder
    for scheme in ('venv', sysconfig.get_default_scheme(), 'posix_user'):
        if scheme in sysconfig.get_scheme_names():
            yield Path(sysconfig.get_path('data', scheme)) / 'share' / 'fer_ros'

# SPDX-License-Identifier: Apache-2.0
"""The tests of the conversion of images again, with the real cv_bridge, in Debian's Python.

The desk has no cv_bridge. Debian's python3-cv-bridge holds the compiled one (for Debian's Python,
NumPy and OpenCV) with the Python half of ROS 1, which reads rows without padding as that of ROS 2
does. The messages are those of this environment.
"""

from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
import fer_ros.msg  # noqa: E402
import sensor_msgs  # noqa: E402

PYTHON = Path('/usr/bin/python3')
ROOT = Path(__file__).parents[2]
#: What the messages and pytest need; NumPy, OpenCV and cv_bridge are Debian's.
NEEDED = ('ament_index_python', 'builtin_interfaces', 'geometry_msgs', 'rosidl_*', 'sensor_msgs',
          'std_msgs', 'rpyutils', 'service_msgs', '*pytest', 'py.py', 'pluggy', 'iniconfig',
          'packaging', 'pygments')


def installed():
    if not PYTHON.exists() or sys.platform != 'linux':
        return False
    return subprocess.run(
        [PYTHON, '-c', f'assert {sys.version_info[:2]} == __import__("sys").version_info[:2]; '
         'import cv2, numpy, cv_bridge.boost.cv_bridge_boost'],
        capture_output=True, check=False).returncode == 0


def test_images_are_read_by_a_real_cv_bridge(tmp_path):
    if not installed():
        pytest.skip('python3-cv-bridge for this Python is not installed (Debian: apt install)')
    for pattern in NEEDED:
        for found in Path(sensor_msgs.__file__).parents[1].glob(pattern):
            (tmp_path / found.name).symlink_to(found)
    built = Path(fer_ros.msg.__file__).parents[2]
    run = subprocess.run(
        [PYTHON, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-rA', '--rootdir', tmp_path,
         ROOT / 'test' / 'nodes' / 'test_image_conversions.py', '-k', 'cv_bridge'],
        capture_output=True, text=True, check=False, cwd=ROOT,
        # Of plug-ins only the names are there.
        env={'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1',
             'PYTHONPATH': f'{ROOT}:{tmp_path}:{built}:{ROOT / "test"}',
             'PYTHONDONTWRITEBYTECODE': '1', 'PATH': '/usr/bin:/bin'})
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count('[cv_bridge]') + run.stdout.count('-cv_bridge]') >= 8, run.stdout

# SPDX-License-Identifier: Apache-2.0
"""Messages are loaded when they are used."""

import subprocess
import sys


def run(code: str, **options) -> None:
    """Run Python code in a fresh process, in which nothing is loaded."""
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120, **options)


def test_a_node_loads_the_messages_that_it_uses_and_the_others_remain_available():
    run('import sys\n'
        'import fer_ros.nodes.image_input\n'
        'import sensor_msgs.msg\n'
        'assert "sensor_msgs.msg._image" in sys.modules\n'
        'assert "sensor_msgs.msg._imu" not in sys.modules\n'
        'from sensor_msgs.msg import Imu\n'
        'assert sensor_msgs.msg.Imu is Imu is sys.modules["sensor_msgs.msg._imu"].Imu\n'
        'assert not hasattr(sensor_msgs.msg, "Nothing")\n'
        'from lifecycle_msgs.srv import *\n'
        'assert ChangeState.Request')


def test_a_package_that_does_more_or_is_loaded_already_stays_as_it_is(tmp_path):
    for package, more in (('std_msgs', 'loaded = True\n'), ('sensor_msgs', '')):
        folder = tmp_path / package / 'msg'
        folder.mkdir(parents=True)
        (tmp_path / package / '__init__.py').touch()
        (folder / '_one.py').write_text('class One:\n    pass\n')
        (folder / '__init__.py').write_text(f'from {package}.msg._one import One\n{more}')
    run('import sensor_msgs.msg\n'
        'before = sensor_msgs.msg\n'
        'import fer_ros.nodes, std_msgs.msg, sensor_msgs.msg\n'
        'assert sensor_msgs.msg is before and "One" in vars(before)\n'
        'assert std_msgs.msg.loaded and "One" in vars(std_msgs.msg)', cwd=tmp_path)

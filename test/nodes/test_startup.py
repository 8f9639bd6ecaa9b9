# SPDX-License-Identifier: Apache-2.0
"""A node's executable ends cleanly on signals that come while it loads or is ending already."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile

from fer_ros.requirements import EXIT_NOT_INSTALLED
from fer_ros.start_checks import chosen_nodes, prepare_log, report_shared_memory
import pytest

REPOSITORY = Path(__file__).parents[2]
#: Stands in for rclpy, which every node imports, and keeps the node loading.
ENDLESS = 'import threading\nprint("loading", flush=True)\nthreading.Event().wait(60)\n'


def executables():
    return sorted(path.name for path in (REPOSITORY / 'scripts').iterdir()
                  if (REPOSITORY / 'fer_ros' / 'nodes' / f'{path.name}.py').is_file())


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('name', executables())
def test_a_signal_while_loading_ends_the_process_cleanly(tmp_path, name, number):
    (tmp_path / 'rclpy.py').write_text(ENDLESS)
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    process = subprocess.Popen(
        [sys.executable, REPOSITORY / 'scripts' / name], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, 'PYTHONPATH': path})
    try:
        assert process.stdout.readline() == 'loading\n', process.stderr.read()
        process.send_signal(number)
        _, printed = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, printed) == (0, '')


def test_a_second_interrupt_does_not_kill_a_process_that_is_ending(tmp_path):
    (tmp_path / 'quick.py').write_text('def main():\n    return 3\n')
    program = ('import os, signal\n'
               'from fer_ros.nodes.startup import main_of\n'
               'code = main_of("quick")\n'
               'os.kill(os.getpid(), signal.SIGINT)\n'
               'raise SystemExit(code)\n')
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                          timeout=120, env={**os.environ, 'PYTHONPATH': path})
    assert (done.returncode, done.stderr) == (3, '')


@pytest.mark.parametrize('name, arguments', [
    ('smart_home_bridge', ()), ('composed', ()),
    ('composed', ('camera_driver', 'smart_home_bridge=true'))])
def test_a_package_that_is_too_old_is_one_line_and_an_exit_code_of_its_own(
        tmp_path, name, arguments):
    pytest.importorskip('rclpy', reason='without it a node says so instead')
    pytest.importorskip('fer_ros.msg', reason='the messages are not built')
    (tmp_path / 'pydantic.py').write_text("VERSION = '1.10.4'\n")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run([sys.executable, REPOSITORY / 'scripts' / name, *arguments],
                          capture_output=True, text=True, timeout=120,
                          env={**os.environ, 'PYTHONPATH': path})
    assert done.returncode == EXIT_NOT_INSTALLED
    assert not done.stdout
    line, = done.stderr.splitlines()
    assert 'cannot start: pydantic: found 1.10.4' in line and 'install' in line


def test_a_command_says_what_it_lacks_in_one_line(tmp_path):
    (tmp_path / 'pydantic.py').write_text("VERSION = '1.10.4'\n")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run([sys.executable, REPOSITORY / 'scripts' / 'fer-policy', 'check', 'x'],
                          capture_output=True, text=True, timeout=120,
                          env={**os.environ, 'PYTHONPATH': path})
    assert done.returncode == EXIT_NOT_INSTALLED
    line, = done.stderr.splitlines()
    assert line.startswith('policy: cannot start: pydantic: found 1.10.4')


def test_composed_needs_what_its_nodes_need_and_no_more():
    assert chosen_nodes('fer_ros.nodes.annotator', ['dashboard']) == ('annotator',)
    assert chosen_nodes('fer_ros.nodes.composed', [
        'camera_driver', 'dashboard=false', 'annotator=True', '--ros-args', '-r', '__ns:=/a',
    ]) == ('camera_driver', 'annotator')
    assert 'smart_home_bridge' in chosen_nodes('fer_ros.nodes.composed', [])


def test_a_log_that_cannot_be_written_goes_elsewhere_and_that_is_reported(
        tmp_path, monkeypatch, capsys):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'file' / 'log'))
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    prepare_log()
    elsewhere = Path(os.environ['ROS_LOG_DIR'])
    assert elsewhere.parent == tmp_path and elsewhere.is_dir()
    line, = capsys.readouterr().err.splitlines()
    assert str(elsewhere) in line and 'set ROS_LOG_DIR' in line


def test_shared_memory_that_is_missing_or_too_small_is_reported(tmp_path, capsys):
    report_shared_memory('camera_driver', folder=tmp_path)
    assert not capsys.readouterr().err
    report_shared_memory('camera_driver', folder=tmp_path / 'none')
    line, = capsys.readouterr().err.splitlines()
    assert 'does not exist' in line and '--shm-size' in line


def test_a_start_with_a_read_only_home_and_no_shared_memory_is_a_line_each(tmp_path):
    program = ('from fer_ros.nodes.startup import main_of\n'
               'raise SystemExit(main_of("quick"))\n')
    (tmp_path / 'quick.py').write_text('def main():\n    return 0\n')
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    command = 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"'
    isolated = ['unshare', '--mount', 'bash', '-c', command, 'isolated']
    if subprocess.run([*isolated, 'true'], capture_output=True, check=False).returncode:
        pytest.skip('mounting needs root')
    done = subprocess.run([*isolated, sys.executable, '-c', program], capture_output=True,
                          text=True, timeout=120,
                          env={**os.environ, 'PYTHONPATH': path, 'ROS_LOG_DIR': '/proc/none'})
    assert done.returncode == 0
    log, memory = done.stderr.splitlines()
    assert 'set ROS_LOG_DIR' in log and '/dev/shm has 1 MiB free' in memory

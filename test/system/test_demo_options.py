# SPDX-License-Identifier: Apache-2.0
"""The demo's command line: what is wrong is said in one line, before anything starts."""

from pathlib import Path
import socket
import subprocess
import sys

from fer_ros.cli import demo_options
from fer_ros.errors import FerError
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def checked(tmp_path, *arguments):
    options = demo_options.parse(['--output', str(tmp_path / 'out'), *arguments])
    demo_options.check(options)
    return options


@pytest.mark.parametrize('arguments, recorded', [
    ([], True),                                  # the bundled clip ends
    (['--source', 'film.mp4'], True),
    (['--web'], False),                          # it is played again and again
    (['--web', '--record'], True),
    (['--source', '/dev/video0'], False),        # a camera has no end
    (['--source', '0'], False),
    (['--source', 'rtsp://camera/1'], False),
    (['--source', '/dev/video0', '--record'], True),
    (['--no-record'], False)])
def test_only_what_ends_is_recorded_unless_asked(tmp_path, arguments, recorded):
    assert checked(tmp_path, *arguments, '--port', '0').record is recorded


@pytest.fixture
def busy():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize('arguments, words', [
    (['--policy', '{bad}'], 'bad.yaml:2: rooms'),
    (['--policy', '{tmp}/none.yaml'], 'none.yaml: cannot be read: No such file'),
    (['--web', '--address', '0.0.0.0'], 'FER_DASHBOARD_TOKEN'),
    (['--web', '--address', 'nowhere'], "address is 'nowhere'"),
    (['--web', '--address', '203.0.113.1', '--token-file', '{token}'], 'Cannot assign requested'),
    (['--web', '--token-file', '{tmp}/none'], 'none: cannot be read'),
    (['--web', '--port', '{busy}'], 'Address already in use; choose another one with --port'),
    (['--web', '--port', '70000'], '--port is 70000: expected 0 to 65535'),
    (['--output', '{bad}/x'], 'choose another one with --output')])
def test_what_cannot_run_is_reported_at_once(tmp_path, monkeypatch, busy, arguments, words):
    monkeypatch.delenv('FER_DASHBOARD_TOKEN', raising=False)
    bad, token = tmp_path / 'bad.yaml', tmp_path / 'token'
    bad.write_text('version: 1\nrooms: 3\n')
    token.write_text('correct horse battery')
    given = [part.format(bad=bad, tmp=tmp_path, token=token, busy=busy) for part in arguments]
    with pytest.raises(FerError) as caught:
        checked(tmp_path, *given)
    assert words in str(caught.value)
    assert not (tmp_path / 'out').exists()


def bare_python(*arguments):
    """Run fer-demo where Python has nothing but its standard library."""
    code = (f'import sys; sys.path.insert(0, {str(REPOSITORY)!r}); '
            f'from fer_ros.cli.demo import main; sys.exit(main({list(arguments)}))')
    return subprocess.run([sys.executable, '-I', '-S', '-c', code], capture_output=True,
                          text=True, timeout=120, env={'COLUMNS': '200', 'PATH': '/usr/bin:/bin'})


def test_help_needs_nothing_and_lists_the_keys(tmp_path):
    helped = bare_python('--help')
    assert helped.returncode == 0, helped.stderr
    assert demo_options.KEYS in helped.stdout and '`' not in helped.stdout


def test_without_ros_one_line_says_what_is_missing(tmp_path):
    run = bare_python('--output', str(tmp_path))
    assert run.returncode == 1 and len(run.stderr.splitlines()) == 1
    assert 'requires ROS 2' in run.stderr and 'fer-home' in run.stderr


def test_make_hands_its_variables_on():
    made = subprocess.run(
        ['make', '-n', 'demo', 'SOURCE=0', 'POLICY=a b.yaml', 'RECORD=1', 'WEB=1',
         'ADDRESS=0.0.0.0', 'PORT=9000'], cwd=REPOSITORY, capture_output=True, text=True,
        timeout=120)
    words = ' '.join(made.stdout.replace('\\\n', ' ').split())
    assert ("--source '0' --policy 'a b.yaml' --record --web --address '0.0.0.0' "
            "--port '9000'") in words

# SPDX-License-Identifier: Apache-2.0
"""A process whose start cannot succeed is started once; one that failed by chance comes back."""

import sys

import pytest

pytest.importorskip('launch', reason='launch is not installed')
pytest.importorskip('launch.actions', reason='launch is not installed')
from fer_ros import launch_guard  # noqa: E402
from fer_ros.requirements import EXIT_NOT_INSTALLED  # noqa: E402
from launch.actions import ExecuteProcess, RegisterEventHandler, Shutdown  # noqa: E402
from launch.event_handlers import OnProcessExit, OnProcessStart  # noqa: E402

from launch import LaunchDescription, LaunchService  # noqa: E402

DELAY_S = 0.2


def starts(*codes, beside_s=None):
    """Return how often a process is started that ends with these codes, the last for ever after.

    The launch ends when nothing is left to do, or after ``beside_s`` seconds.
    """
    seen = []

    def started(event, _):
        seen.append(event.pid)
    actions = []
    process = ExecuteProcess(
        cmd=[sys.executable, '-c',
             'import pathlib, sys; p = pathlib.Path(sys.argv[1]); '
             'n = int(p.read_text() or 0) if p.exists() else 0; p.write_text(str(n + 1)); '
             'codes = list(map(int, sys.argv[2:])); sys.exit(codes[min(n, len(codes) - 1)])',
             starts.file, *map(str, codes)],
        respawn=True, respawn_delay=DELAY_S, on_exit=launch_guard.RestartGuard())
    actions.append(RegisterEventHandler(OnProcessStart(target_action=process, on_start=started)))
    if beside_s is not None:
        clock = ExecuteProcess(cmd=['sleep', str(beside_s)])
        actions += [clock, RegisterEventHandler(OnProcessExit(
            target_action=clock, on_exit=[Shutdown(reason='the time is over')]))]
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([*actions, process]))
    service.run()
    return len(seen)


@pytest.fixture(autouse=True)
def count_file(tmp_path):
    starts.file = str(tmp_path / 'count')


@pytest.mark.parametrize('code', [2, EXIT_NOT_INSTALLED])
def test_what_cannot_succeed_is_started_once(code):
    assert starts(code) == 1


def test_what_fails_again_and_again_is_given_up():
    assert starts(1) == launch_guard.MOST_FAILURES


def test_what_failed_by_chance_comes_back():
    # 1, 1, then it is hopeless: two failures did not end it.
    assert starts(1, 1, EXIT_NOT_INSTALLED) == 3


def test_what_ends_well_is_started_again_as_before():
    assert starts(0, beside_s=4) > launch_guard.MOST_FAILURES

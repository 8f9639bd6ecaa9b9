# SPDX-License-Identifier: Apache-2.0
"""Shared fixtures: isolation from other ROS graphs, the test data, a live ROS graph."""

import os
from pathlib import Path
import tempfile
import uuid

import pytest
from skipped import pytest_terminal_summary  # noqa: F401
import turns

REPOSITORY = Path(__file__).resolve().parents[1]

# Before anything imports rclpy: a graph of our own, on this machine only.
os.environ['ROS_DOMAIN_ID'] = str(os.getpid() % 100 + 1)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ.pop('ROS_NAMESPACE', None)
# Users buffer what is printed, and faults have hidden behind this.
os.environ.pop('PYTHONUNBUFFERED', None)
# What the user has fetched changes no test.
os.environ['XDG_DATA_HOME'] = os.path.join(tempfile.gettempdir(), 'fer_ros_tests_have_no_data')

try:
    from hypothesis import settings
except ImportError:
    # On a robot: those who want it skip themselves.
    pass
else:
    # Two runs of the same tests agree; `make search` looks for examples that no run has seen.
    settings.register_profile('same', derandomize=True, deadline=None)
    settings.register_profile('search', database=None, deadline=None, print_blob=True)
    settings.load_profile('search' if 'FER_SEARCH' in os.environ else 'same')

@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one of several processes do all that is live, the others all else, file by file."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return turns.scope(nodeid)
    config.option.loadscopereorder = False  # by length, not by the number of tests
    return Scheduling(config, log)


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: turns.rank(item.nodeid))


@pytest.fixture(autouse=True)
def no_memory(tmp_path_factory, monkeypatch):
    """Let no test, and no user, be remembered by another."""
    folder = tmp_path_factory.getbasetemp() / 'memories' / uuid.uuid4().hex
    for variable in ('ROS_HOME', 'STATE_DIRECTORY'):
        monkeypatch.setenv(variable, str(folder))


@pytest.fixture(scope='session')
def shared() -> Path:
    """Return the folder of research data that may not be in the repository."""
    path = Path(os.environ.get('FER_SHARED', REPOSITORY.parent / 'shared'))
    if not (path / 'faces').is_dir():
        pytest.skip(f'no research data at {path} (set FER_SHARED): it may not be distributed')
    return path


@pytest.fixture(scope='session')
def portrait():
    """Return NASA's public-domain portrait of Eileen Collins, smiling, uint8 (480, 640, 3) BGR."""
    data = pytest.importorskip('skimage.data', reason='scikit-image, which has the portrait')
    import cv2
    import numpy as np
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)[:480]
    canvas = np.full((480, 640, 3), 70, np.uint8)
    canvas[:, :512] = image
    return canvas


@pytest.fixture
def graph(monkeypatch):
    """Return a live ROS graph with a node of the test in it.

    What a test patches stays so until the nodes have stopped: hence ``monkeypatch``.
    """
    support = pytest.importorskip('ros_support', reason='rclpy or the built messages are absent')
    with support.Graph() as live:
        yield live

# SPDX-License-Identifier: Apache-2.0
"""The repository's own files agree: versions, pins, and what a test run says it skipped."""

from pathlib import Path
import re
import shutil
import subprocess
import xml.etree.ElementTree

import fer_ros
import pytest
from skipped import summary
import turns

REPOSITORY = Path(__file__).resolve().parents[2]


def text(path):
    return (REPOSITORY / path).read_text(encoding='utf-8')


def test_one_version_everywhere():
    for package in ('package.xml', 'examples/fer_ros_examples/package.xml'):
        found = xml.etree.ElementTree.fromstring(text(package)).findtext('version')
        assert found == fer_ros.__version__, package
    assert re.search(r"version='(.*)'", text('setup.py')).group(1) == fer_ros.__version__
    newest = re.search(r'^(Forthcoming|\d+\.\d+\.\d+)', text('CHANGELOG.rst'), re.MULTILINE)
    assert newest.group(1) in ('Forthcoming', fer_ros.__version__)


@pytest.mark.parametrize('file', sorted(
    path.name for path in (REPOSITORY / 'requirements').glob('*.txt')
    if 'make lock' in path.read_text() or path.name in (
        'test.txt', 'detectors.txt', 'peers.txt', 'mutants.txt', 'profile.txt')))
def test_every_pin_has_its_hash(file):
    bare = re.findall(r'^\S+==\S+$', text(f'requirements/{file}'), re.MULTILINE)
    pinned = re.findall(r'^\S+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}$',
                        text(f'requirements/{file}'), re.MULTILINE)
    assert pinned and not bare, 'run make lock'


def test_colcon_test_runs_every_folder_of_tests():
    """A name that is not a folder ends `colcon build` on a robot."""
    named, = re.findall(r'foreach\(ring ([^)]*)\)', text('CMakeLists.txt'))
    folders = {file.relative_to(REPOSITORY / 'test').parts[0]
               for file in (REPOSITORY / 'test').rglob('test_*.py')}
    assert sorted(named.split()) == sorted(folders - {'training', 'launch'})


def test_the_files_that_contributing_names_exist():
    named = re.findall(r'`([\w./*-]+(?:\.(?:py|js|css|json|msg|srv|md|txt|yaml)|/))`',
                       text('CONTRIBUTING.md'))
    folders = ('.', 'fer_ros', 'fer_ros/home', 'fer_ros/dashboard/static', 'test/dashboard', 'msg',
               'srv', 'requirements')
    assert len(named) > 50
    assert [name for name in named if not any(
        any((REPOSITORY / folder).glob(name)) for folder in folders)] == []


def test_what_was_skipped_is_one_line_with_one_command():
    assert summary([]) == ''
    line = summary(['mosquitto is not installed (apt install mosquitto)'] * 2
                   + ['chromium is not installed (Debian: apt install chromium chromium-driver)',
                      'no FER2013 at /x/fer2013: it may not be distributed', 'something else'])
    assert line == ('5 skipped: 2 for want of mosquitto, 1 for want of chromium chromium-driver, '
                    '1 for want of research data (may not be distributed), 1 for reasons above. '
                    'To run them: sudo apt install chromium chromium-driver mosquitto')


def test_systemd_accepts_the_unit_for_a_robot(tmp_path):
    analyze = shutil.which('systemd-analyze')
    if analyze is None:
        pytest.skip('systemd-analyze is not installed (apt install systemd)')
    unit = tmp_path / 'fer_ros.service'
    # What is on the robot only: its user, and the start that was copied there.
    unit.write_text(text('config/robot/fer_ros.service')
                    .replace('/etc/fer_ros/start', '/bin/true').replace('User=robot', 'User=root'))
    verified = subprocess.run([analyze, 'verify', '--man=no', str(unit)], capture_output=True,
                              text=True, timeout=120)
    said = [line for line in verified.stderr.splitlines() if 'fer_ros' in line]
    assert verified.returncode == 0 and not said


def test_the_start_of_a_robot_is_what_launch_takes():
    start = REPOSITORY / 'config' / 'robot' / 'start'
    subprocess.run(['bash', '-n', str(start)], check=True)
    given = set(re.findall(r'(\w+):=', text('config/robot/start')))
    given |= set(re.findall(r'(\w+):=', text('docs/on_a_robot.md')))
    taken = set(re.findall(r"^    \('(\w+)',", text('launch/fer.launch.py'), re.MULTILINE))
    assert given and given <= taken


@pytest.mark.parametrize('page', ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', *sorted(
    f'docs/{path.name}' for path in (REPOSITORY / 'docs').glob('*.md'))])
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r'\]\((?!https?:|mailto:)([^)\s]+)\)', text(page)):
        file, _, anchor = target.partition('#')
        path = ((REPOSITORY / page).parent / file).resolve() if file else REPOSITORY / page
        assert path.exists(), target
        if anchor:
            titles = re.findall(r'^#+ (.*)$', path.read_text(encoding='utf-8'), re.MULTILINE)
            slugs = {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}
            assert anchor in slugs, target


@pytest.mark.parametrize('name', [*turns.LIVE, *turns.NOT_LIVE, *turns.LONG])
def test_what_has_its_turn_in_the_tests_exists(name):
    assert list(REPOSITORY.glob(f'{name.rstrip("/")}*'))

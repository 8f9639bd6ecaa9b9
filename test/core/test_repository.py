# SPDX-License-Identifier: Apache-2.0
"""The repository's own files agree: versions, pins, and what a test run says it skipped."""

from pathlib import Path
import re
import xml.etree.ElementTree

import fer_ros
import pytest
from skipped import summary

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
    if 'make lock' in path.read_text() or path.name in ('test.txt', 'detectors.txt', 'peers.txt')))
def test_every_pin_has_its_hash(file):
    bare = re.findall(r'^\S+==\S+$', text(f'requirements/{file}'), re.MULTILINE)
    pinned = re.findall(r'^\S+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}$',
                        text(f'requirements/{file}'), re.MULTILINE)
    assert pinned and not bare, 'run make lock'


def test_what_was_skipped_is_one_line_with_one_command():
    assert summary([]) == ''
    line = summary(['mosquitto is not installed (apt install mosquitto)'] * 2
                   + ['chromium is not installed (Debian: apt install chromium chromium-driver)',
                      'no FER2013 at /x/fer2013: it may not be distributed', 'something else'])
    assert line == ('5 skipped: 2 for want of mosquitto, 1 for want of chromium chromium-driver, '
                    '1 for want of research data (may not be distributed), 1 for reasons above. '
                    'To run them: sudo apt install chromium chromium-driver mosquitto')

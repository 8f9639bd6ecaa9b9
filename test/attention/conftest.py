# SPDX-License-Identifier: Apache-2.0
"""The networks, and a small folder of heads with known pose and gaze."""

import csv
import shutil

import pytest


@pytest.fixture(scope='session')
def mesher():
    from fer_ros.attention.mesh import FaceMesher
    from fer_ros.errors import ConfigurationError
    try:
        return FaceMesher()
    except ConfigurationError as error:
        pytest.skip(str(error))


@pytest.fixture(scope='session')
def heads(shared):
    folder = shared / 'gaze'
    if not (folder / 'camera.json').is_file():
        pytest.skip('no rendered heads among the research data')
    return folder


@pytest.fixture(scope='session')
def few_heads(heads, tmp_path_factory):
    """Two poses and four gazes each of two people, and the first second of a video."""
    folder = tmp_path_factory.mktemp('heads')
    shutil.copy(heads / 'camera.json', folder)
    (folder / 'images').symlink_to(heads / 'images')
    (folder / 'videos').mkdir()
    for table, each in (('poses', 2), ('gaze', 4)):
        rows = read(heads / f'{table}.csv')
        write(folder / f'{table}.csv', [row for person in ('h01', 'h02') for row in
                                        [r for r in rows if r['person'] == person][12:12 + each]])
    name = 'attention_desk_h01'
    (folder / 'videos' / f'{name}.mp4').symlink_to(heads / 'videos' / f'{name}.mp4')
    write(folder / 'videos' / f'{name}.csv', read(heads / 'videos' / f'{name}.csv')[:60])
    return folder


def read(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

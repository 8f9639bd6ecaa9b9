# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from fer_ros.cameras.camera_list import Camera, load_cameras
from fer_ros.errors import ConfigurationError
import pytest

REPOSITORY = Path(__file__).parents[2]


def test_sources_and_topics(tmp_path):
    file = tmp_path / 'cameras.yaml'
    file.write_text('left: {source: 0}\nhall_2: {image: /hall/image_raw}\n')
    assert load_cameras(file) == [Camera('left', source='0'),
                                  Camera('hall_2', image='/hall/image_raw')]


def test_the_list_that_ships_fits_the_policy_that_ships():
    names = [camera.name for camera in load_cameras(REPOSITORY / 'config' / 'cameras.yaml')]
    policy = (REPOSITORY / 'config' / 'policies' / 'apartment.yaml').read_text()
    assert names and all(f'sources: [{name}/emotions]' in policy for name in names)


@pytest.mark.parametrize('text, words', [
    ('', ['lists no cameras']),
    ('[left, right]', ['lists no cameras']),
    ('left: {source: 0', ['cannot be read']),
    ('left: /dev/video0', ['camera left', 'expected source']),
    ('left: {source: 0, image: /a}', ['camera left']),
    ('left: {source: ""}', ['camera left']),
    ('left: {device: 0}', ['camera left', "{'device': 0}"]),
    ('left/eye: {source: 0}', ["'left/eye' is not a valid camera name"]),
    ('1: {source: 0}', ["'1' is not a valid camera name"]),
])
def test_what_is_wrong_is_named(tmp_path, text, words):
    file = tmp_path / 'cameras.yaml'
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load_cameras(file)
    assert all(word in str(error.value) for word in [str(file), *words]), str(error.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match='cannot be read'):
        load_cameras(tmp_path / 'none.yaml')

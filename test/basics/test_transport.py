# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from xml.etree import ElementTree

from fer_ros.transport import profile_path, too_large, transport_environment
import pytest

#: Bytes of color images.
VGA, HD, FULL_HD, FOUR_K = (3 * width * height for width, height in (
    (640, 480), (1280, 720), (1920, 1080), (3840, 2160)))


@pytest.mark.parametrize('distribution, variable', [
    ('', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('humble', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
    ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ('lyrical', 'FASTDDS_DEFAULT_PROFILES_FILE')])
def test_each_distribution_reads_its_own_variable(distribution, variable):
    assert transport_environment({'ROS_DISTRO': distribution}) == {variable: profile_path()}


@pytest.mark.parametrize('variable', [
    'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE',
    'FASTDDS_BUILTIN_TRANSPORTS'])
def test_the_users_choice_stands(variable):
    assert transport_environment({variable: 'mine'}) == {}


@pytest.mark.parametrize('images', [True, False])
@pytest.mark.parametrize('earlier', [True, False])
def test_a_process_takes_its_own_of_our_profiles(images, earlier):
    chosen = {'FASTRTPS_DEFAULT_PROFILES_FILE': profile_path(earlier, VGA)}
    assert transport_environment(chosen, images) == {
        'FASTRTPS_DEFAULT_PROFILES_FILE': profile_path(images)}


def values(path):
    return [(node.tag.rpartition('}')[2], (node.text or '').strip())
            for node in ElementTree.parse(Path(path)).getroot().iter()]


def segment_bytes(path):
    size, = (int(text) for tag, text in values(path) if tag == 'segment_size')
    return size


@pytest.mark.parametrize('image_bytes', [VGA, HD, FULL_HD, 0])
def test_the_profiles_differ_in_the_shared_memory_alone(image_bytes):
    pairs = zip(values(profile_path(True, image_bytes)), values(profile_path(False)), strict=True)
    assert [one for (one, text), (_, other) in pairs if text != other] == [
        'segment_size', 'maxMessageSize']


@pytest.mark.parametrize('image_bytes, mib', [
    (VGA, 6), (2 * VGA, 14), (HD, 14), (FULL_HD, 32), (FOUR_K, 32), (0, 32)])
def test_shared_memory_holds_five_images_where_it_can(image_bytes, mib):
    size = segment_bytes(profile_path(True, image_bytes))
    assert size == mib * 2**20
    assert image_bytes == FOUR_K or size >= 5 * image_bytes


@pytest.mark.parametrize('expected, size, warned', [
    (VGA, VGA, False), (VGA, HD, False), (VGA, FULL_HD, True), (HD, FULL_HD, False),
    (HD, FOUR_K, True), (FULL_HD, FOUR_K, False), (0, FOUR_K, False)])
def test_images_larger_than_expected_are_noticed(expected, size, warned):
    assert too_large(size, transport_environment({}, True, expected)) == warned


def test_nothing_is_said_about_a_users_own_transport():
    assert not too_large(FOUR_K, {'FASTRTPS_DEFAULT_PROFILES_FILE': 'mine'})

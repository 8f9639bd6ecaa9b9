# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from xml.etree import ElementTree

from fer_ros.transport import profile_path, transport_environment
import pytest


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
def test_a_process_takes_its_own_of_our_profiles(images):
    chosen = {'FASTRTPS_DEFAULT_PROFILES_FILE': profile_path(not images)}
    assert transport_environment(chosen, images) == {
        'FASTRTPS_DEFAULT_PROFILES_FILE': profile_path(images)}


def test_the_profiles_differ_in_the_shared_memory_alone():
    def values(images):
        root = ElementTree.parse(Path(profile_path(images))).getroot()
        return [(node.tag, (node.text or '').strip()) for node in root.iter()]
    different = [tag.rpartition('}')[2] for (tag, text), (_, other)
                 in zip(values(True), values(False), strict=True) if text != other]
    assert different == ['segment_size', 'maxMessageSize']


def test_the_segment_holds_several_of_the_largest_common_images():
    root = ElementTree.parse(Path(profile_path())).getroot()
    sizes = [int(node.text) for node in root.iter() if node.tag.endswith('segment_size')]
    assert sizes and min(sizes) >= 4 * 1920 * 1080 * 3

# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from xml.etree import ElementTree

from fer_ros.transport import profile_path, transport_environment
import pytest


@pytest.mark.parametrize('distribution, variable', [
    ('', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('humble', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
    ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'), ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE')])
def test_each_distribution_reads_its_own_variable(distribution, variable):
    assert transport_environment({'ROS_DISTRO': distribution}) == {variable: profile_path()}


@pytest.mark.parametrize('variable', [
    'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE',
    'FASTDDS_BUILTIN_TRANSPORTS'])
def test_the_users_choice_stands(variable):
    assert transport_environment({variable: 'mine'}) == {}


def test_the_segment_holds_several_of_the_largest_common_images():
    root = ElementTree.parse(Path(profile_path())).getroot()
    sizes = [int(node.text) for node in root.iter() if node.tag.endswith('segment_size')]
    assert sizes and min(sizes) >= 4 * 1920 * 1080 * 3

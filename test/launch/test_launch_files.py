# SPDX-License-Identifier: Apache-2.0
"""Each launch file loads and describes what it takes; the XML twins take the same."""

from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch is not installed')
from fer_ros.nodes.parameters import COMMON_PARAMETERS  # noqa: E402
from launch.actions import IncludeLaunchDescription, RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnShutdown  # noqa: E402
from launch.launch_description_sources import AnyLaunchDescriptionSource  # noqa: E402

from launch import LaunchContext, LaunchDescription, LaunchService  # noqa: E402

FOLDER = Path(__file__).parents[2] / 'launch'
FILES = ('fer', 'perception', 'multi_camera')


def arguments(path):
    loaded = AnyLaunchDescriptionSource(str(path)).get_launch_description(LaunchContext())
    return {argument.name: argument.description for argument in loaded.get_launch_arguments()}


@pytest.mark.parametrize('name', FILES)
def test_every_argument_is_described_and_the_twin_takes_the_same(name):
    ours = arguments(FOLDER / f'{name}.launch.py')
    assert {'namespace', 'params_file', 'composed', 'respawn', 'use_sim_time', 'web',
            'web_address', 'web_port',
            *(p.name for p in COMMON_PARAMETERS)} <= set(ours)
    assert all(len(text) > 10 and 'no description' not in text.lower() for text in ours.values())
    assert arguments(FOLDER / f'{name}.launch.xml') == ours


def test_a_wrong_list_of_cameras_ends_the_launch_with_the_reason():
    reasons = []
    service = LaunchService()
    service.include_launch_description(LaunchDescription([
        RegisterEventHandler(OnShutdown(on_shutdown=lambda event, _: reasons.append(
            event.reason))),
        IncludeLaunchDescription(
            AnyLaunchDescriptionSource(str(FOLDER / 'multi_camera.launch.py')),
            launch_arguments=[('cameras', '/nowhere/cameras.yaml')])]))
    assert service.run() == 1
    assert 'the list of cameras /nowhere/cameras.yaml cannot be read' in reasons[0]

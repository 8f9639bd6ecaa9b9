# SPDX-License-Identifier: Apache-2.0
"""Camera, detector, classifier, bridge and annotator, for one camera."""

from fer_ros.transport import transport_environment
from launch.actions import DeclareLaunchArgument, GroupAction, SetEnvironmentVariable
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace, SetParameter
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

ARGUMENTS = (
    ('source', '/dev/video0', 'camera device, video file, folder of images, or RTSP/HTTP URL'),
    ('namespace', '', 'namespace of all nodes and topics'),
    ('params_file', PathJoinSubstitution([FindPackageShare('fer_ros'), 'config', 'fer.yaml']),
     'YAML file of parameters'),
    ('policy', PathJoinSubstitution([FindPackageShare('fer_ros'), 'config', 'policies',
                                     'default.yaml']), 'policy file of the smart-home bridge'),
    ('annotate', 'true', 'also run the annotator (it works only while somebody looks)'),
    ('composed', 'false', 'all nodes in one process'),
    ('use_sim_time', 'false', 'take the time from /clock'),
)


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    params_file = LaunchConfiguration('params_file')
    source = {'source': ParameterValue(LaunchConfiguration('source'), value_type=str)}
    policy = {'policy_file': ParameterValue(LaunchConfiguration('policy'), value_type=str)}

    def node(name: str, *extra: dict, **kwargs) -> Node:
        return Node(package='fer_ros', executable=name, name=name,
                    parameters=[params_file, *extra], output='screen', respawn=True,
                    respawn_delay=2.0, **kwargs)

    separate = GroupAction(condition=UnlessCondition(LaunchConfiguration('composed')), actions=[
        node('face_detector'),
        node('emotion_classifier'),
        node('smart_home_bridge', policy),
        node('annotator', condition=IfCondition(LaunchConfiguration('annotate'))),
        node('camera_driver', source),
    ])
    # One process holds nodes of several names, so each parameter is addressed to its node.
    together = GroupAction(condition=IfCondition(LaunchConfiguration('composed')), actions=[
        Node(package='fer_ros', executable='composed', parameters=[params_file],
             ros_arguments=['-p', ['camera_driver:source:=', LaunchConfiguration('source')],
                            '-p', ['smart_home_bridge:policy_file:=',
                                   LaunchConfiguration('policy')]],
             output='screen', respawn=True, respawn_delay=2.0)])
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, default, text in ARGUMENTS),
        *(SetEnvironmentVariable(name, value)
          for name, value in transport_environment().items()),
        GroupAction([
            PushRosNamespace(LaunchConfiguration('namespace')),
            SetParameter('use_sim_time', LaunchConfiguration('use_sim_time')),
            separate, together,
        ]),
    ])

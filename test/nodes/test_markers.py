# SPDX-License-Identifier: Apache-2.0
"""Markers: who feels what where, in the camera's frame."""

import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.cameras.camera_model import assumed_camera  # noqa: E402
from fer_ros.conversions import cameras  # noqa: E402
from fer_ros.conversions.attention_markers import attention_to_markers  # noqa: E402
from fer_ros.msg import AttentionArray, EmotionArray, FaceAttention  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.markers import Markers  # noqa: E402
from fer_ros.types import BoundingBox, FaceEmotion  # noqa: E402
from rclpy.parameter import Parameter as RosParameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

EVEN = np.full(7, 1 / 7, np.float32)


def header(number):
    stamped = Header(frame_id='camera_optical_frame')
    stamped.stamp.sec = 1000 + number
    return stamped


def face(track_id, x=270, width=100):
    return FaceEmotion(track_id=track_id, box=BoundingBox(x, 190, width, 100), probabilities=EVEN,
                       filtered=EVEN, label='happy', confidence=0.8)


@pytest.fixture
def viewer(graph):
    """Return a graph with the node, somebody who looks, and what feeds it."""
    graph.markers = graph.add(Markers, horizontal_fov_deg=90.0, **getattr(graph, 'settings', {}))
    emotions = graph.node.create_publisher(EmotionArray, 'emotions', qos.RESULT)
    assert emotions.get_subscription_count() == 0  # no subscriber, no work
    graph.received = graph.collect(MarkerArray, 'markers', qos.RESULT)
    wait_for(lambda: emotions.get_subscription_count() == 1)

    def show(number, *found):
        emotions.publish(conversions.emotions_to_message(list(found), header(number), 640, 480,
                                                         'test', 'fer2013'))
        return wait_for(lambda: next((m.markers for m in graph.received if m.markers and
                                      m.markers[0].header == header(number)), None),
                        what=f'the markers of image {number}')
    graph.show = show
    return graph


def label_of(markers):
    label, = [m for m in markers if m.type == Marker.TEXT_VIEW_FACING and
              m.action == Marker.ADD]
    return label


def test_a_face_stands_where_the_camera_model_puts_it(viewer):
    markers = viewer.show(1, face(3))
    label = label_of(markers)
    assert 'happy' in label.text and '3' in label.text
    place = next(m.pose.position for m in markers if m.type != Marker.TEXT_VIEW_FACING)
    # f = 320 px; 0.16 m that look 100 px wide are 0.512 m away; the box is centered in the image.
    assert place.z == pytest.approx(0.512, abs=0.005)
    assert (place.x, place.y) == (pytest.approx(0, abs=0.005), pytest.approx(0, abs=0.005))
    assert {m.header.frame_id for m in markers} == {'camera_optical_frame'}


def test_the_assumed_width_changes_at_run_time(viewer):
    answer = viewer.markers.set_parameters([RosParameter('face_width_m', value=0.32)])[0]
    assert answer.successful
    markers = viewer.show(1, face(3))
    assert next(m.pose.position.z for m in markers
                if m.type != Marker.TEXT_VIEW_FACING) == pytest.approx(1.024, abs=0.01)


def test_a_calibration_replaces_the_assumption(viewer):
    infos = viewer.publisher(CameraInfo, 'camera_info', qos.IMAGE)
    wait_for(lambda: infos.publish(cameras.camera_to_message(
        assumed_camera(640, 480, 60.0), header(1))) or
        viewer.markers._collect().values.get('camera model') == 'camera_info')
    markers = viewer.show(1, face(3))
    # f = 320 / tan 30 deg = 554 px
    assert next(m.pose.position.z for m in markers
                if m.type != Marker.TEXT_VIEW_FACING) == pytest.approx(0.887, abs=0.01)


def test_a_wrong_calibration_that_comes_while_it_subscribes_is_named(graph, monkeypatch):
    subscribe = Markers.subscribe

    def at_once(node, kind, topic, callback, *args, **kwargs):
        made = subscribe(node, kind, topic, callback, *args, **kwargs)
        if kind is CameraInfo:
            callback(CameraInfo(width=640, height=480, k=[-1.0] * 9))
        return made
    monkeypatch.setattr(Markers, 'subscribe', at_once)
    node = graph.add(Markers)
    graph.collect(MarkerArray, 'markers', qos.RESULT)
    wait_for(lambda: '/camera_info cannot be used: ' in node._collect().message,
             what='the complaint')
    assert not node.faults.count


def test_who_left_is_taken_away(viewer):
    viewer.show(1, face(3), face(4, x=20))
    markers = viewer.show(2, face(4, x=20))
    assert any(m.action == Marker.DELETE for m in markers)
    assert label_of(markers).pose.position.x < 0  # left in the image


def test_depth_is_used_where_it_is_measured(graph):
    node = graph.add(Markers, use_depth=True)
    received = graph.collect(MarkerArray, 'markers', qos.RESULT)
    emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    depths = graph.publisher(Image, 'depth/image_raw', qos.IMAGE)
    depth = np.full((480, 640), 2000, np.uint16)
    wait_for(lambda: depths.publish(Image(
        height=480, width=640, encoding='16UC1', step=1280, data=depth.tobytes(),
        header=header(1))) or node._depth is not None, what='the depth image')
    emotions.publish(conversions.emotions_to_message([face(3)], header(1), 640, 480, 'test',
                                                     'fer2013'))
    wait_for(lambda: received)
    assert next(m.pose.position.z for m in received[0].markers
                if m.type != Marker.TEXT_VIEW_FACING) == pytest.approx(2.0, abs=0.01)


def test_the_axes_of_a_head_and_the_ray_of_a_gaze():
    message = AttentionArray()
    message.faces = [FaceAttention(track_id=3, label='away', known=True),
                     FaceAttention(track_id=4)]
    face = message.faces[0]
    face.head.pose.position.z, face.gaze.x = 0.8, 1.0
    axes, ray = attention_to_markers(message, 1.0).markers
    assert (axes.ns, axes.id, ray.ns, ray.id) == ('head', 3, 'gaze', 3)
    ends = [(p.x, p.y, p.z) for p in axes.points[1::2]]
    assert ends == [pytest.approx(end) for end in [(0.1, 0, 0.8), (0, 0.1, 0.8), (0, 0, 0.9)]]
    assert ray.points[1].x == pytest.approx(0.6) and ray.points[1].z == pytest.approx(0.8)

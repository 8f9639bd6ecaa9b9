# SPDX-License-Identifier: Apache-2.0
"""The dashboard as a node: topics in, a page out, and a lifecycle that leaves nothing behind."""

import json
import urllib.error
import urllib.request

import cv2
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
pytest.importorskip('flask', reason='the dashboard needs flask')
from builtin_interfaces.msg import Time  # noqa: E402
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import dashboard, qos  # noqa: E402
from fer_ros.nodes.camera_driver import CameraDriver  # noqa: E402
from fer_ros.nodes.dashboard import Dashboard  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from fer_ros.nodes.topics import camera_name, sibling  # noqa: E402
from home_support import emotion  # noqa: E402
import numpy as np  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from waiting import NewThreads  # noqa: E402


def get(node, path):
    with urllib.request.urlopen(f'{node.url}{path}', timeout=30) as answer:
        return answer.status, answer.read(), answer.headers


def state(node):
    return json.loads(get(node, '/api/state')[1])


def test_two_cameras_are_distinguished(graph):
    node = graph.add(Dashboard, port=0, emotion_topics=['hall/emotions', 'kitchen/emotions'])
    publisher = graph.publisher(EmotionArray, 'kitchen/emotions', qos.RESULT)
    header = Header(stamp=graph.node.get_clock().now().to_msg())
    publisher.publish(conversions.emotions_to_message(
        [emotion('happy', track_id=7)], header, 640, 480, 'test', 'ferplus'))
    wait_for(lambda: state(node)['cameras'][1]['people'])
    hall, kitchen = state(node)['cameras']
    assert (hall['name'], hall['status'], hall['people']) == ('hall', 'silent', [])
    assert (kitchen['name'], kitchen['people'][0]['id']) == ('kitchen', 7)
    assert 0 <= kitchen['latency_ms'] < 5000


def test_images_are_read_only_while_somebody_looks(graph):
    node = graph.add(Dashboard, port=0)
    images = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
    wait_for(lambda: state(node)['home']['status'] == 'absent')
    assert images.get_subscription_count() == 0

    def looked():
        assert get(node, '/api/cameras/camera/picture')[0] == 204
        return images.get_subscription_count() == 1
    wait_for(looked, what='a subscription')

    def picture():
        images.publish(conversions.array_to_image(np.full((48, 64, 3), 80, np.uint8), 'bgr8'))
        return get(node, '/api/cameras/camera/picture')[0] == 200
    wait_for(picture, what='a picture')
    wait_for(lambda: images.get_subscription_count() == 0, what='the end of the looking')


def test_a_picture_has_the_faces_of_its_image(graph):
    node = graph.add(Dashboard, port=0)
    images = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
    emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    pixels = np.full((48, 64, 3), 80, np.uint8)

    def faces():
        header = Header(stamp=graph.node.get_clock().now().to_msg())
        emotions.publish(conversions.emotions_to_message(
            [emotion('happy', track_id=7, side_px=16)], header, 64, 48, 'test', 'ferplus'))
        images.publish(conversions.array_to_image(pixels, 'bgr8', header))
        status, _, headers = get(node, '/api/cameras/camera/picture')
        return status == 200 and json.loads(headers['X-Faces'])
    assert wait_for(faces, what='a picture with faces') == [[7, 0.156, 0.208, 0.25, 0.333]]


def test_a_picture_waits_for_its_emotions_unless_none_come(graph, monkeypatch):
    node = graph.add(Dashboard, port=0)
    images = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
    emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    pixels = conversions.array_to_image(np.full((48, 64, 3), 80, np.uint8), 'bgr8')

    def see(second, *, image=False, emotion=False):
        header = Header(stamp=Time(sec=second))
        if image:
            pixels.header = header
            images.publish(pixels)
        if emotion:
            emotions.publish(conversions.emotions_to_message([], header, 64, 48, 'a', 'ferplus'))

    def shown():
        status, _, headers = get(node, '/api/cameras/camera/picture')
        return float(headers['X-Stamp']) if status == 200 else None
    # Without any emotions it is shown nevertheless.
    wait_for(lambda: see(1, image=True) or shown() == 1, what='a picture')
    # What came later waits.
    monkeypatch.setattr(dashboard, '_IMPATIENCE_S', 60.0)
    wait_for(lambda: see(2, image=True, emotion=True) or shown() == 2, what='a pair')
    found = []

    def both():
        see(3, image=True, emotion=True)
        see(4, image=True)
        found.append(shown())
        return found[-1] == 3
    wait_for(both, what='the image with emotions')
    assert 4 not in found
    # It does not wait for ever.
    monkeypatch.setattr(dashboard, '_IMPATIENCE_S', 0.1)
    wait_for(lambda: see(5, image=True) or shown() == 5, what='an image without emotions')


def test_a_clip_that_has_ended_is_not_a_fault(graph, tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((48, 64, 3), 80, np.uint8))
    node = graph.add(Dashboard, port=0)
    graph.add(FaceDetector, silence_warning_s=0.5)
    graph.add(CameraDriver, source=str(tmp_path))

    def told():
        get(node, '/api/cameras/camera/picture')  # somebody looks
        now = state(node)
        picture = now['cameras'][0]['picture']
        levels = {found['name']: (found['level'], found['message']) for found in now['nodes']}
        return (picture['status'], picture['reason'], levels.get('face_detector'),
                now['cameras'][0]['reason'])
    ended = f'the clip has ended ({tmp_path.name})'
    expected = 'ended', ended, ('ok', f'waiting: {ended}'), ended
    wait_for(lambda: told() == expected, what=f'{expected}; now {told()}')


def test_the_pictures_can_be_switched_off_at_run_time(graph):
    node = graph.add(Dashboard, port=0)
    assert node.set_parameters([Parameter('picture', value=False)])[0].successful
    images = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
    assert get(node, '/api/cameras/camera/picture')[0] == 204
    wait_for(lambda: state(node)['cameras'][0]['picture']['status'] == 'off')
    assert images.get_subscription_count() == 0


def test_a_control_goes_to_the_bridge_and_a_missing_bridge_is_said(graph, monkeypatch):
    monkeypatch.setattr(dashboard, '_ANSWER_S', 60.0)    # for a busy machine
    node = graph.add(Dashboard, port=0)
    done, answer = node._control('revert', '', '')
    assert not done and 'is it running' in answer
    wait_for(lambda: 'does not answer' in state(node)['home']['reason'])
    bridge = graph.add(SmartHomeBridge, lamp_display='none')
    wait_for(lambda: state(node)['home']['status'] == 'active')
    wait_for(lambda: state(node)['home']['rooms'])
    assert node._control('policy', 'living_room', 'comfort')[0]
    wait_for(lambda: state(node)['home']['rooms'][0]['policy'] == 'comfort')
    done, answer = node._control('policy', 'living_room', 'nonsense')
    assert not done and 'comfort' in answer
    bridge.trigger_deactivate()
    wait_for(lambda: state(node)['home']['status'] == 'absent')


def test_the_lifecycle_leaves_nothing_behind_twice(graph):
    node = graph.add(Dashboard, start=False, port=0)
    for _ in range(2):
        threads = NewThreads()
        assert node.start(), node._failure
        url = node.url
        assert get(node, '/')[0] == 200
        node.trigger_deactivate()
        assert node.url == ''
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=30)
        node.trigger_cleanup()
        threads.end()


@pytest.mark.parametrize(('parameters', 'complaint'), [
    ({'address': '0.0.0.0'}, 'FER_DASHBOARD_TOKEN'),
    ({'address': 'robot'}, 'expected localhost or an IP address'),
    ({'token_file': '/nowhere/token'}, '/nowhere/token: cannot be read'),
    ({'emotion_topics': ['emotions', 'emotions']}, 'different namespaces'),
])
def test_what_is_not_safe_or_not_clear_is_refused(graph, parameters, complaint, monkeypatch):
    monkeypatch.delenv('FER_DASHBOARD_TOKEN', raising=False)
    node = graph.add(Dashboard, start=False, port=0, **parameters)
    assert not node.start()
    assert complaint in node._failure


def test_a_port_in_use_is_said_and_the_node_can_be_started_again(graph):
    first = graph.add(Dashboard, port=0)
    port = int(first.url.rpartition(':')[2])
    second = graph.add(Dashboard, start=False, port=port)
    assert not second.start()
    assert 'Set port to another number' in second._failure
    first.trigger_deactivate()
    assert second.start()
    assert second.url


def test_names():
    assert sibling('cam1/emotions', 'image_raw') == 'cam1/image_raw'
    assert sibling('emotions', 'image_raw') == 'image_raw'
    assert [camera_name(topic) for topic in ('emotions', '/emotions', '/a/cam1/emotions')] == [
        'camera', 'camera', 'a/cam1']

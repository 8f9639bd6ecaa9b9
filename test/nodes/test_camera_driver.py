# SPDX-License-Identifier: Apache-2.0
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading

import cv2
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions, transport  # noqa: E402
from fer_ros.data import demo_clip_path  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.camera_driver import CameraDriver  # noqa: E402
from fer_ros.nodes.diagnostics import ERROR, WARN  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    """Return a folder of five images, each with its number as its brightness."""
    for i in range(5):
        cv2.imwrite(str(tmp_path / f'{i}.png'), np.full((48, 64, 3), 40 * i + 20, np.uint8))
    return tmp_path


def numbers(messages):
    return [round((conversions.image_to_array(m).mean() - 20) / 40) for m in messages]


def play(graph, source, **parameters):
    """Start a camera whose first image is awaited, and return the node and its images."""
    images = graph.collect(Image, 'image_raw', qos.IMAGE)
    node = graph.add(CameraDriver, source=str(source), wait_for_subscribers=1, **parameters)
    return node, images


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8', 'yuv422_yuy2'])
def test_images_come_in_order_in_the_encoding_asked_for(graph, folder, encoding):
    node, images = play(graph, folder, encoding=encoding, rate_hz=50.0)
    wait_for(lambda: len(images) == 5, what='five images')
    assert {m.encoding for m in images} == {encoding}
    assert numbers(images) == [0, 1, 2, 3, 4]
    assert {m.header.frame_id for m in images} == {'camera_optical_frame'}
    stamps = [conversions.stamp_to_s(m.header.stamp) for m in images]
    assert stamps == sorted(stamps) and len(set(stamps)) == 5
    status = wait_for(lambda: (s := node._collect()).values['source state'] == 'ended' and s)
    assert 'has ended' in status.message and status.values['images published'] == 5


@pytest.mark.parametrize('arguments, width, height, channels', [
    ([], 640, 480, 3),
    (['-p', 'source:=/dev/video7', '-p', 'encoding:=mono8'], 640, 480, 1),
    (['-p', 'width_px:=1280', '-p', 'camera_driver:height_px:=720'], 1280, 720, 3),
    (['-p', 'width_px:=1280'], 0, 0, 0),
    (['-p', f'source:={demo_clip_path()}'], 640, 480, 3),
    (['-p', f'source:={demo_clip_path()}', '-p', 'width_px:=320'], 320, 240, 3),
    (['-p', 'source:=rtsp://camera/1'], 0, 0, 0),
    (['-p', 'source:=/nowhere'], 0, 0, 0),
    (['-p', 'source:=0'], 0, 0, 0),
    (['-p', 'encoding:=bgr9'], 0, 0, 0),
    (['-p', 'width_px:=[1'], 0, 0, 0)])
def test_the_size_of_the_images_is_known_before_the_node(arguments, width, height, channels):
    assert CameraDriver.largest_image_bytes(
        ['camera_driver', '--ros-args', *arguments]) == width * height * channels


def test_of_a_file_for_many_cameras_the_largest_images_count(tmp_path):
    file = tmp_path / 'cameras.yaml'
    file.write_text('a/camera_driver:\n  ros__parameters: {width_px: 1280, height_px: 720}\n'
                    'b/camera_driver:\n  ros__parameters: {width_px: 320, height_px: 240}\n')
    arguments = ['camera_driver', '--ros-args', '--params-file', str(file)]
    assert CameraDriver.largest_image_bytes(arguments) == 1280 * 720 * 3
    file.write_text(''.join(
        f'c{i}/camera_driver:\n  ros__parameters: {{width_px: {i}, height_px: {i}}}\n'
        for i in range(20)))
    assert CameraDriver.largest_image_bytes(arguments) == 0
    file.write_text('no: [yaml')
    assert CameraDriver.largest_image_bytes(arguments) == 640 * 480 * 3


def test_images_too_large_for_the_shared_memory_are_reported(graph, folder, monkeypatch):
    for name, value in transport.transport_environment({}, True, 640 * 480 * 3).items():
        monkeypatch.setenv(name, value)
    node, images = play(graph, folder, loop=True, width_px=1920, height_px=1080)
    status = wait_for(lambda: images and (s := node._collect()).level == WARN and s)
    assert 'set width_px to 1920 and height_px to 1080' in status.message


def test_a_camera_info_belongs_to_each_image(graph, folder):
    infos = graph.collect(CameraInfo, 'camera_info', qos.IMAGE)
    _, images = play(graph, folder, loop=True, rate_hz=50.0, width_px=128,
                     horizontal_fov_deg=90.0)
    wait_for(lambda: infos and images)
    info = infos[0]
    assert (info.width, info.height) == (128, 96)
    assert info.k[0] == pytest.approx(64) and info.header.frame_id == 'camera_optical_frame'
    # Either of a pair may be lost on a busy machine.
    wait_for(lambda: sum(info.header in [m.header for m in [*images]] for info in [*infos]) > 3,
             what='pairs of an image and its camera_info')


def test_a_file_can_wait_for_its_consumer(graph, folder):
    _, images = play(graph, folder, pace='consumed')
    answers = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    for count in range(1, 6):
        wait_for(lambda: len(images) >= count)
        assert numbers(images) == list(range(count))  # the next has not been sent yet
        answers.publish(EmotionArray(header=images[-1].header))


def test_a_camera_that_is_not_there_is_tried_again_and_the_node_stays(graph):
    node = graph.add(CameraDriver, source='/dev/video97')
    status = wait_for(lambda: (s := node._collect()).level == ERROR and s)
    assert '/dev/video97 does not exist' in status.message
    wait_for(lambda: node._player.failures >= 2, what='a second try')
    assert node.state == 'active'


class FiveImages(BaseHTTPRequestHandler):
    """An IP camera whose connection breaks after five images."""

    def __init__(self, folder, *args):
        self._folder = folder
        super().__init__(*args)

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for file in sorted(self._folder.iterdir()):
            data = cv2.imencode('.jpg', cv2.imread(str(file)))[1].tobytes()
            self.wfile.write(b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                             + str(len(data)).encode() + b'\r\n\r\n' + data + b'\r\n')

    def log_message(self, *args):
        pass


def test_a_stream_that_breaks_is_opened_again_and_its_password_is_not_shown(graph, folder, capfd):
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(FiveImages, folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        node, images = play(graph, f'http://me:secret@127.0.0.1:{server.server_port}/secret/'
                            'live?channel=1&pwd=secret')
        wait_for(lambda: len(images) >= 8, what='images of a second connection')
        assert node._player.failures >= 1 and node.state == 'active'
        assert node._collect().values['source'] == (
            f'http://me:***@127.0.0.1:{server.server_port}/***/live?channel=1&pwd=***')
        assert 'secret' not in str(node._collect().values)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    status = wait_for(lambda: (s := node._collect()).level == ERROR and s, what='the end')
    assert 'has stopped' in status.message or 'cannot be opened' in status.message
    told = ''.join(capfd.readouterr())
    assert 'trying again' in told and 'secret' not in told


@pytest.mark.parametrize('parameters, words', [
    ({'source': '/nowhere/clip.mp4'}, ['/nowhere/clip.mp4']),
    ({'source': '/', 'pixel_format': 'MJ'}, ['pixel_format']),
    ({'source': '/', 'camera_info_url': '/nowhere/camera.yaml'}, ['/nowhere/camera.yaml']),
])
def test_what_cannot_be_used_fails_the_transition_with_a_reason(graph, parameters, words):
    node = graph.add(CameraDriver, start=False, **parameters)
    assert not node.start()
    assert all(word in node._collect().message for word in words), node._collect().message


def test_an_unreadable_image_is_counted_and_the_rest_played(graph, folder):
    (folder / '2.png').write_bytes(b'broken')
    node, images = play(graph, folder, rate_hz=50.0)
    wait_for(lambda: len(images) == 4)
    assert numbers(images) == [0, 1, 3, 4]


def test_both_ways_twice(graph, folder):
    images = graph.collect(Image, 'image_raw', qos.IMAGE)
    node = graph.add(CameraDriver, start=False, source=str(folder), loop=True, rate_hz=50.0)
    for _ in range(2):
        images.clear()
        assert node.start()
        wait_for(lambda: len(images) >= 3, what='images')
        node.trigger_deactivate()
        assert node._worker is None
        node.trigger_cleanup()
        wait_for(lambda: not graph.node.count_publishers('image_raw'))


def test_the_process_ends_when_the_file_has_ended(graph, folder):
    process = graph.process('fer_ros.nodes.camera_driver', '--ros-args', '-p',
                            f'source:={folder}', '-p', 'exit_at_end:=true', '-p', 'rate_hz:=50')
    assert process.wait(60) == 0

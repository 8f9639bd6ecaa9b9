# SPDX-License-Identifier: Apache-2.0
"""Nodes in the process of somebody else, who ends it as rclpy's tutorials do."""

import gc
import signal
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.nodes.base', reason='rclpy is absent')
from fer_ros import transport  # noqa: E402

_PROGRAM = """
import rclpy
from fer_ros.nodes.{module} import {name}
rclpy.init()
node = {name}()
assert node.start()
try:
    print('up', flush=True)
    rclpy.spin(node)
except BaseException:
    pass
if '{ending}' == 'destroyed':
    node.destroy_node()
print('the end', flush=True)
"""


@pytest.mark.parametrize('ending', ['destroyed', 'left'])
@pytest.mark.parametrize('module, name', [
    ('camera_driver', 'CameraDriver'), ('face_detector', 'FaceDetector'),
    ('emotion_classifier', 'EmotionClassifierNode')])
def test_a_process_ends_whose_main_function_has_ended(module, name, ending):
    clip = f'{transport.__file__.rpartition("/")[0]}/data/demo.mp4'
    process = subprocess.Popen(
        [sys.executable, '-c', _PROGRAM.format(module=module, name=name, ending=ending),
         '--ros-args', '-p', f'camera_driver:source:={clip}'], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == 'up\n', process.communicate()[1]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert 'the end' in out, err
    assert process.returncode == 0, err


_SPUN_ELSEWHERE = """
import threading
import rclpy
from rclpy.executors import SingleThreadedExecutor
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode
rclpy.init()
node, executor = EmotionClassifierNode(), SingleThreadedExecutor()
executor.add_node(node)
assert node.start()


def look_on():
    threading.main_thread().join()
    for _ in range(30):
        executor.spin_once(timeout_sec=0.02)
    print(node.state, flush=True)
    executor.remove_node(node)


threading.Thread(target=look_on).start()
"""


def test_a_node_goes_on_while_another_thread_spins_it():
    ended = subprocess.run([sys.executable, '-c', _SPUN_ELSEWHERE], text=True, timeout=120,
                           capture_output=True)
    assert ended.stdout == 'active\n' and ended.returncode == 0, ended.stderr


def test_a_destroyed_node_has_undone_what_it_made(graph):
    from fer_ros.nodes.emotion_classifier import EmotionClassifierNode
    node = EmotionClassifierNode()
    assert node.start()
    worker = node._worker
    assert worker.alive and 'emotion_classifier' in graph.node.get_node_names()
    gc.disable()
    try:
        node.destroy_node()
        assert not worker.alive and node.state == 'finalized'
        # It does not wait for the garbage collector: nobody sends to it any more.
        assert 'emotion_classifier' not in graph.node.get_node_names()
    finally:
        gc.enable()

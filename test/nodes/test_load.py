# SPDX-License-Identifier: Apache-2.0
"""Load shedding of real nodes over a real DDS: given up, reported, and taken back."""

import os
import subprocess
import threading

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray, Load  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.annotator import Annotator  # noqa: E402
from fer_ros.nodes.attention import AttentionNode  # noqa: E402
from fer_ros.nodes.diagnostics import WARN  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from ros_support import tells_numbers, wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

#: A busy process, which starts at once.
_COMPETITOR = ['sh', '-c', 'while :; do :; done']


class Feed:
    """Publish an image at a rate, stamped with the time, until closed."""

    def __init__(self, graph, image, rate_hz=15.0, topic='image_raw'):
        self._graph, self._pause_s = graph, 1 / rate_hz
        # A process takes its time to start.
        self._publisher = graph.publisher(Image, topic, qos.IMAGE)
        self._message = conversions.bgr_to_image(image, 'bgr8', Header(frame_id='camera'))
        self._stop = threading.Event()
        self.sent = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self._pause_s):
            self._message.header.stamp = self._graph.node.get_clock().now().to_msg()
            self._publisher.publish(self._message)
            self.sent += 1

    def close(self):
        self._stop.set()
        self._thread.join()


@pytest.fixture
def fed(graph, portrait):
    feeds = []

    def start(*arguments, **keywords):
        feeds.append(Feed(graph, portrait, *arguments, **keywords))
        return feeds[-1]
    yield start
    for feed in feeds:
        feed.close()


def test_what_cannot_be_kept_is_reported_step_by_step_and_every_frame_is_counted(graph, fed):
    # No machine is that fast, and every frame is late, however few a machine does per second.
    detector = graph.add(FaceDetector, defended_latency_ms=0.01)
    loads = graph.collect(Load, 'load', qos.RESULT)
    faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    feed = fed(30.0)
    wait_for(lambda: loads and 'all frames but 5 per second' in loads[-1].given_up, 300,
             'the highest level')
    levels = [load.level for load in loads]
    assert levels == sorted(levels) and len(set(levels)) > 6
    assert 'detections 4.0 times as far apart' in loads[-1].given_up
    assert loads[-1].level == 3.0
    assert 'defended_latency_ms' in loads[-1].reason
    skipped = detector._collect().values['frames skipped (load)']
    wait_for(lambda: detector._collect().values['frames skipped (load)'] >= skipped + 5,
             what='frames to be skipped')
    status = detector._collect()
    assert status.level == WARN and 'given up: detections' in status.message
    assert status.values['given up because'] in status.message
    feed.close()
    if tells_numbers():
        # Else nobody knows of what a newer one replaced in the middleware.
        wait_for(lambda: feed.sent == sum(detector._collect().values[name] for name in (
            'images processed', 'images dropped (newer came)', 'frames skipped (load)',
            'images lost in transport')), what='every frame to be counted')
    wait_for(lambda: len(faces) == detector._collect().values['images processed'])


def test_a_latency_of_zero_gives_nothing_up(graph, fed):
    detector = graph.add(FaceDetector, defended_latency_ms=0.0, processor_share=1.0)
    loads = graph.collect(Load, 'load', qos.RESULT)
    fed(30.0)
    wait_for(lambda: len(loads) >= 4)
    assert all(load.level == 0 and not load.given_up and not load.reason for load in loads)
    assert 'given up' not in detector._collect().values


def test_the_share_of_the_machine_is_defended_too(graph, fed):
    detector = graph.add(FaceDetector, processor_share=0.01)
    fed(30.0)
    wait_for(lambda: detector._collect().values.get('load level', 0) > 0)
    # The machine may be late as well, while other tests run.
    assert 'given up because' in detector._collect().values


def test_the_classifier_tells_each_detector_how_late_its_emotions_are(graph, fed):
    for name in ('left', 'right'):
        graph.process('fer_ros.nodes.face_detector', '--ros-args', '-r', f'__ns:=/{name}',
                      '-p', 'defended_latency_ms:=0.01')
    graph.add(EmotionClassifierNode, face_topics=['left/faces', 'right/faces'])
    loads = graph.collect(Load, 'left/load', qos.RESULT)
    emotions = graph.collect(EmotionArray, 'left/emotions', qos.RESULT)
    for name in ('left', 'right'):
        fed(topic=f'{name}/image_raw')
    told = wait_for(lambda: next((load for load in [*loads] if load.node == '/emotion_classifier'
                                  and load.cameras == 2 and load.mean_level > 0.5), None),
                                  what='what the classifier says of both cameras')
    assert told.late_ms > 0 and told.level == 0
    wait_for(lambda: emotions, what='emotions')
    wait_for(lambda: any(load.node == '/left/face_detector' for load in [*loads]),
             what='the load of the detector itself')


def test_optional_work_slows_down_while_a_detector_is_late(graph, portrait):
    annotator, attention = graph.add(Annotator), graph.add(AttentionNode, always=True)
    graph.collect(Image, 'image_annotated', qos.IMAGE)
    wait_for(lambda: annotator._input is not None)
    says = graph.publisher(Load, 'load', qos.RESULT, subscribers=2)
    late = Load(node='/face_detector', level=2.0, late_ms=80.0)
    wait_for(lambda: says.publish(late) or min(
        annotator._load.slowdown, attention._load.slowdown) == pytest.approx(4.0))
    assert sum(annotator._load.wanted() for _ in range(40)) == pytest.approx(10, abs=1)
    assert 'slower' in annotator._collect().values['given up']
    late.level = 0.5
    wait_for(lambda: says.publish(late) or annotator._load.slowdown == 1.0)
    assert 'given up' not in annotator._collect().values


def test_a_competitor_costs_detections_and_they_come_back_when_it_is_gone(graph, fed):
    # How many make it late, and how late it is without them, depends on what else runs here: a
    # latency that other tests beside this one do not cause, and competitors until it is exceeded.
    processors = sorted(os.sched_getaffinity(0))[:1]
    pinned = {'preexec_fn': lambda: os.sched_setaffinity(0, processors)}
    graph.process('fer_ros.nodes.face_detector', '--ros-args', '-p', 'defended_latency_ms:=400.0',
                  **pinned)
    loads = graph.collect(Load, 'load', qos.RESULT)
    fed()
    wait_for(lambda: len(loads) > 3, what='the detector')
    competitors = []

    def peak():
        if len(competitors) < 240 and len(loads) >= len(competitors) / 8:
            competitors.append(subprocess.Popen(_COMPETITOR, **pinned))
        return next((load for load in loads if load.level >= 0.5), None)
    try:
        peak = wait_for(peak, 300, 'the detector to give something up')
        assert peak.given_up.startswith('detections') and peak.late_ms >= 0
    finally:
        for competitor in competitors:
            competitor.kill()
        for competitor in competitors:
            competitor.wait()
    wait_for(lambda: loads[-1].level == 0 and not loads[-1].given_up, 300,
             'everything to come back')

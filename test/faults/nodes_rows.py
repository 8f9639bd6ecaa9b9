# SPDX-License-Identifier: Apache-2.0
"""Rows of the nodes: messages, parameters and transitions of any content, clocks, threads."""

from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
import threading
import time

import cv2
from fer_ros import conversions
from fer_ros.errors import FerError
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.composed import NODES
from fer_ros.nodes.diagnostics import OK
import fuzz
from home_support import emotion
from killing import kill
import numpy as np
from rclpy.parameter import Parameter as RosParameter
from ros_support import Graph, wait_for
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from trial import row, Trial

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = {'camera_driver': {'source': '/dev/video97'}, 'dashboard': {'port': 0},
            'smart_home_bridge': {'dry_run': True, 'lamp_display': 'none'}}
#: Those that need messages of no ROS wheel are tested by test_optional_messages.py.
NAMES = [name for name in NODES if name not in ('ros4hri', 'detections')]
#: Good input is tried after so many bad messages.
_BATCH = 50
_GRAY = np.full((120, 160), 90, np.uint8)


def maker(name):
    """Return a node's class."""
    module, kind = NODES[name]
    return getattr(import_module(module), kind)


class Line:
    """A node under test between a publisher and what it answers."""

    def __init__(self, graph, name, kind, topic, answer, answer_topic, good, **parameters):
        self._graph, self._good = graph, good
        self.node = graph.add(maker(name), **{**SETTINGS.get(name, {}), **parameters})
        self.answers = graph.collect(answer, answer_topic, qos.RESULT) if answer else []
        self.publisher = graph.publisher(kind, topic, qos.RESULT)

    def answers_good_input(self):
        """Return whether good input is answered within 5 seconds."""
        asked = []

        def answered():
            asked.append(self._graph.node.get_clock().now().to_msg())
            self.publisher.publish(self._good(Header(stamp=asked[-1])))
            return any(answer.header.stamp in asked for answer in [*self.answers])
        self.answers.clear()
        return self._within(answered)

    def is_well(self):
        """Return whether the node says so in its diagnostics within 15 seconds."""
        return self._within(lambda: self.answers_good_input()
                            and self.node._collect().level == OK, 15)

    @staticmethod
    def _within(condition, timeout_s=5):
        try:
            return wait_for(condition, timeout_s)
        except AssertionError:
            return False


def fuzz_messages(trial: Trial, line: Line, make, taken) -> None:
    """Send messages of any content; after each batch good input must be answered."""
    for count, random in enumerate(trial.tries(), 1):
        before = taken()
        try:
            line.publisher.publish(make(random))
        except (AssertionError, ValueError, UnicodeError):
            continue    # rclpy itself refuses to send it
        end_s = time.monotonic() + 0.5
        while taken() == before and time.monotonic() < end_s:
            time.sleep(0.0005)
        if count % _BATCH == 0:
            trial.expect(line.answers_good_input(), 'good input is not answered')
    trial.expect(line.answers_good_input(), 'good input is not answered')
    trial.expect(not line.node.faults.count, f'faults: {line.node.faults.problem}')


def gray_image(stamped):
    """Return an image that can be read."""
    return conversions.array_to_image(_GRAY, 'mono8', stamped)


@row('image messages of any content', 4000)
def image_messages(trial: Trial) -> None:
    """Send them to the face detector."""
    with Graph() as graph:
        line = Line(graph, 'face_detector', Image, 'image_raw', FaceArray, 'faces', gray_image)
        count = line.node._input
        fuzz_messages(trial, line, fuzz.image, lambda: count._done + count._bad + count.dropped)


@row('compressed images, changed and cut', 3000)
def compressed_messages(trial: Trial) -> None:
    """Send them to the face detector."""
    with Graph() as graph:
        data = cv2.imencode('.jpg', _GRAY)[1].tobytes()
        line = Line(graph, 'face_detector', CompressedImage, 'image_raw/compressed', FaceArray,
                    'faces', lambda stamped: CompressedImage(header=stamped, format='jpeg',
                                                             data=data),
                    image_transport='compressed')
        count = line.node._input
        others = [cv2.imencode(f'.{name}', _GRAY)[1].tobytes()
                  for name in ('jpg', 'png', 'bmp', 'webp', 'tiff')]
        fuzz_messages(trial, line, lambda random: fuzz.compressed(random, random.choice(others)),
                      lambda: count._done + count._bad + count.dropped)


@row('face arrays of any content', 3000)
def face_messages(trial: Trial) -> None:
    """Send them to the emotion classifier."""
    with Graph() as graph:
        crop = conversions.array_to_image(_GRAY[:48, :48], 'mono8')

        def good(stamped):
            message = fuzz.FaceArray(header=stamped, image_width=160, image_height=120)
            message.faces.append(fuzz.Face(track_id=1, score=1.0, quality=1.0, crop=crop))
            message.faces[0].roi.width = message.faces[0].roi.height = 48
            return message
        line = Line(graph, 'emotion_classifier', FaceArray, 'faces', EmotionArray, 'emotions',
                    good)
        node = line.node
        fuzz_messages(trial, line, fuzz.faces,
                      lambda: node._done + node._bad + node._newest.replaced)


@row('emotion arrays of any content', 3000)
def emotion_messages(trial: Trial) -> None:
    """Send them to the bridge, the page and the markers."""
    with Graph() as graph:
        others = [graph.add(maker(name), **SETTINGS.get(name, {}))
                  for name in ('dashboard', 'markers')]
        line = Line(graph, 'smart_home_bridge', EmotionArray, 'emotions', None, '', None)
        counts = line.node._home.counts

        def seen():
            before = counts['emotions']
            message = conversions.emotions_to_message(
                [emotion('happy')],
                Header(stamp=graph.node.get_clock().now().to_msg()), 640, 480, 'm', 'fer2013')

            def publish():
                line.publisher.publish(message)
                return counts['emotions'] > before
            return line._within(publish)
        line.answers_good_input = seen
        fuzz_messages(trial, line, fuzz.emotions,
                      lambda: counts['emotions'] + counts['refused'])
        for node in others:
            trial.expect(not node.faults.count, f'{node.get_name()}: {node.faults.problem}')


@row('camera infos of any content')
def camera_infos(trial: Trial) -> None:
    """Send them to the markers."""
    with Graph() as graph:
        from visualization_msgs.msg import MarkerArray
        node = graph.add(maker('markers'))
        graph.collect(MarkerArray, 'markers', qos.RESULT)
        wait_for(lambda: graph.node.count_subscribers('camera_info'), what='the subscription')
        publisher = graph.publisher(CameraInfo, 'camera_info', qos.RESULT)
        emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
        message = conversions.emotions_to_message([emotion('happy')], Header(), 640, 480, 'm', '')
        for random in trial.tries():
            try:
                publisher.publish(fuzz.camera_info(random))
            except (AssertionError, ValueError, UnicodeError):
                continue
            emotions.publish(message)
            time.sleep(0.001)
        trial.expect(not node.faults.count, f'faults: {node.faults.problem}')


@contextmanager
def made(graph, name, **overrides):
    """Make a node with parameters, and destroy it."""
    node = maker(name)(parameter_overrides=[
        RosParameter(key, value=given) for key, given in overrides.items()])
    try:
        yield node
    finally:
        node.destroy_node()


@row('wrong parameters, at start and at run time', 3393)
def parameters(trial: Trial) -> None:
    """Each ends in a sentence, or is right."""
    with Graph() as graph:
        running = {name: graph.add(maker(name), **SETTINGS.get(name, {})) for name in NAMES}
        for random in trial.tries():
            name = random.choice(NAMES)
            parameter = random.choice(running[name].table)
            given = fuzz.value(random, parameter.default)
            what = f'{name}.{parameter.name} = {str(given)[:30]!r}'
            try:
                if random.random() < 0.7:
                    answer, = running[name].set_parameters([RosParameter(parameter.name,
                                                                         value=given)])
                    trial.expect(answer.successful or answer.reason, f'{what}: no reason')
                else:
                    with made(graph, name, **{**SETTINGS.get(name, {}), 'autostart': False,
                                              parameter.name: given}):
                        pass
            except FerError as error:
                trial.expect(str(error), f'{what}: no sentence')
            except Exception as error:
                trial.expect(isinstance(error, (TypeError, AssertionError, OverflowError))
                             and 'rclpy' in str(error.__traceback__.tb_next.tb_frame),
                             f'{what}: {type(error).__name__}: {error}'[:200])
        for name, node in running.items():
            trial.expect(node.state == 'active', f'{name} is {node.state}')


@row('random lifecycle transitions', 600)
def transitions(trial: Trial) -> None:
    """Each leaves the node in a state, and all of them can be started in the end."""
    with Graph() as graph:
        names = [name for name in NAMES if name != 'emotion_classifier']
        nodes = {name: graph.add(maker(name), start=False, **SETTINGS.get(name, {}))
                 for name in names}
        for random in trial.tries():
            node = nodes[random.choice(names)]
            step = random.choice(['configure', 'activate', 'deactivate', 'cleanup'])
            try:
                getattr(node, f'trigger_{step}')()
            except Exception as error:
                trial.expect('RCLError' in type(error).__name__,
                             f'{node.get_name()} {step}: {type(error).__name__}: {error}')
            trial.expect(node.state in ('unconfigured', 'inactive', 'active'),
                         f'{node.get_name()}: {node.state}')
        before = threading.active_count()
        for name, node in nodes.items():
            trial.expect(node.state == 'active' or node.start(), f'{name} cannot be started')
            node.trigger_deactivate()
            node.trigger_cleanup()
        trial.expect(threading.active_count() <= before,
                     f'threads: {sorted(thread.name for thread in threading.enumerate())}')


@row('jumps of the simulated clock')
def clock_jumps(trial: Trial) -> None:
    """Images are answered whatever the clock says."""
    with Graph() as graph:
        clock = graph.node.create_publisher(Clock, '/clock', 10)
        line = Line(graph, 'face_detector', Image, 'image_raw', FaceArray, 'faces', gray_image,
                    use_sim_time=True)
        for random in trial.tries():
            message = Clock()
            message.clock.sec = random.choice([0, 1, 1000, random.randrange(2**31), 2**31 - 1])
            clock.publish(message)
            if random.random() < 0.2:
                trial.expect(line.answers_good_input(), 'good input is not answered')
        trial.expect(not line.node.faults.count, f'faults: {line.node.faults.problem}')


@row('an exception inside a thread of a node')
def threads(trial: Trial) -> None:
    """The thread goes on, and good input is answered."""
    with Graph() as graph:
        line = Line(graph, 'face_detector', Image, 'image_raw', FaceArray, 'faces', gray_image)
        for random in trial.tries():
            kill(random.choice(['receiver of /image_raw', 'face_detector worker']))
            # A thread that ends again and again begins again after growing pauses.
            trial.expect(line._within(line.answers_good_input, 40), 'good input is not answered')
        trial.expect(line.node.faults.count, 'no fault was told')

# SPDX-License-Identifier: Apache-2.0
"""Rows of processes that are killed or stopped: does the pipeline answer afterwards?"""

from itertools import cycle
from pathlib import Path
import signal
import sys
import tempfile
import time

import cv2
from fer_ros import conversions
from fer_ros.msg import AmbientAction, EmotionArray, FaceArray, HomeState
from fer_ros.nodes import qos
from fer_ros.nodes.shared_ports import unlinked
from home_support import emotion
from nodes_factory import NodeFactory
import numpy as np
from ros_support import Graph
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trial import row, Trial
from waiting import wait_for

#: So long a node may take to be heard again on a loaded machine, seconds.
_PATIENCE_S = 60.0
_POLICY = """
version: 1
policies: {look: {by_emotion: {happy: {brightness: 0.3}, sad: {brightness: 0.6}}}}
rooms:
  study:
    sources: [moods]
    policy: look
    targets: {lamp: {type: terminal}}
    smoothing_s: 0
    dwell_s: 0.1
    cooldown_s: 0
    minimum_frames: 2
    rate_limit: {actions: 1000, per_s: 1}
"""
_TOPICS = ('/image_raw', '/faces', '/emotions', '/moods', '/ambient_actions')


def _arguments(folder):
    """Return the parameters of each node, and write the files that they name."""
    images, policy = folder / 'images', folder / 'policy.yaml'
    images.mkdir()
    for number in range(3):
        cv2.imwrite(str(images / f'{number}.png'), np.full((120, 160, 3), 80 + number, 'u1'))
    policy.write_text(_POLICY)
    return {'camera_driver': (f'source:={images}', 'rate_hz:=5.0', 'loop:=true'),
            'face_detector': (), 'emotion_classifier': (),
            'smart_home_bridge': ('dry_run:=true', 'lamp_display:=none', 'state_file:=none',
                                  f'policy_file:={policy}')}


def _start(factory, name, parameters):
    given = [part for one in parameters for part in ('-p', one)]
    return factory.start(name, f'fer_ros.nodes.{name}', *(['--ros-args', *given] if given else []))


class _Pipeline:
    """The nodes as processes, and a node that feeds and hears them."""

    def __init__(self, graph, folder):
        self.arguments = _arguments(folder)
        self._node = graph.node
        self._heard = {topic: graph.collect(kind, topic, profile) for topic, kind, profile in (
            ('image_raw', Image, qos.IMAGE), ('faces', FaceArray, qos.RESULT),
            ('emotions', EmotionArray, qos.RESULT), ('ambient_actions', AmbientAction, qos.RESULT),
            ('smart_home_bridge/home_state', HomeState, qos.STATE))}
        self._moods = graph.node.create_publisher(EmotionArray, 'moods', qos.RESULT)
        self._labels = cycle(('happy', 'sad'))
        self._factory = NodeFactory(folder, *(f'fer_ros.nodes.{name}' for name in self.arguments))
        self.nodes = {name: _start(self._factory, name, parameters)
                      for name, parameters in self.arguments.items()}

    def kill(self, name):
        """Kill a node at once, and start it again."""
        self.nodes[name].send(signal.SIGKILL)
        self.nodes[name].wait()
        self.nodes[name] = _start(self._factory, name, self.arguments[name])

    def pause(self, name, pause_s):
        """Stop a node for a while."""
        self.nodes[name].send(signal.SIGSTOP)
        time.sleep(pause_s)
        self.nodes[name].send(signal.SIGCONT)

    def silent(self, *also):
        """Return what is not heard within the patience: the topics that are to be.

        :param also: topics on which something comes only now and then, and has to now.
        """
        for heard in self._heard.values():
            heard.clear()
        began, label = self._node.get_clock().now(), next(self._labels)
        wanted = ['image_raw', 'faces', 'emotions', 'ambient_actions', *also]
        end_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end_s:
            self._moods.publish(conversions.emotions_to_message(
                [emotion(label)], Header(stamp=self._node.get_clock().now().to_msg()), 640, 480,
                'm', 'fer2013'))
            wanted = [topic for topic in wanted if not self._is_new(topic, began)]
            if not wanted:
                break
            time.sleep(0.05)
        return wanted

    def _is_new(self, topic, began):
        return any(conversions.stamp_to_s(message.header.stamp) > began.nanoseconds * 1e-9
                   for message in [*self._heard[topic]])

    def discovery(self):
        """Return what the graph says of each topic, and the ports that were left behind."""
        found = []
        for topic in _TOPICS:
            sides = [sorted(info.node_name for info in get(topic)) for get in (
                self._node.get_publishers_info_by_topic,
                self._node.get_subscriptions_info_by_topic)]
            found.append(f'{topic}: {",".join(sides[0])} -> {",".join(sides[1])}')
        found += [f'{name} has lost the ports {sorted(ports)}'
                  for name, node in self.nodes.items() if (ports := unlinked(node.pid))]
        return '; '.join(found)

    def close(self):
        """End the processes."""
        for node in self.nodes.values():
            node.send(signal.SIGTERM)
        for node in self.nodes.values():
            if node.wait() is None:
                node.send(signal.SIGKILL)
                node.wait()
        self._factory.close()


def _try(trial: Trial, disturb) -> None:
    """Disturb a node at random in each try; all topics are heard again."""
    with Graph() as graph, tempfile.TemporaryDirectory() as folder:
        pipeline = _Pipeline(graph, Path(folder))
        try:
            if silent := pipeline.silent():
                raise RuntimeError(f'the nodes did not come up: nothing on {", ".join(silent)}')
            for random in trial.tries():
                name = random.choice(list(pipeline.nodes))
                time.sleep(random.random() * 0.3)
                what = disturb(pipeline, name, random)
                began_s = time.monotonic()
                silent = pipeline.silent()
                print(f'{trial.tried} {what}: heard after {time.monotonic() - began_s:.1f} s',
                      file=sys.stderr, flush=True)
                trial.expect(not silent, f'{what}: nothing on {", ".join(silent)}; '
                             f'{pipeline.discovery()}')
        finally:
            pipeline.close()


@row('kill -9 and restart of a node', 54)
def kills(trial: Trial) -> None:
    """Kill one at random."""
    def kill(pipeline, name, _):
        pipeline.kill(name)
        return f'{name} killed'
    _try(trial, kill)


@row('Ctrl-C at any moment of a node')
def interrupts(trial: Trial) -> None:
    """One is enough, more do no harm: it ends with 0 and says nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = _arguments(folder)
        factory = NodeFactory(folder, *(f'fer_ros.nodes.{name}' for name in arguments))
        for random in trial.tries():
            name = random.choice(list(arguments))
            node = _start(factory, name, arguments[name])
            wait_for(node.heeds_interrupts)
            time.sleep(2.5 * random.random() ** 2)
            presses = random.choice([1, 1, 1, 2, 5])
            for _ in range(presses):
                if node.wait(0.02) is None:
                    node.send(signal.SIGINT)
            began_s = time.monotonic()
            code = node.wait(30)
            print(f'{trial.tried} {name}: {presses} presses, ended with {code} after '
                  f'{time.monotonic() - began_s:.1f} s', file=sys.stderr, flush=True)
            trial.expect(code == 0, f'{name} ended with {code}')
            trial.expect('Traceback' not in node.log.read_text(), f'{name}: a traceback')
            node.log.unlink()
            if code is None:
                node.send(signal.SIGKILL)
                node.wait()
        factory.close()


@row('a node that is stopped and goes on')
def stops(trial: Trial) -> None:
    """Stop one at random for a while, as a debugger or a full machine does."""
    def pause(pipeline, name, random):
        pause_s = random.choice([0.1, 0.5, 1.5, 4.0])
        pipeline.pause(name, pause_s)
        return f'{name} stopped for {pause_s} s'
    _try(trial, pause)

# SPDX-License-Identifier: Apache-2.0
"""Rows of processes that are killed: does the pipeline answer after each restart?"""

import subprocess
import sys
import time

from fer_ros import conversions
from fer_ros.msg import AmbientAction, EmotionArray, FaceArray
from fer_ros.nodes import qos
import numpy as np
from ros_support import Graph
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trial import row, Trial

_NODES = {'face_detector': (), 'emotion_classifier': (),
          'smart_home_bridge': ('dry_run:=true', 'lamp_display:=none')}
#: So long a restarted node may take on a loaded machine, seconds.
_PATIENCE_S = 60.0
_IMAGE = conversions.array_to_image(np.full((120, 160), 90, np.uint8), 'mono8')


class _Pipeline:
    """The nodes as processes, and a node that feeds and hears them."""

    def __init__(self, graph):
        self._node = graph.node
        self.heard = graph.collect(EmotionArray, 'emotions', qos.RESULT)
        graph.collect(FaceArray, 'faces', qos.RESULT)
        graph.collect(AmbientAction, 'ambient_actions', qos.RESULT)
        self._images = graph.node.create_publisher(Image, 'image_raw', qos.IMAGE)
        self._processes = {name: self._start(name) for name in _NODES}

    @staticmethod
    def _start(name):
        parameters = [part for one in _NODES[name] for part in ('-p', one)]
        return subprocess.Popen([sys.executable, '-m', f'fer_ros.nodes.{name}',
                                 *(['--ros-args', *parameters] if parameters else [])],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, name):
        """Kill a node at once, and start it again."""
        self._processes[name].kill()
        self._processes[name].wait()
        self.heard.clear()
        self._processes[name] = self._start(name)

    def answers(self):
        """Return whether an image leads to emotions within the patience."""
        asked, end_s = [], time.monotonic() + _PATIENCE_S
        while time.monotonic() < end_s:
            asked.append(self._node.get_clock().now().to_msg())
            _IMAGE.header = Header(stamp=asked[-1])
            self._images.publish(_IMAGE)
            if any(message.header.stamp in asked for message in [*self.heard]):
                return True
            time.sleep(0.1)
        return False

    def discovery(self):
        """Return what the graph says of each topic: publishers to subscribers, by node."""
        found = []
        for topic in ('/image_raw', '/faces', '/emotions', '/ambient_actions'):
            sides = [sorted(info.node_name for info in get(topic)) for get in (
                self._node.get_publishers_info_by_topic,
                self._node.get_subscriptions_info_by_topic)]
            found.append(f'{topic}: {",".join(sides[0])} -> {",".join(sides[1])}')
        return '; '.join(found)

    def bridge_is_heard(self):
        """Return whether the bridge's actions have their publisher and the topic of emotions."""
        end_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end_s:
            if self._node.count_publishers('ambient_actions') == 1 and \
                    self._node.count_subscribers('emotions') >= 2:
                return True
            time.sleep(0.1)
        return False

    def close(self):
        """End the processes."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@row('kill -9 and restart of a node')
def kills(trial: Trial) -> None:
    """Kill one at random; images lead to emotions again, and the bridge is heard."""
    with Graph() as graph:
        pipeline = _Pipeline(graph)
        try:
            if not pipeline.answers():
                raise RuntimeError(f'the nodes did not come up: {pipeline.discovery()}')
            for random in trial.tries():
                name = random.choice(list(_NODES))
                time.sleep(random.random() * 0.3)
                pipeline.kill(name)
                trial.expect(pipeline.answers() and pipeline.bridge_is_heard(),
                             f'after {name}: {pipeline.discovery()}')
        finally:
            pipeline.close()

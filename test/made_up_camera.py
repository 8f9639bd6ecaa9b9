# SPDX-License-Identifier: Apache-2.0
"""A camera whose emotions the test sets."""

import threading

from fer_ros import conversions
from fer_ros.msg import EmotionArray
from fer_ros.nodes import qos
from std_msgs.msg import Header


class Camera:
    """Publishes the faces in ``seen``, or what that returns, 20 times per second until closed."""

    def __init__(self, graph, topic='emotions'):
        self._node = graph.node
        self._publisher = graph.publisher(EmotionArray, topic, qos.RESULT)
        self.seen = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._closed.wait(0.05):
            seen = self.seen() if callable(self.seen) else self.seen
            if seen is not None:
                header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id='camera')
                self._publisher.publish(conversions.emotions_to_message(
                    seen, header, 640, 480, 'test', 'ferplus'))

    def close(self):
        self._closed.set()
        self._thread.join()

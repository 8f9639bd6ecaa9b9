# SPDX-License-Identifier: Apache-2.0
"""Image subscription of a node: keep the latest frame, count losses, explain silence."""

from collections.abc import Callable
import threading
import time

from builtin_interfaces.msg import Time
from fer_ros import conversions, transport
from fer_ros.cameras.decoding import StreamDecoder
from fer_ros.errors import cut, FerError
from fer_ros.mailbox import LatestMailbox
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import SILENCE, Status, WARN
from fer_ros.nodes.load import Shedding
from fer_ros.nodes.parameters import Parameter
from fer_ros.statistics import RateMeter, ReadableShare
from fer_ros.workers import Worker
import numpy as np
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

PARAMETERS = (
    Parameter('image_transport', 'raw',
              'raw (sensor_msgs/Image on image_raw) or compressed (sensor_msgs/CompressedImage on '
              'image_raw/compressed)', choices=('raw', 'compressed')),
    Parameter('silence_warning_s', 5.0, 'warn after this long without an image, seconds',
              minimum=0.5, maximum=3600.0),
)


class ImageInput:
    """Passes the latest image to ``process`` in a separate thread.

    ``process(image, header)`` gets uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray. An image that
    cannot be read is counted and logged, the next one is processed.

    :param shedding: says which images are skipped because there is too much to do.
    :param decode: False: ``process`` gets the message, and :meth:`read` its image.
    :param sampled: few images are needed: the middleware keeps only the latest, see :meth:`pause`.
    """

    def __init__(self, node: ManagedNode, process: Callable[[np.ndarray, Header], None],
                 topic: str = 'image_raw', *, decode: bool = True,
                 shedding: Shedding | None = None, sampled: bool = False):
        self._node = node
        self._process = process
        self._decode, self._decoder = decode, StreamDecoder()
        self._sampled = sampled
        self._shedding = shedding
        #: When the image at hand came, and how late it was then, as the shedding has it.
        self.received = (0.0, 0.0)
        self._newest: LatestMailbox = LatestMailbox()
        self._compressed = node.value('image_transport') == 'compressed'
        topic = f'{topic}/compressed' if self._compressed else topic
        self._received = self._bad = self._lost = self._done = 0
        self._rate = RateMeter()
        self._last_error = ''
        self._warned = self._unstamped = self._paused = False
        self._handed = self._wanted = False
        self._lock = threading.Lock()
        self._last_image_s = time.monotonic()
        self._subscribe = lambda: node.subscribe(
            CompressedImage if self._compressed else Image, topic, self._on_image,
            qos.LATEST_IMAGE if sampled else qos.IMAGE,
            message_lost=self._on_lost, own_thread=True)
        self._subscription = self._subscribe()
        self._receiver = node.receivers[self._subscription]
        #: The full topic name.
        self.topic = self._subscription.topic_name
        self._share = ReadableShare(f'images on {self.topic}')
        # Steady: report silence also while a simulated clock stands still or is missing.
        self._watch = node.create_timer(1.0, self._check,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._worker = Worker(f'{node.get_name()} worker', self._work, node.faults).start()

    def close(self) -> None:
        """Stop, after the current image is processed."""
        self._node.destroy_timer(self._watch)
        with self._lock:
            self._leave()
            self._subscribe = lambda: None  # a check may be running
        self._newest.close()
        self._worker.end()

    def pause(self, paused: bool = True) -> None:
        """Leave images in the middleware, or take them again, the kept one first."""
        self._paused = paused
        self._wanted |= not paused
        self._node.pause(self._subscription, paused)

    def handed(self, stamp: Time) -> None:
        """Count an image that came another way, and leave others in the middleware.

        If all come so, there is soon no subscription: the middleware would copy each for it.
        """
        self._handed = True
        self.count(stamp)
        self.pause()

    @property
    def dropped(self) -> int:
        """Number of images that were replaced by a newer one, here or in the middleware."""
        missed = 0 if self._sampled else self._receiver.missed - self._lost
        return self._newest.replaced + max(0, missed)

    def read(self, message: Image | CompressedImage) -> np.ndarray:
        """Return the image of a message.

        :raises ImageError: when it cannot be read.
        """
        return conversions.compressed_to_array(message, self._decoder.decode) \
            if self._compressed else conversions.image_to_array(message)

    def report(self, status: Status) -> None:
        """Add statistics and problems of the stream."""
        status.values.update({
            'topic': self.topic,
            'images received': self._received, 'images processed': self._done,
            'images dropped (newer came)': self.dropped,
            'images lost in transport': self._lost, 'images unreadable': self._bad,
            'rate in (Hz)': self._rate.rate_hz(self._node.now_s())})
        if self._warned:
            status.values[SILENCE] = self._silence()
            status.worsen(WARN, status.values[SILENCE])
        self._share.report(time.monotonic(), status)
        if self._last_error:
            status.values['last unreadable image'] = self._last_error
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if len(publishers) > 1:
            names = ', '.join(sorted(f'{info.node_namespace}/{info.node_name}'.replace('//', '/')
                                     for info in publishers))
            status.worsen(WARN, f'{len(publishers)} publishers on '
                          f'{self.topic} ({cut(names)}): their images are '
                          'treated as one camera; stop all but one, or remap')
        if self._unstamped:
            status.worsen(WARN, f'images on {self.topic} have the stamp 0: let '
                          'the camera driver set the time of the image in header.stamp')
        if self._lost > 0.05 * (self._received + self._lost):
            status.worsen(WARN, f'{self._lost} images lost in transport: {transport.LOSS_FIX}')

    def count(self, stamp: Time) -> None:
        """Count an image."""
        self._received += 1
        self._last_image_s = time.monotonic()
        self._unstamped = not stamp.sec and not stamp.nanosec
        self._rate.tick(self._node.now_s())
        if self._warned:
            self._warned = False
            self._node.get_logger().info(f'receiving images on {self.topic}')

    def _on_image(self, message) -> None:
        self.count(message.header.stamp)
        message.header.frame_id = cut(message.header.frame_id)
        self._newest.put((message, self._shedding and self._shedding.received(
            conversions.stamp_to_s(message.header.stamp))))

    def _on_lost(self, event) -> None:
        self._lost += event.total_count_change
        self._node.get_logger().warning(
            f'{event.total_count_change} images lost in transport on '
            f'{self.topic}, {self._lost} in all: {transport.LOSS_FIX}',
            throttle_duration_sec=30.0)

    def _work(self) -> None:
        while (taken := self._newest.take()) is not None:
            for message, self.received in taken.values():
                if self._shedding is None or self._shedding.wanted():
                    self._take(message)
            # Not to keep an image while waiting for the next.
            taken = message = None

    def _take(self, message) -> None:
        problem = ''
        try:
            image = self.read(message) if self._decode else message
            self._process(image, message.header)
            self._done += 1
        except FerError as error:
            problem = str(error)
            self._node.get_logger().error(
                f'image on {self.topic} skipped: {problem}',
                throttle_duration_sec=5.0)
        except Exception as error:  # costs this image only
            problem = 'internal error, see the log'
            self._node.faults.add(f'image on {self.topic} skipped', error)
        self._share.add(time.monotonic(), problem)
        if problem:
            self._bad += 1
            self._last_error = problem

    def _check(self) -> None:
        if self._sampled and self._follow():
            return
        silent_s = time.monotonic() - self._last_image_s
        if self._warned or silent_s < self._node.value('silence_warning_s'):
            return
        if self._paused or self._subscription is None:
            # Look first, and judge at a later check.
            self.pause(False)
            return
        # First the log: who sees the diagnostics finds it there.
        self._node.get_logger().warning(self._silence())
        self._warned = True

    def _follow(self) -> bool:
        """Leave the topic if all images were handed over since the last time, or come back.

        :returns: whether it just came back.
        """
        handed, wanted = self._handed, self._wanted
        self._handed = self._wanted = False
        with self._lock:
            if wanted and self._subscription is None:
                self._subscription = self._subscribe()
                self._node.pause(self._subscription, self._paused)
                return True
            if handed and not wanted:
                self._leave()
        return False

    def _leave(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)

    def _silence(self) -> str:
        return (f'no image on {self.topic} for '
                f'{time.monotonic() - self._last_image_s:.0f} s: {self._endpoints()}')

    def _endpoints(self) -> str:
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return (f'0 publishers (requested QoS: {qos.describe(self._subscription.qos_profile)})'
                    '; is the camera running, and is its topic this one? Remap with --ros-args '
                    '-r image_raw:=/your/topic')
        if complaint := qos.mismatch(self._node, self._subscription):
            return complaint
        names = ', '.join(sorted({info.node_name for info in publishers}))
        return (f'{names} publishes it, but no image has arrived: has its source ended? See its '
                'diagnostics')

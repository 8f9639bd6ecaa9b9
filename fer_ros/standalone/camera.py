# SPDX-License-Identifier: Apache-2.0
"""Grab frames from one camera and find faces in them; only the latest frame is kept."""

from collections.abc import Callable
import logging
import threading
import time

from fer_ros.cameras import capture
from fer_ros.errors import cut, SourceError
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.health import OK, Status, WARN
from fer_ros.mailbox import LatestMailbox
from fer_ros.masking import mask
from fer_ros.standalone.config import Camera
from fer_ros.statistics import LatencyWindow, RateMeter, ReadableShare
from fer_ros.types import Face
from fer_ros.workers import Faults, Worker
import numpy as np

#: A live source without a frame for this long is reported, seconds.
SILENT_S = 5.0
#: A lasting problem is logged again after this long, seconds.
_REMIND_S = 600.0
_LOGGER = logging.getLogger(__name__)


class CameraWorker:
    """Grabs the frames of a camera in one thread and finds faces in another.

    :param create_finder: called once the source is known to be there.
    :param on_faces: called with the camera, the faces, the image as processed and its stamp,
        seconds, in the second thread.
    :raises SourceError: when a file or folder cannot be opened.
    """

    def __init__(self, camera: Camera, create_finder: Callable[[], FaceFinder],
                 on_faces: Callable[['CameraWorker', list[Face], np.ndarray, float], None]):
        self.camera = camera
        self._on_faces = on_faces
        self._stop = threading.Event()
        self._newest: LatestMailbox[tuple[np.ndarray, float]] = LatestMailbox()
        self._player = capture.create_player(camera.settings, wait=self._stop.wait,
                                             on_problem=self._complain)
        self.finder = create_finder()
        self._reported, self._reported_s = '', float('-inf')
        self._grabbed = self._done = self._bad = self.faces = 0
        self._grabbed_s = time.monotonic()
        self._busy_since_s: float | None = None
        self._last_error = ''
        self._share = ReadableShare('images')
        self._size = (0, 0)
        self._rate_in, self._rate_out = RateMeter(), RateMeter()
        self.latency = LatencyWindow()
        # Daemons: a driver that hangs must not keep the process from ending.
        self._faults = Faults()
        self._workers = [
            Worker(f'{camera.name} grabber', self._grab, self._faults, daemon=True),
            Worker(f'{camera.name} worker', self._work, self._faults, daemon=True)]

    @property
    def source(self) -> str:
        """The source without secrets."""
        return mask(self.camera.settings['source'], camera=True)

    def start(self) -> None:
        """Begin."""
        for worker in self._workers:
            worker.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End; a driver that hangs is left behind after the timeout."""
        self._stop.set()
        self._newest.close()
        end_s = time.monotonic() + timeout_s
        for worker in self._workers:
            worker.end(max(0.0, end_s - time.monotonic()))

    @property
    def ended(self) -> bool:
        """Whether a file or folder has ended or failed, and all of its frames are processed."""
        return not any(worker.alive for worker in self._workers)

    @property
    def played_out(self) -> bool:
        """Whether a file or folder has been played to its end."""
        return self._player.state == 'ended' and not self._player.problem

    @property
    def failed(self) -> bool:
        """Whether a file or folder could not be read to its end."""
        return self._player.state == 'failed'

    def busy_s(self) -> float:
        """Return how long the current image has been processed, seconds."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def problem(self) -> str:
        """Return why there are no frames, or an empty string."""
        if self._player.problem:
            return self._player.problem
        silent_s = time.monotonic() - self._grabbed_s
        if self.played_out:
            return capture.end_of(self.source)
        if silent_s > SILENT_S:
            return f'no frames from {self.source} for {silent_s:.0f} s'
        return ''

    def report(self) -> Status:
        """Return the camera's status."""
        now_s = time.monotonic()
        status = Status(OK, self._player.state, {
            'source': self.source, 'detector': self.finder.detector_name,
            'size (px)': '{}x{}'.format(*self._size), 'images': self._grabbed,
            'images processed': self._done, 'images dropped (newer came)': self._newest.replaced,
            'images failed': self._bad, 'faces': self.faces,
            'rate in (Hz)': self._rate_in.rate_hz(now_s),
            'rate out (Hz)': self._rate_out.rate_hz(now_s),
            'latency median (ms)': self.latency.median_ms,
            'latency p99 (ms)': self.latency.p99_ms})
        capture.report(self._player, self.source, status)
        problem = self.problem()
        if problem and not self._player.problem and not self.played_out:
            status.worsen(WARN, problem)
        for warning in self.finder.warnings:
            status.worsen(WARN, warning)
        if self._last_error:
            status.values['last failed image'] = self._last_error
        self._share.report(now_s, status)
        self._faults.report(status)
        return status

    def _grab(self) -> None:
        try:
            self._play()
        except SourceError as error:
            _LOGGER.error('%s: %s', self.camera.name, error)
        # Lets the worker finish the current image and end.
        self._newest.finish()

    def _play(self) -> None:
        for frame in self._player.frames():
            if self._stop.is_set():
                return
            stamp_s, now_s = time.time(), time.monotonic()
            if self._reported:
                _LOGGER.info('%s: receiving images from %s again', self.camera.name, self.source)
                self._reported = ''
            self._grabbed += 1
            self._grabbed_s = now_s
            self._rate_in.tick(now_s)
            self._newest.put((frame, stamp_s))

    def _work(self) -> None:
        while (taken := self._newest.take()) is not None:
            for frame, stamp_s in taken.values():
                self._busy_since_s = time.monotonic()
                try:
                    width, height = capture.wanted_size(self.camera.settings, frame.shape[1],
                                                        frame.shape[0])
                    image = capture.resized(frame, width, height)
                    faces = self.finder.process(image, stamp_s)
                    self.faces, self._size = len(faces), (width, height)
                    self._on_faces(self, faces, image, stamp_s)
                    self._done += 1
                    self._share.add(time.monotonic())
                    self.latency.add((time.time() - stamp_s) * 1e3)
                    self._rate_out.tick(time.monotonic())
                    self.finder.finish()
                except Exception as error:  # affects this image only
                    self._bad += 1
                    self._last_error = cut(f'{type(error).__name__}: {error}')
                    self._share.add(time.monotonic(), self._last_error)
                    self._faults.add(f'image of {self.camera.name} skipped', error)
                finally:
                    self._busy_since_s = None
            # Do not keep an image while waiting for the next.
            taken = frame = image = faces = None

    def _complain(self, problem: str) -> None:
        text, now_s = problem.rpartition('; trying again')[0] or problem, time.monotonic()
        if text == self._reported and now_s - self._reported_s < _REMIND_S:
            return
        self._reported, self._reported_s = text, now_s
        _LOGGER.error('%s: %s', self.camera.name, problem)

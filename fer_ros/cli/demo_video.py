# SPDX-License-Identifier: Apache-2.0
"""Record the demo's annotated images in a video file."""

from pathlib import Path
import queue
import threading

import cv2
from fer_ros import conversions
from fer_ros.errors import FerError
from sensor_msgs.msg import Image


class VideoFile(threading.Thread):
    """Writes the annotated images as they arrive.

    :param path: the MP4 file, created with the first image.
    """

    def __init__(self, path: Path, rate_hz: float = 30.0):
        super().__init__(name='video')
        self.path, self._rate_hz = path, rate_hz
        self._images: queue.Queue[Image | None] = queue.Queue(maxsize=60)
        self._writer: cv2.VideoWriter | None = None
        self.written = 0
        #: Why nothing more is written; empty if there is no problem.
        self.problem = ''

    def offer(self, message: Image) -> None:
        """Queue an image, or drop it if the disk is too slow: the demo does not wait."""
        try:
            self._images.put_nowait(message)
        except queue.Full:
            pass

    def close(self) -> None:
        """Write the queued images and end."""
        if self.is_alive():
            self._images.put(None)
            self.join(30.0)

    def run(self) -> None:
        """Write until closed."""
        while (message := self._images.get()) is not None:
            if self.problem:
                continue
            try:
                self._write(message)
            except (FerError, cv2.error) as error:
                self.problem = f'cannot write the video {self.path}: {error}'
        if self._writer is not None:
            self._writer.release()

    def _write(self, message: Image) -> None:
        image = conversions.image_to_array(message)
        if self._writer is None:
            self._size = (image.shape[1], image.shape[0])
            self._writer = cv2.VideoWriter(
                str(self.path), cv2.VideoWriter_fourcc(*'mp4v'), self._rate_hz, self._size)
            if not self._writer.isOpened():
                raise FerError('OpenCV cannot write an MP4 file there')
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size)  # images of a folder may differ in size
        self._writer.write(image)
        self.written += 1

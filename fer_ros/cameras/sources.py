# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: a camera device, a video file, a folder of images, or a URL.

Every source returns frames one by one from :meth:`FrameSource.read`;
:class:`fer_ros.cameras.player.Player` does the pacing and retrying, on an injected clock.
"""

from abc import ABC, abstractmethod
import glob
import os
from pathlib import Path
import re

import cv2
from fer_ros.cameras.encoded import read_image
from fer_ros.errors import ConfigurationError, ImageError, SourceError
from fer_ros.files import local_path
from fer_ros.masking import mask
from fer_ros.secret_files import with_secrets
import numpy as np

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')

#: How long a URL may take to open and to deliver the next frame, milliseconds.
URL_TIMEOUT_MS = 5000

#: A stream counts as broken after this many undecodable frames in a row.
_MISSES_ALLOWED = 10


class FrameSource(ABC):
    """A sequence of frames.

    :ivar name: the source as the user wrote it, without passwords.
    :ivar live: True for a device or stream, which delivers frames at its own pace and is opened
        again when it fails; False for files, which are played and end.
    :ivar rate_hz: frames per second as the source reports it, 0 if it does not.
    :ivar time_s: time stamp of the last frame, seconds, or None.
    :ivar size_px: width and height of all its images, or None where that is not known before.
    :ivar skipped: frames or files skipped because they could not be read.
    :ivar last_skipped: the last skipped file and why, or empty.
    """

    live = False

    def __init__(self, name: str):
        self.name = name
        self.rate_hz = 0.0
        self.time_s: float | None = None
        self.size_px: tuple[int, int] | None = None
        self.skipped = 0
        self.last_skipped = ''

    @abstractmethod
    def read(self) -> np.ndarray | None:
        """Return the next frame, uint8 ``(h, w, 3)`` BGR, or None at the end.

        :raises SourceError: when the source fails.
        """

    @abstractmethod
    def rewind(self) -> None:
        """Start again at the first frame; only for sources that are not live."""

    def close(self) -> None:
        """Release the device or file."""


class _CaptureSource(FrameSource):
    """A source that OpenCV's VideoCapture opens."""

    def __init__(self, name: str):
        super().__init__(name)
        self._capture = cv2.VideoCapture()

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()

    def _note_rate(self) -> None:
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        # Streams without a rate report 0, nonsense such as 90000, or NaN.
        self.rate_hz = float(rate_hz) if 0 < rate_hz <= 1000 else 0.0


class DeviceSource(_CaptureSource):
    """A V4L2 camera."""

    live = True

    def __init__(self, device: str, *, width_px: int = 0, height_px: int = 0,
                 rate_hz: float = 0.0, fourcc: str = ''):
        path = f'/dev/video{device}' if device.isdigit() else device
        super().__init__(path)
        if not os.path.exists(path):
            there = ', '.join(sorted(glob.glob('/dev/video*'))) or 'none'
            raise SourceError(f'camera {path} does not exist (cameras found: {there}): plug it '
                              'in, or set source to another device, a file, a folder or a URL')
        if not os.access(path, os.R_OK | os.W_OK):
            raise SourceError(f'camera {path}: permission denied: add the user to the group that '
                              'owns it (ls -l shows it, often video) and log in again')
        if not self._capture.open(path, cv2.CAP_V4L2):
            raise SourceError(f'camera {path} cannot be opened: is it a camera, and does another '
                              'program use it (fuser -v shows which)?')
        if fourcc:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*fourcc))
        for key, value in ((cv2.CAP_PROP_FRAME_WIDTH, width_px),
                           (cv2.CAP_PROP_FRAME_HEIGHT, height_px),
                           (cv2.CAP_PROP_FPS, rate_hz)):
            if value:
                self._capture.set(key, value)
        # The driver's queue would otherwise return frames that are several periods old.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._note_rate()

    def read(self) -> np.ndarray | None:
        """Return the next frame."""
        for _ in range(_MISSES_ALLOWED):
            more, frame = self._capture.read()
            if more and frame is not None and frame.size:
                return frame
            self.skipped += 1
            if not os.path.exists(self.name):
                raise SourceError(f'camera {self.name} was unplugged: plug it in again')
        raise SourceError(f'camera {self.name} delivers no more frames: is it still plugged in, '
                          'and is the cable or hub good for this resolution and rate?')

    def rewind(self) -> None:
        """Do nothing: a camera has no beginning."""


class UrlSource(_CaptureSource):
    """An RTSP or HTTP stream."""

    live = True

    def __init__(self, url: str):
        super().__init__(mask(url, camera=True))
        opened = self._capture.open(url, cv2.CAP_FFMPEG, [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, URL_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, URL_TIMEOUT_MS])
        if not opened:
            raise SourceError(f'{self.name} cannot be opened within {URL_TIMEOUT_MS / 1000:.0f} '
                              's: check the address and the password, and that the camera is on')
        self._note_rate()

    def read(self) -> np.ndarray | None:
        """Return the next frame."""
        for _ in range(_MISSES_ALLOWED):
            more, frame = self._capture.read()
            if more and frame is not None and frame.size:
                return frame
            self.skipped += 1
        raise SourceError(f'{self.name} has stopped: the camera or the network is down')

    def rewind(self) -> None:
        """Do nothing: a stream has no beginning."""


class VideoSource(_CaptureSource):
    """A video file."""

    def __init__(self, path: str):
        super().__init__(path)
        if not os.path.isfile(path):
            raise SourceError(f'video {path} does not exist')
        if not os.access(path, os.R_OK):
            raise SourceError(f'video {path}: permission denied')
        self._frames_read = 0
        self.rewind()
        self._note_rate()
        self.frame_count = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        sides = [int(self._capture.get(key))
                 for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        self.size_px = tuple(sides) if min(sides) > 0 else None

    def read(self) -> np.ndarray | None:
        """Return the next frame, or None at the end."""
        more, frame = self._capture.read()
        if more and frame is not None and frame.size:
            self._frames_read += 1
            self.time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e-3
            return frame
        if self._frames_read == 0:
            raise SourceError(f'{self.name} has no frame that can be decoded: it is empty, '
                              'truncated or damaged')
        # Containers round their count; a tenth fewer means that the end is missing.
        missing = self.frame_count - self._frames_read
        self.skipped = missing if missing > 2 else 0
        if self.skipped > self.frame_count // 10:
            raise SourceError(f'{self.name} is truncated or damaged: {self._frames_read} of '
                              f'{self.frame_count} frames could be read')
        return None

    def rewind(self) -> None:
        """Start again at the first frame."""
        # Reopening is exact for every container; seeking is not.
        self._capture.release()
        if not self._capture.open(self.name):
            raise SourceError(f'{self.name} is not a video that OpenCV can read, or its end '
                              'is missing: play it in another program to check, or set source '
                              'to a device, a folder of images or a URL')
        self._frames_read = 0


class FolderSource(FrameSource):
    """A folder of images, in the natural order of their names: 2.png, then 10.png."""

    def __init__(self, path: str):
        super().__init__(path)
        self._files = [file for file in sorted(Path(path).iterdir(), key=_natural)
                       if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
        if not self._files:
            raise SourceError(f'folder {path} contains no images ({", ".join(IMAGE_SUFFIXES)})')
        self.frame_count = len(self._files)
        self.rewind()

    def read(self) -> np.ndarray | None:
        """Return the next readable image, or None at the end."""
        while self._position < len(self._files):
            file = self._files[self._position]
            self._position += 1
            try:
                image = read_image(file)
            except ImageError as error:
                self.skipped += 1
                self.last_skipped = str(error)
                continue
            self._found = True
            return image
        if not self._found:
            raise SourceError(f'folder {self.name}: none of {len(self._files)} images can be read '
                              f'({self.last_skipped})')
        return None

    def rewind(self) -> None:
        """Start again at the first image."""
        self._position, self._found = 0, False


def _natural(file: Path) -> tuple[list, str]:
    """Return the sort key of a name by its words and numbers."""
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part.lower())
            for part in re.split(r'(\d{1,99})', file.stem) if part], file.name


def open_source(source: str, *, width_px: int = 0, height_px: int = 0, rate_hz: float = 0.0,
                fourcc: str = '') -> FrameSource:
    """Open a source; its kind follows from its name.

    :param source: a device (``0`` or ``/dev/video0``), a video file, a folder of images, or a
        URL, in which ``${env:NAME}`` and ``${file:PATH}`` are replaced by secrets.
    :param width_px: requested from a device, which uses its nearest mode; 0: its default.
    :param rate_hz: requested from a device; 0: its default.
    :param fourcc: pixel format requested from a device, such as ``MJPG`` or ``YUYV``.
    :raises SourceError: when it cannot be opened, saying why and what to do.
    """
    if not source:
        raise SourceError('no source is set: set source to a device such as /dev/video0, a '
                          'video file, a folder of images, or a URL')
    if '${' in source:
        try:
            source = with_secrets(source, 'source')
        except ConfigurationError as error:
            raise SourceError(str(error)) from error
    if source.isdigit() or source.startswith('/dev/'):
        return DeviceSource(source, width_px=width_px, height_px=height_px, rate_hz=rate_hz,
                            fourcc=fourcc)
    source = local_path(source)
    if '://' in source:
        return UrlSource(source)
    path = os.path.expanduser(source)
    if os.path.isdir(path):
        return FolderSource(path)
    if os.path.exists(path):
        return VideoSource(path)
    raise SourceError(f'source {source} is neither a device nor an existing file or folder, nor '
                      'a URL: check the spelling')


def is_live(source: str) -> bool:
    """Return whether a name means a device or stream, which is opened again if it fails."""
    return source.isdigit() or source.startswith(('/dev/', '${')) \
        or '://' in local_path(source)

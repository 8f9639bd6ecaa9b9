# SPDX-License-Identifier: Apache-2.0
"""Where frames come from: a camera device, a video file, a folder of images, or a URL.

Every source gives frames one by one with :meth:`FrameSource.read`; pacing and retrying are done by
:class:`fer_ros.cameras.player.Player`, which has its clock injected.
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

#: How long a URL may take to open and to give the next frame, milliseconds.
URL_TIMEOUT_MS = 5000

#: A stream may fail to decode so many frames in a row before it counts as broken.
_MISSES_ALLOWED = 10


class FrameSource(ABC):
    """A sequence of frames.

    :ivar name: as the user gave it, without a password.
    :ivar live: True for a device or a stream, whose frames come when they come and which is
        tried again when it fails; False for files, which are played and end.
    :ivar rate_hz: frames a second as the source says, 0 when it does not.
    :ivar time_s: when the last frame is to be shown by its time stamp, seconds, or None.
    :ivar skipped: frames or files skipped because they could not be read.
    :ivar last_skipped: which of several files was the last of them, and why, or empty.
    """

    live = False

    def __init__(self, name: str):
        self.name = name
        self.rate_hz = 0.0
        self.time_s: float | None = None
        self.skipped = 0
        self.last_skipped = ''

    @abstractmethod
    def read(self) -> np.ndarray | None:
        """Return the next frame, uint8 ``(h, w, 3)`` BGR, or None at the end.

        :raises SourceError: when the source fails.
        """

    @abstractmethod
    def rewind(self) -> None:
        """Begin again with the first frame; only for sources that are not live."""

    def close(self) -> None:
        """Let go of the device or file."""


class _CaptureSource(FrameSource):
    """What OpenCV's VideoCapture opens."""

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
            raise SourceError(f'camera {path} is not there (cameras found: {there}): plug it in, '
                              'or set source to another device, a file, a folder or a URL')
        if not os.access(path, os.R_OK | os.W_OK):
            raise SourceError(f'camera {path} may not be used by this user: add the user to the '
                              'group that owns it (ls -l shows it, often video) and log in anew')
        if not self._capture.open(path, cv2.CAP_V4L2):
            raise SourceError(f'camera {path} cannot be opened: is it a camera, and does another '
                              'program hold it (fuser -v shows which)?')
        if fourcc:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*fourcc))
        for key, value in ((cv2.CAP_PROP_FRAME_WIDTH, width_px),
                           (cv2.CAP_PROP_FRAME_HEIGHT, height_px),
                           (cv2.CAP_PROP_FPS, rate_hz)):
            if value:
                self._capture.set(key, value)
        # The driver's queue would otherwise hand out frames that are several periods old.
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
        raise SourceError(f'camera {self.name} gives no more frames: is it still plugged in, and '
                          'is the cable or hub good for this resolution and rate?')

    def rewind(self) -> None:
        """Do nothing: a camera goes on."""


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
                              's: is the address right, the camera on, and the password too?')
        self._note_rate()

    def read(self) -> np.ndarray | None:
        """Return the next frame."""
        for _ in range(_MISSES_ALLOWED):
            more, frame = self._capture.read()
            if more and frame is not None and frame.size:
                return frame
            self.skipped += 1
        raise SourceError(f'{self.name} has stopped: the camera or the network is gone')

    def rewind(self) -> None:
        """Do nothing: a stream goes on."""


class VideoSource(_CaptureSource):
    """A video file."""

    def __init__(self, path: str):
        super().__init__(path)
        if not os.path.isfile(path):
            raise SourceError(f'video {path} is not there')
        if not os.access(path, os.R_OK):
            raise SourceError(f'video {path} may not be read by this user')
        self._frames_read = 0
        self.rewind()
        self._note_rate()
        self.frame_count = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

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
        """Begin again with the first frame."""
        # Reopening is exact for every container; seeking is not.
        self._capture.release()
        if not self._capture.open(self.name):
            raise SourceError(f'{self.name} is no video that OpenCV can read, or its end is '
                              'missing: play it in another program to see, or name a device, a '
                              'folder of images or a URL')
        self._frames_read = 0


class FolderSource(FrameSource):
    """A folder of images, in the natural order of their names: 2.png, then 10.png."""

    def __init__(self, path: str):
        super().__init__(path)
        self._files = [file for file in sorted(Path(path).iterdir(), key=_natural)
                       if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
        if not self._files:
            raise SourceError(f'folder {path} holds no image ({", ".join(IMAGE_SUFFIXES)})')
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
        """Begin again with the first image."""
        self._position, self._found = 0, False


def _natural(file: Path) -> tuple[list, str]:
    """Return what orders a name by its words and numbers."""
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part.lower())
            for part in re.split(r'(\d{1,99})', file.stem) if part], file.name


def open_source(source: str, *, width_px: int = 0, height_px: int = 0, rate_hz: float = 0.0,
                fourcc: str = '') -> FrameSource:
    """Open a source by what its name looks like.

    :param source: a device (``0`` or ``/dev/video0``), a video file, a folder of images, or a
        URL, in which ``${env:NAME}`` and ``${file:PATH}`` stand for secrets.
    :param width_px: asked of a device, which gives its nearest; 0: its own choice.
    :param rate_hz: asked of a device; 0: its own choice.
    :param fourcc: pixel format asked of a device, such as ``MJPG`` or ``YUYV``.
    :raises SourceError: when it cannot be opened, saying why and what to do.
    """
    if not source:
        raise SourceError('no source was given: set source to a device such as /dev/video0, a '
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
    """Return whether a source's name means a device or a stream, which can come back."""
    return source.isdigit() or source.startswith(('/dev/', '${')) \
        or '://' in local_path(source)

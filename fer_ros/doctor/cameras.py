# SPDX-License-Identifier: Apache-2.0
"""Check the cameras and this user's permissions; cameras are opened only when allowed."""

from collections.abc import Iterator
from dataclasses import dataclass
import grp
import os
from pathlib import Path

from fer_ros.doctor.finding import Finding, Level, Request
from fer_ros.masking import mask

KERNEL, DEVICES = Path('/sys/class/video4linux'), Path('/dev')


@dataclass(frozen=True)
class Camera:
    """A capture device known to the kernel.

    :ivar path: its device file, which may be missing (in a container).
    :ivar name: the driver's name for it.
    """

    path: Path
    name: str


def check(request: Request) -> Iterator[Finding]:
    """Check the named cameras, or all cameras of the machine."""
    known = list(cameras(KERNEL, DEVICES))
    if not request.cameras:
        if not known:
            yield Finding('cameras', Level.OK, 'none on this machine; a source may also be a '
                          'file, a folder of images or an RTSP address')
        for camera in known:
            yield from _examine(str(camera.path), camera.name, request.open_cameras)
        return
    names = {str(camera.path): camera.name for camera in known}
    for source in request.cameras:
        path = f'/dev/video{source}' if source.isdigit() else source
        yield from _examine(path, names.get(path, ''), request.open_cameras)


def cameras(kernel: Path, devices: Path) -> Iterator[Camera]:
    """Yield the cameras known to the kernel; nothing is opened.

    :param kernel: the folder /sys/class/video4linux.
    :param devices: the folder /dev.
    """
    try:
        entries = sorted(kernel.iterdir(), key=lambda path: (len(path.name), path.name))
    except OSError:
        return
    for entry in entries:
        # A camera's further entries (index 1, ...) hold its metadata, not its images.
        if entry.name.startswith('video') and _text(entry / 'index') in ('', '0'):
            yield Camera(devices / entry.name, _text(entry / 'name'))


def _examine(source: str, name: str, may_open: bool) -> Iterator[Finding]:
    shown = mask(source, camera=True) + (f' ({name})' if name else '')
    if source.startswith('/dev/'):
        problem, fix = access_problem(Path(source))
        if problem:
            yield Finding('cameras', Level.ERROR, f'{shown} {problem}', fix)
            return
    elif '://' not in source and not os.access(os.path.expanduser(source), os.R_OK):
        yield Finding('cameras', Level.ERROR, f'{shown} does not exist or cannot be read',
                      'check the path')
        return
    if not may_open:
        yield Finding('cameras', Level.OK, f'{shown}: ' + (
            'not opened (--open-cameras does)' if '://' in source
            else 'permission granted; not opened (--open-cameras does)'))
        return
    yield _open(source, shown)


def access_problem(device: Path) -> tuple[str, str]:
    """Return why this user may not open a device and the fix, or two empty strings."""
    try:
        status = device.stat()
    except OSError:
        return ('does not exist', "plug it in; in a container: 'docker run --device "
                f"{device}' ('devices:' in a compose file)")
    if os.access(device, os.R_OK | os.W_OK):
        return '', ''
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return (f'permission denied: only root and the group {group} may open it',
            f"'sudo usermod -aG {group} $USER', then log in again; in a container: "
            f'--group-add {status.st_gid}')


def _open(source: str, shown: str) -> Finding:
    from fer_ros.cameras.sources import open_source
    from fer_ros.errors import SourceError
    try:
        opened = open_source(source)
        try:
            frame = opened.read()
        finally:
            opened.close()
    except SourceError as error:
        return Finding('cameras', Level.ERROR, str(error))
    if frame is None:
        return Finding('cameras', Level.ERROR, f'{shown} has no image', 'set another source')
    height, width = frame.shape[:2]
    return Finding('cameras', Level.OK, f'{shown} delivers {width}x{height} images at '
                   f'{opened.rate_hz:g} Hz', values={'width (px)': width, 'height (px)': height,
                                                     'rate (Hz)': opened.rate_hz})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8', errors='replace').strip()
    except OSError:
        return ''

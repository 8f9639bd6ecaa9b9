# SPDX-License-Identifier: Apache-2.0
"""Weights that their publisher offers, and where they are once the user has fetched them."""

from dataclasses import dataclass
import os
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.files import checksum

_LFS_POINTER = b'version https://git-lfs.github.com/spec/'


@dataclass(frozen=True)
class PublishedFile:
    """A file that its publisher offers for download.

    :ivar name: its name in commands.
    :ivar file_name: its name at the publisher and in the user's folder.
    :ivar size: bytes.
    :ivar sha256: hexadecimal checksum.
    :ivar url: the publisher's address of it.
    :ivar license: its license.
    """

    name: str
    file_name: str
    size: int
    sha256: str
    url: str
    license: str


#: Size and checksum come from the Zoo's Git LFS pointer. The address is where GitHub keeps
#: the contents of LFS files; raw.githubusercontent.com has the pointer only.
YUNET = PublishedFile(
    'yunet', 'face_detection_yunet_2023mar.onnx', 232_589,
    '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
    'https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/'
    'face_detection_yunet/face_detection_yunet_2023mar.onnx', 'MIT')

#: The fix that messages suggest.
FETCH_COMMAND = ("run 'fer-model fetch yunet' (with ROS: 'ros2 run fer_ros fer-model fetch "
                 "yunet')")

#: The files that ``fer-model fetch`` offers, by name.
PUBLISHED = {file.name: file for file in (YUNET,)}


def data_folder() -> Path:
    """Return the user's folder for fetched models (XDG base directories); it need not exist.

    :raises ConfigurationError: when the user has no home folder and XDG_DATA_HOME is not set.
    """
    root = os.environ.get('XDG_DATA_HOME', '')
    # The specification requires that relative paths be ignored.
    if not os.path.isabs(root):
        try:
            root = Path.home() / '.local' / 'share'
        except RuntimeError as error:
            raise ConfigurationError('this user has no home folder: set XDG_DATA_HOME to an '
                                     'absolute path') from error
    return Path(root) / 'fer_ros' / 'models'


def fetched_path(file: PublishedFile) -> Path | None:
    """Return the path of a fetched file, or None; its contents are not checked."""
    try:
        path = data_folder() / file.file_name
        return path if path.is_file() else None
    except (ConfigurationError, OSError):
        return None


def flaw(file: PublishedFile, content: bytes) -> str:
    """Return what is wrong with the bytes of a published file and what to do, or ''."""
    digest = checksum(content)
    if digest == file.sha256:
        return ''
    if content.startswith(_LFS_POINTER):
        return ('is a Git LFS pointer, a few lines of text instead of the file: use the '
                f"address of the file itself, such as {file.url}, or run 'git lfs pull'")
    if content.lstrip()[:1] == b'<':
        return ('is a web page, not the file: a login page of the network, or the address of a '
                f'page about the file? The file is at {file.url}')
    if len(content) < file.size:
        return (f'has {len(content):,} bytes of {file.size:,}: it is truncated, or another file. '
                'Fetch it again')
    return (f'is not {file.file_name} as published: its SHA-256 begins with {digest[:12]}, '
            f'expected {file.sha256[:12]}. Fetch it from {file.url}; to use your own model, '
            'set model_path')

# SPDX-License-Identifier: Apache-2.0
"""Choose the Fast DDS transport profiles that let whole images arrive.

Fast DDS's default shared-memory segment (512 KiB) is smaller than one 640x480 color image, so
images fall back to UDP fragments and most are lost. The profiles beside this file make the segment
larger: 6, 14 or 32 MiB for processes that publish images, and 2 MiB for those that only receive
them, because a process's segment holds what it publishes and counts as its memory, and as its
readers', as soon as it was used once. An environment variable selects them; it is read when the
first participant is created.
"""

from collections.abc import Mapping
from importlib.resources import files
import os

#: Read by Fast DDS 2 (Humble, Jazzy) and, with a deprecation warning, by Fast DDS 3.
_LEGACY_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
#: Read by Fast DDS 3 (Kilted, Lyrical).
_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
#: If one of these is set, the user has chosen a transport, and it is left unchanged.
USER_CHOICES = (_VARIABLE, _LEGACY_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS',
                 'FASTRTPS_BUILTIN_TRANSPORTS')

#: The shared memory of a process, bytes, by its profile in fer_ros/data: for those that publish no
#: images, and for those that do, the smallest first.
_SMALL_MESSAGES = 'fastdds_small_messages.xml'
_SEGMENT_BYTES = {
    _SMALL_MESSAGES: 2 * 2**20,
    'fastdds_small_images.xml': 6 * 2**20,
    'fastdds_medium_images.xml': 14 * 2**20,
    'fastdds_large_images.xml': 32 * 2**20,
}
_LARGEST = list(_SEGMENT_BYTES)[-1]
#: So many images should fit, as readers may be late: color images of 640x480 into 6 MiB, of
#: 1280x720 into 14, of 1080p into 32. Of 4K, only one does; more memory loses more of these.
_IMAGES = 5

#: The fix that nodes suggest when a stream loses images.
LOSS_FIX = ('start every process of the stream with our transport profile '
            '(export FASTRTPS_DEFAULT_PROFILES_FILE=$(python3 -m fer_ros.transport)), or publish '
            'the images reliably or smaller')


def profile_path(images: bool = True, image_bytes: int = 0) -> str:
    """Return the path of a profile that ships with the package.

    :param images: for a process that publishes images.
    :param image_bytes: size of the largest image; 0: unknown.
    """
    name = _SMALL_MESSAGES if not images else next(
        (name for name, size in _SEGMENT_BYTES.items()
         if 0 < _IMAGES * image_bytes <= size and name != _SMALL_MESSAGES), _LARGEST)
    return _path(name)


def transport_environment(environment: Mapping[str, str] | None = None, images: bool = True,
                          image_bytes: int = 0) -> dict[str, str]:
    """Return what to add to the environment of a process that handles images.

    :param environment: the environment to look at; the process's own by default.
    :param images: whether the process publishes images. If a launch file has set one of our
        profiles for many processes, each still chooses its own.
    :param image_bytes: size of the largest of them; 0: unknown.
    :returns: the variable to set, or nothing if the user has chosen a transport.
    """
    environment = os.environ if environment is None else environment
    ours = {'', *map(_path, _SEGMENT_BYTES)}
    if any(environment.get(name, '') not in ours for name in USER_CHOICES):
        return {}
    distribution = environment.get('ROS_DISTRO', '')
    legacy = distribution[:1] < 'k' or not distribution
    return {_LEGACY_VARIABLE if legacy else _VARIABLE: profile_path(images, image_bytes)}


def use_profile(images: bool = True, image_bytes: int = 0) -> None:
    """Choose the profile for this process and its children; call before ``rclpy.init``."""
    os.environ.update(transport_environment(images=images, image_bytes=image_bytes))


def too_large(image_bytes: int, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether two images of this size do not fit, though a larger profile would be there.

    :param environment: that the profile was chosen with; the process's own by default.
    """
    environment = os.environ if environment is None else environment
    chosen = [environment.get(name, '') for name in (_LEGACY_VARIABLE, _VARIABLE)]
    return any(_path(name) in chosen and 2 * image_bytes > size
               for name, size in _SEGMENT_BYTES.items() if name != _LARGEST)


def _path(name: str) -> str:
    return str(files('fer_ros') / 'data' / name)


if __name__ == '__main__':
    print(profile_path())

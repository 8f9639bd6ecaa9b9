# SPDX-License-Identifier: Apache-2.0
"""Choose the Fast DDS transport profiles that let whole images arrive.

Fast DDS's default shared-memory segment (512 KiB) is smaller than one 640x480 color image, so
images fall back to UDP fragments and most are lost. The profiles beside this file make the segment
larger: 32 MiB (one 4K color image, five of 1080p) for processes that publish images, 2 MiB for
those that only receive them, because a process's segment holds what it publishes and counts as its
memory whether used or not. An environment variable selects them; it is read when the first
participant is created.
"""

from importlib.resources import files
import os

#: Read by Fast DDS 2 (Humble, Jazzy) and, with a deprecation warning, by Fast DDS 3.
_LEGACY_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
#: Read by Fast DDS 3 (Kilted, Lyrical).
_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
#: If one of these is set, the user has chosen a transport, and it is left unchanged.
USER_CHOICES = (_VARIABLE, _LEGACY_VARIABLE, 'FASTDDS_BUILTIN_TRANSPORTS',
                 'FASTRTPS_BUILTIN_TRANSPORTS')

#: The fix that nodes suggest when a stream loses images.
LOSS_FIX = ('start every process of the stream with our transport profile '
            '(export FASTRTPS_DEFAULT_PROFILES_FILE=$(python3 -m fer_ros.transport)), or publish '
            'the images reliably or smaller')


def profile_path(images: bool = True) -> str:
    """Return the path of a profile that ships with the package.

    :param images: for a process that publishes images.
    """
    name = 'fastdds_large_images.xml' if images else 'fastdds_small_messages.xml'
    return str(files('fer_ros') / 'data' / name)


def transport_environment(environment: dict[str, str] | None = None,
                          images: bool = True) -> dict[str, str]:
    """Return what to add to the environment of a process that handles images.

    :param environment: the environment to look at; the process's own by default.
    :param images: whether the process publishes images. If a launch file has set one of our
        profiles for many processes, each still chooses its own.
    :returns: the variable to set, or nothing if the user has chosen a transport.
    """
    environment = os.environ if environment is None else environment
    ours = {'', profile_path(True), profile_path(False)}
    if any(environment.get(name, '') not in ours for name in USER_CHOICES):
        return {}
    distribution = environment.get('ROS_DISTRO', '')
    legacy = distribution[:1] < 'k' or not distribution
    return {_LEGACY_VARIABLE if legacy else _VARIABLE: profile_path(images)}


def use_profile(images: bool = True) -> None:
    """Choose the profile for this process and its children; call before ``rclpy.init``."""
    os.environ.update(transport_environment(images=images))


if __name__ == '__main__':
    print(profile_path())

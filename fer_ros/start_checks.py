# SPDX-License-Identifier: Apache-2.0
"""Checks of a process before it imports what may be missing, each reported in one line."""

from collections.abc import Iterable
import os
from pathlib import Path
import sys
import tempfile

from fer_ros.doctor.finding import Level
from fer_ros.doctor.ros import log_folder
from fer_ros.doctor.shared_memory import FOLDER, look
from fer_ros.requirements import check_all, needs

#: Shared memory of Fast DDS for a process that publishes images, and for another, bytes
#: (see fer_ros.transport), with a margin.
_SEGMENT_BYTES = {True: 34 * 2**20, False: 4 * 2**20}
_IMAGES = ('camera_driver', 'annotator')


def ready(*names: str) -> bool:
    """Report on stderr what a node or command requires and does not find.

    :param names: keys of :data:`fer_ros.requirements.NEEDS`; other names require nothing.
    :returns: whether the start can succeed.
    """
    found = check_all(dict.fromkeys(need for name in names for need in needs(name)))
    title = names[0] if len(names) == 1 else 'fer_ros'
    hopeless = [each for each in found if not each.ok and each.essential]
    for each in found:
        # A robot without cv_bridge is not a broken installation.
        if not each.ok and not (each.name == 'cv_bridge' and each.found == 'none'):
            _report(title, 'cannot start: ' if each.essential else '', str(each))
    return not hopeless


def prepare_log() -> None:
    """If ROS cannot write its log, send it to a temporary folder and report that."""
    found = log_folder(os.environ)
    if found.level is not Level.OK:
        try:
            os.environ['ROS_LOG_DIR'] = tempfile.mkdtemp(prefix='fer_ros_log_')
        except OSError:
            _report('fer_ros', '', str(found))
            return
        _report('fer_ros', '', f'{found}; until then it is in {os.environ["ROS_LOG_DIR"]}')


def report_shared_memory(*names: str, folder: Path = FOLDER) -> None:
    """Report if Fast DDS will not get its shared memory and falls back to UDP."""
    if 'fastrtps' not in os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'):
        return
    needed = _SEGMENT_BYTES[any(name in _IMAGES for name in names)]
    for found in look(folder, needed, 'this process needs'):
        if found.level is not Level.OK:
            _report('fer_ros', '', str(found))


def chosen_nodes(module: str, arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the nodes that a process will run: those named in the arguments of ``composed``."""
    name = module.rpartition('.')[2]
    if name != 'composed':
        return (name,)
    from fer_ros.requirements import NEEDS
    named = [argument.partition('=') for argument in arguments]
    chosen = tuple(node for node, _, value in named
                   if node in NEEDS and value.lower() not in ('false', '0'))
    return chosen or ('camera_driver', 'face_detector', 'emotion_classifier', 'annotator',
                      'smart_home_bridge')


def _report(title: str, what: str, text: str) -> None:
    print(f'{title}: {what}{text}', file=sys.stderr, flush=True)

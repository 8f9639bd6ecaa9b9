# SPDX-License-Identifier: Apache-2.0
"""What a process looks at before it imports what may be missing, and tells in one line each."""

from collections.abc import Iterable
import os
from pathlib import Path
import sys
import tempfile

from fer_ros.doctor.finding import Level
from fer_ros.doctor.ros import log_folder
from fer_ros.doctor.shared_memory import FOLDER, look
from fer_ros.requirements import check_all, needs

#: What Fast DDS takes for a process that publishes images, and for another, bytes
#: (see fer_ros.transport), with a little over.
_SEGMENT_BYTES = {True: 34 * 2**20, False: 4 * 2**20}
_IMAGES = ('camera_driver', 'annotator')


def ready(*names: str) -> bool:
    """Tell on stderr what a node or command needs and does not find.

    :param names: keys of :data:`fer_ros.requirements.NEEDS`; what is not there needs nothing.
    :returns: whether the start can succeed.
    """
    found = check_all(dict.fromkeys(need for name in names for need in needs(name)))
    title = names[0] if len(names) == 1 else 'fer_ros'
    hopeless = [each for each in found if not each.ok and each.essential]
    for each in found:
        # A robot without cv_bridge is none that was installed wrongly.
        if not each.ok and not (each.name == 'cv_bridge' and each.found == 'none'):
            _tell(title, 'cannot start: ' if each.essential else '', str(each))
    return not hopeless


def prepare_log() -> None:
    """Where ROS cannot write its log, let it write into a temporary folder, and say so."""
    found = log_folder(os.environ)
    if found.level is not Level.OK:
        try:
            os.environ['ROS_LOG_DIR'] = tempfile.mkdtemp(prefix='fer_ros_log_')
        except OSError:
            _tell('fer_ros', '', str(found))
            return
        _tell('fer_ros', '', f'{found}; until then it is in {os.environ["ROS_LOG_DIR"]}')


def tell_shared_memory(*names: str, folder: Path = FOLDER) -> None:
    """Tell where Fast DDS will not get its shared memory, and so falls back to UDP."""
    if 'fastrtps' not in os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'):
        return
    needed = _SEGMENT_BYTES[any(name in _IMAGES for name in names)]
    for found in look(folder, needed, 'this process needs'):
        if found.level is not Level.OK:
            _tell('fer_ros', '', str(found))


def chosen_nodes(module: str, arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the nodes that a process will run: those named in the arguments of ``composed``."""
    name = module.rpartition('.')[2]
    if name != 'composed':
        return (name,)
    from fer_ros.requirements import NEEDS
    named = [argument.partition('=') for argument in arguments]
    wanted = tuple(node for node, _, value in named
                   if node in NEEDS and value.lower() not in ('false', '0'))
    return wanted or ('camera_driver', 'face_detector', 'emotion_classifier', 'annotator',
                      'smart_home_bridge')


def _tell(title: str, what: str, text: str) -> None:
    print(f'{title}: {what}{text}', file=sys.stderr, flush=True)

# SPDX-License-Identifier: Apache-2.0
"""Check the required third-party packages before anything imports them.

This module imports only the standard library: a missing, outdated or broken package becomes a
:class:`Check` with one line, never a traceback. ``setup.py``, ``package.xml`` and
``requirements/robot.txt`` list the same versions as :data:`REQUIREMENTS`; a test compares them.
"""

from collections.abc import Iterable
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
import io
import os
from pathlib import Path
import re
import sys
import sysconfig

#: Exit code of a start that cannot succeed until the installation or the command is fixed
#: (EX_CONFIG of sysexits.h): a supervisor should not restart the process.
EXIT_NOT_INSTALLED = 78

#: Error messages of extensions that were built for another major version of NumPy.
_WRONG_ABI = ('compiled using NumPy 1.x cannot be run', 'module compiled against ABI version',
              'module was compiled against', '_ARRAY_API', 'numpy.core.multiarray',
              'numpy._core.multiarray', 'numpy.dtype size changed')


@dataclass(frozen=True)
class Requirement:
    """A third-party package.

    :ivar name: its common name.
    :ivar modules: the modules to import; the first installed one counts.
    :ivar package: its name for pip; empty: it comes with ROS 2.
    :ivar minimum: oldest suitable version, or empty.
    :ivar below: first version that is too new, or empty.
    :ivar essential: whether nothing works without it.
    :ivar without: what happens without it, if it is not essential.
    """

    name: str
    modules: tuple[str, ...]
    package: str = ''
    minimum: str = ''
    below: str = ''
    essential: bool = True
    without: str = ''

    @property
    def needed(self) -> str:
        """The suitable versions, in words."""
        if not self.minimum:
            return 'any version' if self.package else 'the one of this ROS 2'
        return f'{self.minimum} or newer' + (f', below {self.below}' if self.below else '')


_ALL = (
    Requirement('NumPy', ('numpy',), 'numpy', '1.21', '3'),
    Requirement('OpenCV', ('cv2',), 'opencv-python-headless', '4.5.4', '5'),
    Requirement('LiteRT', ('ai_edge_litert.interpreter', 'tflite_runtime.interpreter',
                           'tensorflow.lite.python.interpreter'), 'ai-edge-litert', '1.2', '3'),
    Requirement('ONNX Runtime', ('onnxruntime',), 'onnxruntime', '1.16', '2', essential=False,
                without='OpenCV runs the face detector, more slowly'),
    Requirement('pydantic', ('pydantic',), 'pydantic', '2', '3'),
    Requirement('Paho MQTT', ('paho.mqtt.client',), 'paho-mqtt', '2', '3'),
    Requirement('websocket-client', ('websocket',), 'websocket-client', '1.2', '2',
                essential=False, without='changes in Home Assistant are noticed later'),
    Requirement('PyYAML', ('yaml',), 'PyYAML', '5.4', '7'),
    Requirement('Flask', ('flask',), 'flask', '2.0', '4'),
    Requirement('waitress', ('waitress',), 'waitress', '1.4.4', '4'),
    Requirement('rich', ('rich.live',), 'rich', '11.2', '16'),
    Requirement('rclpy', ('rclpy',)),
    Requirement('the messages of fer_ros', ('fer_ros.msg',)),
    Requirement('cv_bridge', ('cv_bridge',), essential=False,
                without='the built-in image conversion is used'),
)
REQUIREMENTS = {requirement.name: requirement for requirement in _ALL}

_IMAGES = ('NumPy', 'OpenCV')
_NODE = ('rclpy', 'the messages of fer_ros', *_IMAGES, 'cv_bridge')
#: Name for pip: name in Debian and Ubuntu after python3-, if it differs.
_APT = {'opencv-python-headless': 'opencv', 'PyYAML': 'yaml', 'websocket-client': 'websocket'}
#: What each node and command requires, by the last part of its name.
NEEDS = {
    'camera_driver': _NODE,
    'face_detector': (*_NODE, 'LiteRT'),
    'emotion_classifier': (*_NODE, 'LiteRT'),
    'annotator': _NODE,
    'attention': (*_NODE, 'LiteRT'),
    'smart_home_bridge': (*_NODE, 'PyYAML', 'pydantic', 'Paho MQTT', 'websocket-client'),
    'dashboard': (*_NODE, 'Flask', 'waitress'),
    'markers': _NODE,
    'detections': _NODE,
    'ros4hri': _NODE,
    'evaluate': (*_IMAGES, 'LiteRT', 'ONNX Runtime'),
    'graph': ('rclpy',),
    'habits': ('NumPy',),
    'policy': ('NumPy', 'PyYAML', 'pydantic'),
    'virtual_room': ('NumPy', 'PyYAML', 'pydantic', 'Paho MQTT'),
}
NEEDS['home'] = (*_IMAGES, 'LiteRT', 'ONNX Runtime', 'PyYAML', 'pydantic', 'Paho MQTT',
                 'websocket-client')
NEEDS['demo'] = tuple(dict.fromkeys((
    'rich', *NEEDS['face_detector'], *NEEDS['emotion_classifier'], *NEEDS['smart_home_bridge'])))


@dataclass(frozen=True)
class Check:
    """Result of the check of one package.

    :ivar found: what is installed: version and path, or what is wrong with it.
    :ivar needed: what is required.
    :ivar ok: whether the requirement is met.
    :ivar essential: whether nothing works without it.
    :ivar fix: the command that fixes it, or empty.
    """

    name: str
    found: str
    needed: str
    ok: bool
    essential: bool = True
    fix: str = ''

    def __str__(self) -> str:
        """Return the one line for a person."""
        if self.ok:
            return f'{self.name} {self.found}'
        return f'{self.name}: found {self.found}; needed: {self.needed}; fix: {self.fix}'


def check(name: str) -> Check:
    """Import a package of :data:`REQUIREMENTS` and compare its version; nothing raises.

    Output of the package and NumPy about a failure is suppressed: the check reports one line.
    """
    requirement = REQUIREMENTS[name]
    if name == 'ONNX Runtime':
        # Its wheels send telemetry otherwise (fer_ros.inference.onnx_model).
        os.environ['ORT_DISABLE_TELEMETRY'] = '1'
    name_there = next((each for each in requirement.modules
                       if find_spec(each.partition('.')[0])), '')
    if not name_there:
        return _bad(requirement, 'none')
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            module = import_module(name_there)
    except Exception as error:  # broken packages raise anything
        if isinstance(error, ModuleNotFoundError) and error.name == 'fer_ros.msg':
            return _bad(requirement, 'none')
        if name != 'NumPy' and _speaks_of_abi(f'{printed.getvalue()}\n{error}'):
            return _wrong_abi(requirement)
        lines = str(error).strip().splitlines()
        return _bad(requirement, f'one that cannot be imported ({type(error).__name__}'
                    f'{": " + lines[0] if lines else ""})')
    complaint = printed.getvalue()
    if name != 'NumPy' and _speaks_of_abi(complaint):
        # NumPy 2 only prints if an extension continues without it.
        return _wrong_abi(requirement)
    sys.stderr.write(complaint)
    if requirement.package and not getattr(module, '__file__', None):
        return _bad(requirement, f'an incomplete one ({name_there} has no code)')
    version = _version(requirement, module)
    if version and (_older(version, requirement.minimum)
                    or requirement.below and not _older(version, requirement.below)):
        return _bad(requirement, f'{version} ({_place(module)})')
    return Check(name, version or 'of an unknown version', requirement.needed, True,
                 requirement.essential)


def check_all(names: Iterable[str]) -> list[Check]:
    """Check packages in order; those that fail only because of another one are skipped."""
    checks: list[Check] = []
    for name in names:
        failed = {entry.name for entry in checks if not entry.ok}
        if failed & {'NumPy'} or failed & {'rclpy'} and name == 'the messages of fer_ros':
            continue
        checks.append(check(name))
    return checks


def needs(module: str) -> tuple[str, ...]:
    """Return what a module with a main function requires, from :data:`NEEDS`."""
    return NEEDS.get(module.rpartition('.')[2], ())


def requirements_file() -> Path | None:
    """Return the robot's requirements file, from the source tree or installed by colcon."""
    package = Path(__file__).resolve().parents[0]
    for folder in (package.parent, *(parent / 'share' / 'fer_ros' for parent in package.parents)):
        path = folder / 'requirements' / 'robot.txt'
        if path.is_file():
            return path
    return None


def fix_command(name: str) -> str:
    """Return the command that installs a package of :data:`REQUIREMENTS`, or reinstalls it."""
    requirement = REQUIREMENTS[name]
    if requirement.name == 'the messages of fer_ros':
        return "build them with 'colcon build', then 'source install/setup.bash'"
    if not requirement.package:
        return ('source /opt/ros/<distribution>/setup.bash, after apt install '
                f'ros-<distribution>-{requirement.name.replace("_", "-")}')
    file = requirements_file()
    robot = file is not None and _in_file(requirement, file)
    if sys.prefix == sys.base_prefix and 'ROS_DISTRO' in os.environ and robot:
        return ('activate the virtual environment of README.md (source .venv/bin/activate), or '
                'create it: python3 -m venv --system-site-packages .venv && .venv/bin/pip '
                f'install --no-deps -r {file}')
    if robot:
        return f'{_python()} -m pip install --force-reinstall --no-deps -r {file}'
    if apt := _apt_name(requirement):
        return f'sudo apt install {apt}'
    bounds = f'>={requirement.minimum},<{requirement.below}'
    return f"{_python()} -m pip install --force-reinstall '{requirement.package}{bounds}'"


def numpy_fix(numpy: str) -> str:
    """Return the command that makes the distribution's own packages importable again.

    :param numpy: a file of the NumPy that is imported.
    """
    gone = 'numpy'
    if Path('/usr/lib/python3/dist-packages') in Path(numpy).resolve().parents:
        gone = 'opencv-python opencv-python-headless opencv-contrib-python'
    return f'{_python()} -m pip uninstall -y {gone}{_override()}'


def _speaks_of_abi(text: str) -> bool:
    return any(words in text for words in _WRONG_ABI)


def _version(requirement: Requirement, module) -> str:
    root = sys.modules[module.__name__.partition('.')[0]]
    # Flask's attribute is deprecated, and pydantic's has another name.
    if requirement.name not in ('Flask', 'pydantic'):
        for holder in (module, root):
            if isinstance(version := getattr(holder, '__version__', None), str):
                return version
        if requirement.name == 'Paho MQTT':
            return import_module('paho.mqtt').__version__
    if requirement.name == 'pydantic':
        return str(module.VERSION)
    if not requirement.package:
        return ''
    from importlib import metadata  # takes 2 MiB, and most packages know their version
    try:
        return metadata.version(requirement.package)
    except metadata.PackageNotFoundError:
        return ''


def _older(version: str, bound: str) -> bool:
    """Return whether a version comes before a bound of numbers and dots."""
    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in re.match(r'[\d.]*', text).group().split('.') if part)
    actual, lowest = numbers(version), numbers(bound)
    length = max(len(actual), len(lowest))
    return (actual + (0,) * (length - len(actual))) < (lowest + (0,) * (length - len(lowest)))


def _place(module) -> str:
    path = getattr(module, '__file__', None)
    return str(Path(path).parent) if path else 'unknown place'


def _bad(requirement: Requirement, found: str, command: str = '', needed: str = '') -> Check:
    needed = needed or requirement.needed
    if not requirement.essential:
        needed += f' (without it {requirement.without})'
    return Check(requirement.name, found, needed, False, requirement.essential,
                 command or fix_command(requirement.name))


def _wrong_abi(requirement: Requirement) -> Check:
    import numpy
    module = requirement.modules[0]
    spec = find_spec(module.partition('.')[0])
    place = spec.origin if spec and spec.origin else module
    command = ''
    if requirement.name in ('OpenCV', 'cv_bridge'):
        command = numpy_fix(numpy.__file__)
    return _bad(requirement, f'one ({place}) that was built for another NumPy than the '
                f'{numpy.__version__} of {_place(numpy)}', command,
                'a NumPy of the major version it was built for')


def _override() -> str:
    # pip refuses even to change the user's packages if the distribution forbids it.
    marker = Path(sysconfig.get_path('stdlib')) / 'EXTERNALLY-MANAGED'
    return ' --break-system-packages' if marker.is_file() and sys.prefix == sys.base_prefix else ''


def _apt_name(requirement: Requirement) -> str:
    """Return the distribution's package if this is a robot that should use it."""
    if 'ROS_DISTRO' not in os.environ or not Path('/usr/bin/apt').exists():
        return ''
    return f'python3-{_APT.get(requirement.package, requirement.package)}'


def _in_file(requirement: Requirement, file: Path) -> bool:
    names = re.findall(r'^[A-Za-z0-9._-]+', file.read_text(encoding='utf-8'), re.MULTILINE)
    return requirement.package.lower() in {name.lower().replace('_', '-') for name in names}


def _python() -> str:
    return sys.executable or 'python3'

# SPDX-License-Identifier: Apache-2.0
"""Whether the libraries are there, load, and fit together; each is tried in its own process."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import importlib.util
import os

from fer_ros.doctor.finding import Finding, Level, Request
from fer_ros.doctor.probe import Probe, probe
from fer_ros.requirements import cure, numpy_cure


@dataclass(frozen=True)
class _Library:
    """A library and what depends on it.

    :ivar code: prints the version if it works.
    :ivar missing: how bad it is not to have it; None: not worth a word.
    :ivar broken: how bad it is when it is there and does not load.
    :ivar purpose: what needs it, or what happens without it.
    :ivar requirement: its name in :data:`fer_ros.requirements.REQUIREMENTS`.
    """

    name: str
    module: str
    code: str
    missing: Level | None
    broken: Level
    purpose: str
    requirement: str


def _version(module: str) -> str:
    return f'import {module} as m; print(m.__version__)'


def _installed_version(module: str) -> str:
    """Return code for a module that does not know its own version."""
    return f'from importlib.metadata import version; print(version("{module}"))'


def _at_least(*parts: int) -> str:
    """Return code that complains where VERSION is older than this."""
    return (f'if tuple(map(int, VERSION.split(".")[:{len(parts)}])) < {parts}:\n'
            f'    raise SystemExit(f"{{VERSION}} is too old: {".".join(map(str, parts))} or newer '
            'is needed")')


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


#: Which of the packages with a LiteRT interpreter is installed, as the classifier looks for them.
_LITERT = next(filter(_is_there, ('ai_edge_litert', 'tflite_runtime')), 'ai_edge_litert')


_IMAGES = _Library(
    'NumPy and OpenCV', 'cv2',
    'import numpy; print(numpy.__version__, flush=True)\n'
    'import cv2; cv2.resize(numpy.zeros((4, 4, 3), numpy.uint8), (2, 2)); print(cv2.__version__)',
    Level.ERROR, Level.ERROR, 'everything needs them', 'OpenCV')
_LIBRARIES = (
    _IMAGES,
    _Library('LiteRT', _LITERT, f'import {_LITERT}.interpreter\n' + _installed_version(_LITERT),
             Level.ERROR, Level.ERROR, 'no emotion is read without it', 'LiteRT'),
    _Library('ONNX Runtime', 'onnxruntime',
             # Before the import, as everywhere: its wheels report home otherwise.
             'import os; os.environ["ORT_DISABLE_TELEMETRY"] = "1"\n' + _version('onnxruntime'),
             Level.WARN, Level.WARN, 'OpenCV runs the detectors without it, more slowly',
             'ONNX Runtime'),
    _Library('cv_bridge', 'cv_bridge',
             'import cv_bridge; cv_bridge.CvBridge().encoding_to_cvtype2("bgr8"); print("loads")',
             None, Level.WARN, 'our own conversion of images is used instead', 'cv_bridge'),
    _Library('PyYAML', 'yaml', _version('yaml'), Level.ERROR, Level.ERROR,
             'policies are YAML files', 'PyYAML'),
    _Library('pydantic', 'pydantic', 'from pydantic import VERSION; print(VERSION)\n'
             + _at_least(2), Level.ERROR, Level.ERROR, 'it checks the policy of the home',
             'pydantic'),
    _Library('paho-mqtt', 'paho', 'from paho.mqtt import __version__ as VERSION; print(VERSION)\n'
             'import paho.mqtt.client\n' + _at_least(2), Level.ERROR, Level.ERROR,
             'it speaks with the broker', 'Paho MQTT'),
    _Library('websocket-client', 'websocket', _version('websocket'), None, Level.WARN,
             'changes in Home Assistant are seen later without it', 'websocket-client'),
    _Library('flask', 'flask', 'from importlib.metadata import version\n'
             'VERSION = version("flask"); print(VERSION); import flask\n' + _at_least(2, 0),
             None, Level.WARN, 'the page needs it', 'Flask'),
    _Library('waitress', 'waitress', _installed_version('waitress') + '\nimport waitress', None,
             Level.WARN, 'the page needs it', 'waitress'),
)


def check(request: Request) -> Iterator[Finding]:
    """Try all libraries; those that work share a line."""
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        results = list(pool.map(lambda library: _try(library), _LIBRARIES))
    works = dict(pair for library, result in zip(_LIBRARIES, results) if result
                 for pair in zip(library.name.split(' and '), result.output.split()))
    if works:
        yield Finding('libraries', Level.OK, ', '.join(
            f'{name} {version}' for name, version in works.items()) + ' load', values=works)
    for library, result in zip(_LIBRARIES, results):
        if result is None:
            if library.missing is not None:
                yield Finding('libraries', library.missing, f'{library.name} is not installed; '
                              f'{library.purpose}', cure(library.requirement))
        elif not result:
            yield _broken(library, result)


def _try(library: _Library) -> Probe | None:
    """Return what came of trying a library; None where it is not installed."""
    return probe(library.code) if _is_there(library.module) else None


def _broken(library: _Library, result: Probe) -> Finding:
    if result.wrong_abi:
        version = result.output.split()[0] if library is _IMAGES and result.output else ''
        return Finding(
            'libraries', library.broken, f'{_place(library.module)} was not built for the NumPy '
            f'that is installed ({version and version + ", "}{_place("numpy")}); '
            f'{library.purpose}', numpy_cure(_place('numpy')))
    return Finding('libraries', library.broken,
                   f'{library.name} cannot be used ({result.problem}); {library.purpose}',
                   cure(library.requirement))


def _place(module: str) -> str:
    spec = importlib.util.find_spec(module) if _is_there(module) else None
    return spec.origin if spec and spec.origin else module

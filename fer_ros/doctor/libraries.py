# SPDX-License-Identifier: Apache-2.0
"""Check that libraries are installed, load and fit together, each in its own process."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import importlib.util
import os

from fer_ros.doctor.finding import Finding, Level, Request
from fer_ros.doctor.probe import Probe, probe
from fer_ros.requirements import fix_command, numpy_fix


@dataclass(frozen=True)
class _Library:
    """A library and what depends on it.

    :ivar code: Python code that prints the version if the library works.
    :ivar missing: level if it is not installed; None: not reported.
    :ivar broken: level if it is installed but does not load.
    :ivar purpose: what requires it, or what happens without it.
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
    """Return code for a module without a version attribute."""
    return f'from importlib.metadata import version; print(version("{module}"))'


def _at_least(*parts: int) -> str:
    """Return code that fails if VERSION is older than this."""
    return (f'if tuple(map(int, VERSION.split(".")[:{len(parts)}])) < {parts}:\n'
            f'    raise SystemExit(f"{{VERSION}} is too old: {".".join(map(str, parts))} or newer '
            'is required")')


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


#: The installed package with a LiteRT interpreter, in the classifier's order.
_LITERT = next(filter(_is_there, ('ai_edge_litert', 'tflite_runtime')), 'ai_edge_litert')


_IMAGES = _Library(
    'NumPy and OpenCV', 'cv2',
    'import numpy; print(numpy.__version__, flush=True)\n'
    'import cv2; cv2.resize(numpy.zeros((4, 4, 3), numpy.uint8), (2, 2)); print(cv2.__version__)',
    Level.ERROR, Level.ERROR, 'everything requires them', 'OpenCV')
_LIBRARIES = (
    _IMAGES,
    _Library('LiteRT', _LITERT, f'import {_LITERT}.interpreter\n' + _installed_version(_LITERT),
             Level.ERROR, Level.ERROR, 'no emotions are classified without it', 'LiteRT'),
    _Library('ONNX Runtime', 'onnxruntime',
             # Before the import, as everywhere: its wheels send telemetry otherwise.
             'import os; os.environ["ORT_DISABLE_TELEMETRY"] = "1"\n' + _version('onnxruntime'),
             Level.WARN, Level.WARN, 'without it OpenCV runs the detectors, more slowly',
             'ONNX Runtime'),
    _Library('cv_bridge', 'cv_bridge',
             'import cv_bridge; cv_bridge.CvBridge().encoding_to_cvtype2("bgr8"); print("loads")',
             None, Level.WARN, 'the built-in image conversion is used instead', 'cv_bridge'),
    _Library('PyYAML', 'yaml', _version('yaml'), Level.ERROR, Level.ERROR,
             'policies are YAML files', 'PyYAML'),
    _Library('pydantic', 'pydantic', 'from pydantic import VERSION; print(VERSION)\n'
             + _at_least(2), Level.ERROR, Level.ERROR, 'it validates the policy of the home',
             'pydantic'),
    _Library('paho-mqtt', 'paho', 'from paho.mqtt import __version__ as VERSION; print(VERSION)\n'
             'import paho.mqtt.client\n' + _at_least(2), Level.ERROR, Level.ERROR,
             'it connects to the broker', 'Paho MQTT'),
    _Library('websocket-client', 'websocket', _version('websocket'), None, Level.WARN,
             'without it changes in Home Assistant are noticed later', 'websocket-client'),
    _Library('flask', 'flask', 'from importlib.metadata import version\n'
             'VERSION = version("flask"); print(VERSION); import flask\n' + _at_least(2, 0),
             None, Level.WARN, 'the page requires it', 'Flask'),
    _Library('waitress', 'waitress', _installed_version('waitress') + '\nimport waitress', None,
             Level.WARN, 'the page requires it', 'waitress'),
)


def check(request: Request) -> Iterator[Finding]:
    """Check all libraries; those that work share a line."""
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
                              f'{library.purpose}', fix_command(library.requirement))
        elif not result:
            yield _broken(library, result)


def _try(library: _Library) -> Probe | None:
    """Return the result of a library's probe; None if it is not installed."""
    return probe(library.code) if _is_there(library.module) else None


def _broken(library: _Library, result: Probe) -> Finding:
    if result.wrong_abi:
        version = result.output.split()[0] if library is _IMAGES and result.output else ''
        return Finding(
            'libraries', library.broken, f'{_place(library.module)} was not built for the '
            f'installed NumPy ({version and version + ", "}{_place("numpy")}); '
            f'{library.purpose}', numpy_fix(_place('numpy')))
    return Finding('libraries', library.broken,
                   f'{library.name} cannot be used ({result.problem}); {library.purpose}',
                   fix_command(library.requirement))


def _place(module: str) -> str:
    spec = importlib.util.find_spec(module) if _is_there(module) else None
    return spec.origin if spec and spec.origin else module

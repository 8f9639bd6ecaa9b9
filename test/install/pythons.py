# SPDX-License-Identifier: Apache-2.0
"""The Pythons and library versions of the distributions: all that needs no ROS, tested there."""

from dataclasses import dataclass
import os
from pathlib import Path
import re
import shlex
import shutil

from machine import json_line, Machine, NotRun, StepFailed, System
import readme

#: Tests that need no ROS, no broker and no browser; and not those of the repository's own pages,
#: which no library changes.
_TESTS = ('test/basics test/cameras test/emotions test/evaluation test/faces test/habits '
          'test/home test/repository/test_layers.py --ignore=test/home/connected '
          'test/dashboard/test_site.py test/dashboard/test_state.py '
          'test/dashboard/test_pictures.py')

#: So many failures may be the machine's; they are repeated once, and the table says so.
_MOST_REPEATED = 3


@dataclass(frozen=True)
class Wheels:
    """A distribution's Python libraries as wheels, under an interpreter that can be copied.

    :ivar note: where a version differs from the distribution's.
    """

    name: str
    python: str
    libraries: str
    note: str = ''


#: Versions of Ubuntu's packages.
FROM_WHEELS = (
    Wheels('Ubuntu 22.04 (Humble)', '3.10',
           'numpy==1.21.5 opencv-python-headless==4.5.4.60 flask==2.0.1 werkzeug==2.0.2 '
           'jinja2==3.0.3 markupsafe==2.0.1 itsdangerous==2.1.0 click==8.0.3 paho-mqtt==1.6.1 '
           'pydantic==1.8.2 PyYAML==6.0.1 waitress==1.4.4 rich==11.2.0 '
           'websocket-client==1.2.3',
           'PyYAML 6.0.1: 5.4.1 has no wheel'),
    Wheels('Ubuntu 24.04 (Jazzy, Kilted)', '3.12',
           'numpy==1.26.4 opencv-python-headless==4.6.0.66 flask==3.0.2 werkzeug==3.0.1 '
           'jinja2==3.1.2 paho-mqtt==1.6.1 pydantic==1.10.14 PyYAML==6.0.1 waitress==2.1.2 '
           'rich==13.7.1 websocket-client==1.7.0'),
)
_DEBIAN = ('python3-venv', 'python3-numpy', 'python3-opencv', 'python3-flask',
           'python3-waitress', 'python3-paho-mqtt', 'python3-pydantic', 'python3-rich',
           'python3-yaml', 'python3-websocket', 'python3-pytest', 'python3-hypothesis',
           'python3-skimage', 'git')
#: Debian suite: what it stands for.
FROM_DEBIAN = {'trixie': ('Debian 13 (Lyrical, tier 3)', '3.13'),
               'forky': ('Debian 14 (for Ubuntu 26.04, Lyrical)', '3.14')}


def steps(machine: Machine):
    """Yield the rows."""
    for wheels in FROM_WHEELS:
        yield (f'{wheels.name}: Python {wheels.python}, its libraries as wheels',
               "README's environment; tests without ROS; a face",
               lambda wheels=wheels: _with_wheels(machine, wheels))
    for suite, (name, python) in FROM_DEBIAN.items():
        yield (f'{name}: its own Python {python} and libraries',
               "README's environment; tests without ROS; a face",
               lambda suite=suite, python=python: _with_debian(machine, suite, python))


def _with_wheels(machine: Machine, wheels: Wheels) -> str:
    source = _interpreter(machine, wheels.python)
    machine.archive()
    folder = machine.folder / f'python{wheels.python}'
    system, workspace = folder / 'system', folder / 'workspace'
    shutil.rmtree(folder, ignore_errors=True)
    # Its own site-packages play the distribution's; the one on this machine stays as it is.
    shutil.copytree(source, system, symlinks=True,
                    ignore=shutil.ignore_patterns('site-packages', 'test', '__pycache__'))
    python = system / 'bin' / f'python{wheels.python}'
    (python.parent / 'python3').unlink(missing_ok=True)
    (python.parent / 'python3').symlink_to(python.name)
    machine.run([python, '-m', 'ensurepip'], what='pip')
    machine.run([python, '-m', 'pip', 'install', '-q', '--only-binary=:all:', '--no-binary',
                 'paho-mqtt', 'setuptools<80', 'wheel'], what='setuptools')
    machine.run([python, '-m', 'pip', 'install', '-q', '--no-build-isolation',
                 *wheels.libraries.split()], what="the distribution's libraries")
    path = f'{python.parent}:/usr/sbin:/usr/bin:/sbin:/bin'
    return _try(machine, wheels.python, workspace, machine.clone, machine.portrait(),
                lambda script, **options: machine.run(
                    ['bash', '-c', f'export PATH={shlex.quote(path)}; {script}'], **options),
                'pytest hypothesis scikit-image') + (f' ({wheels.note})' if wheels.note else '')


def _with_debian(machine: Machine, suite: str, version: str) -> str:
    system = System(machine, suite, _DEBIAN)
    system.make()
    machine.archive()
    machine.portrait()
    found = system.run('python3 -c "import sys; print(sys.version_info[:2])"', what='Python')
    if f'({version.replace(".", ", ")})' not in found:
        raise NotRun(f"{suite}'s Python is {found.strip()}, not {version}")
    return _try(machine, version, Path('/root/workspace'), Path('/fer_ros'),
                Path('/files/astronaut.png'), system.run, '')


def _try(machine: Machine, version: str, workspace: Path, clone: Path, portrait: Path, run,
         tools: str) -> str:
    """Make README's environment, run the tests and read a face; return the row's result."""
    folder = shlex.quote(str(workspace))
    run(f'rm -rf {folder} && mkdir -p {folder}/src && cp -r {clone} {folder}/src/fer_ros',
        what='the workspace')
    before = _libraries(run, 'python3')
    run(f'cd {folder} && {readme.environment_lines()}', what="README's lines")
    after = _libraries(run, f'{folder}/.venv/bin/python3')
    if before != after:
        raise StepFailed(f'NumPy and OpenCV were {before}, now they are {after}')
    if tools:
        run(f'{folder}/.venv/bin/pip install -q {tools} numpy=={after.split()[0]}',
            what='the test tools')
    printed = run(f'cd {folder}/src/fer_ros && FER_SHARED=/nonexistent ../../.venv/bin/python3 -m '
                  f'pytest -q -p no:cacheprovider {_TESTS}', what='the tests', ok=(0, 1))
    summary = printed.strip().splitlines()[-1]
    counts = {word: int(number) for number, word in
              re.findall(r'(\d+) (passed|failed|error|skipped)', summary)}
    note = ''
    failed = re.findall(r'^FAILED (\S+?::.*?)(?: - .*)?$', printed, re.MULTILINE)
    if failed and len(failed) == counts.get('failed') <= _MOST_REPEATED:
        # Some wait for no more than a second or so, which a busy machine may not keep.
        run(f'cd {folder}/src/fer_ros && FER_SHARED=/nonexistent ../../.venv/bin/python3 -m '
            f'pytest -q -p no:cacheprovider {shlex.join(failed)}', what='the tests that failed')
        counts['passed'] += counts.pop('failed')
        note = f', {len(failed)} of them at the second try'
    if counts.get('failed') or counts.get('error') or not counts.get('passed'):
        raise StepFailed(f'tests: {summary}')
    face = json_line(run(f'cd {folder}/src/fer_ros && PYTHONPATH=. ../../.venv/bin/python3 '
                         f'test/install/first_face.py {portrait}', what='a face'))
    wanted = 'centerface' if version == '3.14' or os.uname().machine != 'x86_64' else 'yunet'
    if face['detector'] != wanted or [each['label'] for each in face['faces']] != ['happy']:
        raise StepFailed(f'a face: {face["detector"]} found {face["faces"]}')
    return (f'passed: {counts["passed"]} tests{note} ({counts.get("skipped", 0)} skipped), '
            f'{wanted} happy {max(face["faces"][0]["probabilities"]):.2f}; Python '
            f'{face["python"]}, NumPy {face["numpy"]} and OpenCV {face["opencv"]} unchanged')


def _libraries(run, python: str) -> str:
    """Return the versions and places of NumPy and OpenCV."""
    code = ('import numpy, cv2; print(numpy.__version__, numpy.__file__, cv2.__version__, '
            'cv2.__file__)')
    return run(f'{python} -c {shlex.quote(code)}', what='NumPy and OpenCV').strip()


def _interpreter(machine: Machine, version: str) -> Path:
    """Return the folder of an interpreter that works wherever it is copied to."""
    for folder in sorted(Path.home().glob(f'.pyenv/versions/{version}.*'), reverse=True):
        if (folder / 'bin' / f'python{version}').exists():
            return folder
    found = shutil.which(f'python{version}')
    if found:
        prefix = machine.run([found, '-c', 'import sys; print(sys.base_prefix)'],
                             what=f'Python {version}').strip()
        if prefix not in ('/usr', '/usr/local'):
            return Path(prefix)
    raise NotRun(f'no Python {version} here that can be copied (looked in ~/.pyenv and PATH)')

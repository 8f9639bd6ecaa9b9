# SPDX-License-Identifier: Apache-2.0
"""Every package of requirements/robot.txt has a wheel for each Python and machine."""

import json
from pathlib import Path
import sys
import tempfile

from machine import Machine, REPOSITORY, StepFailed

PYTHONS = ('3.10', '3.11', '3.12', '3.13', '3.14')
MACHINES = ('x86_64', 'aarch64')
#: What the oldest of the distributions, Ubuntu 22.04 with glibc 2.35, takes.
_PLATFORMS = ('2_17', '2_27', '2_28', '2_31', '2_34', '2_35')


def steps(machine: Machine):
    """Yield a row for each Python and machine."""
    for python in PYTHONS:
        for processor in MACHINES:
            yield (f'CPython {python}, {processor}', 'a wheel of every package of robot.txt',
                   lambda python=python, processor=processor: _check(machine, python, processor))


def applicable(python: str, processor: str) -> list[str]:
    """Return the lines of robot.txt that are for this Python and machine, without markers."""
    from pip._vendor.packaging.requirements import Requirement
    found = []
    for line in (REPOSITORY / 'requirements' / 'robot.txt').read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(
                    {'python_version': python, 'platform_machine': processor}):
                found.append(f'{requirement.name}{requirement.specifier}')
    return found


def download(machine: Machine, requirements: list[str], python: str, processor: str,
             *more: str) -> str:
    """Run pip for another Python and machine; return what it printed."""
    platforms = [f'manylinux_{version}_{processor}' for version in _PLATFORMS]
    return machine.run(
        [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--ignore-installed',
         '--only-binary=:all:', '--implementation', 'cp', '--python-version', python,
         *(part for platform in (*platforms, f'manylinux2014_{processor}')
           for part in ('--platform', platform)), *more, *requirements],
        what='pip')


def _check(machine: Machine, python: str, processor: str) -> str:
    wanted = applicable(python, processor)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, 'report.json')
        download(machine, wanted, python, processor, '--dry-run', '--target', folder,
                 '--report', str(report))
        found = [entry['download_info']['url'] for entry in
                 json.loads(report.read_text(encoding='utf-8'))['install']]
    if len(found) != len(wanted) or not all(url.endswith('.whl') for url in found):
        raise StepFailed(f'{len(wanted)} packages, and {len(found)} files: {found}')
    return f'passed: {len(wanted)} of {len(wanted)}'

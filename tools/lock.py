# SPDX-License-Identifier: Apache-2.0
"""Write the hashes of all pinned packages into the requirements files (make lock).

pip resolves the pins for Python 3.11 on Linux x86-64, as it is configured (index, PIP_FIND_LINKS),
and reports the file it would install for each; nothing is installed. Run it after every change of
a pin. An unpinned dependency is an error, since ``make`` installs without resolving.
"""

import argparse
import json
from pathlib import Path
import re
import subprocess
import sys
import tempfile

FOLDER = Path(__file__).parents[1] / 'requirements'
#: Files that are resolved together, and whether their dependencies count.
GROUPS = ((('demo.txt', 'test.txt'), True), (('audit.txt',), True),
          (('detectors.txt', 'peers.txt', 'mutants.txt', 'profile.txt'), False))
_PIN = re.compile(r'([A-Za-z0-9._-]+)==(\S+)')


def pins(text: str) -> list[tuple[str, str]]:
    """Return the (name, version) of each pinned line."""
    return [match.groups() for line in text.splitlines() if (match := _PIN.match(line))]


def canonical(name: str) -> str:
    """Return a package's name as registries compare it (PEP 503)."""
    return re.sub(r'[-_.]+', '-', name).lower()


def resolve(pinned: list[tuple[str, str]], dependencies: bool) -> dict[tuple[str, str], str]:
    """Return the SHA-256 of the file for each (canonical name, version) that pip would install."""
    with tempfile.TemporaryDirectory() as folder:
        bare, report = Path(folder, 'pins.txt'), Path(folder, 'report.json')
        bare.write_text(''.join(f'{name}=={version}\n' for name, version in pinned))
        subprocess.run(
            [sys.executable, '-m', 'pip', '--disable-pip-version-check', 'install', '--quiet',
             '--dry-run', '--ignore-installed', '--report', str(report), '-r', str(bare),
             *([] if dependencies else ['--no-deps'])], check=True)
        found = json.loads(report.read_text())['install']
    return {(canonical(item['metadata']['name']), item['metadata']['version']):
            item['download_info']['archive_info']['hashes']['sha256'] for item in found}


def with_hashes(text: str, hashes: dict[tuple[str, str], str]) -> str:
    """Return a requirements file's text with the hash of every pin, comments kept."""
    lines = []
    for line in text.splitlines():
        if line.lstrip().startswith('--hash='):
            continue
        if match := _PIN.match(line):
            name, version = match.groups()
            line = f'{name}=={version} \\\n    --hash=sha256:{hashes[canonical(name), version]}'
        lines.append(line)
    return '\n'.join(lines) + '\n'


def main() -> int:
    """Rewrite the files; return 1, and write nothing, when a pin is missing."""
    argparse.ArgumentParser(prog='make lock', description='Write the hashes of all pinned '
                            'packages into requirements/*.txt').parse_args()
    written = {}
    for files, dependencies in GROUPS:
        texts = {file: (FOLDER / file).read_text(encoding='utf-8') for file in files}
        pinned = [pin for text in texts.values() for pin in pins(text)]
        try:
            hashes = resolve(pinned, dependencies)
        except subprocess.CalledProcessError:
            print(f'make lock: pip cannot resolve {" and ".join(files)}; nothing was written',
                  file=sys.stderr)
            return 1
        missing = sorted(set(hashes) - {(canonical(name), version) for name, version in pinned})
        if missing:
            print(f'make lock: add these dependencies to one of {", ".join(files)}: '
                  + ' '.join(f'{name}=={version}' for name, version in missing), file=sys.stderr)
            return 1
        written |= {file: with_hashes(text, hashes) for file, text in texts.items()}
    for file, text in written.items():
        (FOLDER / file).write_text(text, encoding='utf-8')
        print(f'requirements/{file}: {len(pins(text))} packages')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""Compare all pinned packages with the known vulnerabilities of a public database (make audit).

pip-audit queries the database for each pin by name and version; nothing is installed besides
pip-audit itself. If the database cannot be reached, that is reported.

Exit status: 0 no known vulnerabilities, 1 some, 2 nothing was compared.
"""

import argparse
from collections.abc import Iterable
import json
from pathlib import Path
import subprocess
import sys
import tempfile

sys.path.insert(0, str(Path(__file__).parent))
from lock import canonical, FOLDER, pins  # noqa: E402

_TIMEOUT_S = 300


def all_pins(folder: Path = FOLDER) -> dict[tuple[str, str], list[str]]:
    """Return the files that pin each (canonical name, version)."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(folder.glob('*.txt')):
        for name, version in pins(file.read_text()):
            found.setdefault((canonical(name), version), []).append(file.name)
    return found


def rounds(pinned: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return the pins in groups that contain each package once, as the query requires."""
    groups: list[dict[str, str]] = []
    for name, version in sorted(pinned):
        for group in groups:
            if name not in group:
                group[name] = version
                break
        else:
            groups.append({name: version})
    return [list(group.items()) for group in groups]


def ask(pinned: list[tuple[str, str]]) -> tuple[list[dict] | None, str]:
    """Return the database's entry for each package, or None and why the query failed."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, 'pins.txt')
        bare.write_text(''.join(f'{name}=={version}\n' for name, version in pinned))
        try:
            done = subprocess.run(
                [sys.executable, '-m', 'pip_audit', '-r', str(bare), '--no-deps',
                 '--disable-pip', '--vulnerability-service', 'osv', '--format', 'json',
                 '--progress-spinner', 'off', '--timeout', '20'],
                capture_output=True, text=True, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None, f'no answer within {_TIMEOUT_S} s'
    try:
        return json.loads(done.stdout)['dependencies'], ''
    except (ValueError, KeyError):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return None, lines[-1].strip()[:300] if lines else f'exit status {done.returncode}'


def findings(dependencies: list[dict], files: dict[tuple[str, str], list[str]]) \
        -> tuple[list[str], list[str]]:
    """Return a line for each vulnerability, and the packages that could not be compared."""
    found, skipped = [], []
    for package in dependencies:
        if 'skip_reason' in package:
            skipped.append(f'{package["name"]}: {package["skip_reason"]}')
            continue
        name, version = canonical(package['name']), package['version']
        for item in package['vulns']:
            fix = f'fixed in {", ".join(item["fix_versions"])}' if item['fix_versions'] \
                else 'no fixed version known'
            also = [alias for alias in item.get('aliases', []) if alias.startswith('CVE')][:1]
            found.append(f'{name} {version} ({", ".join(files.get((name, version), []))}): '
                         f'{" ".join([item["id"], *also])}, {fix}')
    return sorted(found), skipped


def main() -> int:
    """Run the audit."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    files, dependencies = all_pins(), []
    for pinned in rounds(files):
        answer, reason = ask(pinned)
        if answer is None:
            print('The database of vulnerabilities (osv.dev) could not be reached, so nothing '
                  f'was compared: {reason}', file=sys.stderr)
            return 2
        dependencies += answer
    found, skipped = findings(dependencies, files)
    for line in (*found, *(f'not compared: {line}' for line in skipped)):
        print(line)
    print(f'{len(dependencies) - len(skipped)} of {len(files)} pinned packages compared with '
          f'osv.dev: {len(found)} known vulnerabilities')
    return 1 if found else 2 if len(skipped) == len(dependencies) else 0


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""``make test-install``: run README.md's own lines for robots on stand-ins, and print a table.

    python3 test/install [--rows robot pythons wheels arm64] [--only TEXT]

What a machine cannot run is shown as not run, with the reason. The exit code is 1 when something
failed, and when nothing ran at all. Whole systems are made with debootstrap, which needs Debian or
Ubuntu, root and the network; they are kept in the work folder for the next time.
"""

import argparse
from importlib import import_module
from pathlib import Path
import sys
import time

sys.path.insert(0, str(Path(__file__).parent))
from machine import Machine, NotRun, REPOSITORY, StepFailed  # noqa: E402

#: In the order in which they run, the quick ones first.
GROUPS = ('wheels', 'arm64', 'robot', 'pythons')


def main() -> int:
    """Run the groups and print the table."""
    parser = argparse.ArgumentParser(prog='test/install', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', nargs='*', default=[], choices=GROUPS, metavar='GROUP',
                        help=f'only these of {", ".join(GROUPS)}')
    parser.add_argument('--only', default='', metavar='TEXT',
                        help='only stand-ins whose name has this in it, such as 3.14')
    parser.add_argument('--work', type=Path, default=REPOSITORY / 'build' / 'test_install')
    chosen = parser.parse_args()
    machine = Machine(chosen.work.resolve())
    rows = []
    try:
        for group in chosen.rows or GROUPS:
            for stand_in, what, step in import_module(group).steps(machine):
                if chosen.only not in stand_in:
                    continue
                rows.append((stand_in, what, *_run(step, machine, f'{stand_in}: {what}')))
                print('  '.join(rows[-1]), flush=True)
    finally:
        machine.close()
    print(_table(rows))
    results = [result for _, _, result, _ in rows]
    failed = sum(result.startswith('FAILED') for result in results)
    not_run = sum(result.startswith('not run') for result in results)
    print(f'{len(rows) - failed - not_run} passed, {failed} failed, {not_run} not run; '
          f'logs: {machine.log_folder}')
    return 1 if failed or not_run == len(rows) else 0


def _run(step, machine: Machine, title: str) -> tuple[str, str]:
    machine.begin(title)
    start_s = time.monotonic()
    try:
        result = step() or 'passed'
    except NotRun as reason:
        result = f'not run: {reason}'
    except (StepFailed, OSError) as failure:
        result = f'FAILED: {failure}'
    return result, f'{time.monotonic() - start_s:.0f} s'


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = [('stand-in', 'what', 'result', 'time'), ('---',) * 4, *rows]
    return '\n' + '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


if __name__ == '__main__':
    raise SystemExit(main())

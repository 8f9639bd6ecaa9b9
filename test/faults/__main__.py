# SPDX-License-Identifier: Apache-2.0
"""Inject faults into the system, and print a table of what was lost by each.

``make faults [SECONDS=10] [ONLY=words] [FIGURES=1]``. A row is a function of a file ``*_rows.py``
here, with ``@row('what is done')``; it takes a :class:`trial.Trial`. Each runs in a process of its
own, so that one that crashes is seen to. A seed that finds a fault is printed; put it into
``seeds/ROW.json`` with the change that mends it, and it is tried first from then on.

Exit status: 0 when nothing was lost, 1 otherwise.
"""

import argparse
from importlib import import_module
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import traceback

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
COLUMNS = ('fault', 'tried', 'survived', 'lost or leaked')
RESULTS = REPOSITORY / 'build' / 'faults.json'

sys.path[:0] = [str(HERE), *(str(HERE.parent / folder) for folder in (
    '.', 'home', 'home/connected', 'dashboard'))]
from trial import FIGURES, LONGEST_S, ROWS, Trial  # noqa: E402


def load() -> dict[str, str]:
    """Import the files of rows; return why some cannot be run here."""
    reasons = {}
    for path in sorted(HERE.glob('*_rows.py')):
        try:
            import_module(path.stem)
        except ImportError as error:
            reasons[path.stem] = f'not run: {error}'
    return reasons


def run_one(trial: Trial) -> dict[str, object]:
    """Run a row in this process."""
    try:
        ROWS[trial.name](trial)
    except Exception:  # the row itself has failed: no figure may hide that
        traceback.print_exc()
        trial.tried += 1
        trial.failed += 1
        trial.losses.append(f'the row ended: {traceback.format_exc(limit=-1).splitlines()[-1]}')
    return trial.result()


def run(name: str, chosen: argparse.Namespace) -> dict[str, object]:
    """Run a row in a process of its own."""
    command = [sys.executable, str(HERE), '--row', name, '--seconds', str(chosen.seconds),
               '--seed', str(chosen.seed), *(['--figures'] if chosen.figures else [])]
    log = RESULTS.parent / f'faults_{name.replace(" ", "_").replace("/", "_")}.log'
    failed = {'fault': name, 'tried': 1, 'survived': 0}
    with log.open('w') as errors:
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                  cwd=REPOSITORY, timeout=10 * chosen.seconds + LONGEST_S + 120)
        except subprocess.TimeoutExpired:
            return {**failed, 'lost or leaked': f'it did not end (see {log})'}
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        how = signal.Signals(-done.returncode).name if done.returncode < 0 else done.returncode
        return {**failed, 'lost or leaked': f'the process ended: {how} (see {log})'}


def show(found: dict[str, object]) -> None:
    """Print a row."""
    print('| ' + ' | '.join(str(found[column]) or 'nothing' for column in COLUMNS) + ' |',
          flush=True)


def main() -> int:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(prog='make faults', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=float, default=10.0, help='for each row (10)')
    parser.add_argument('--seed', type=int, default=0, help='of the first try of a fuzzer (0)')
    parser.add_argument('--only', default='', help='only rows whose name has these words')
    parser.add_argument('--figures', action='store_true', help='go on until each row has reached '
                        'the figure that is told of it')
    parser.add_argument('--list', action='store_true', help='print the names of the rows')
    parser.add_argument('--row', help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    # A graph of our own, on this machine only.
    os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    reasons = load()
    if chosen.row:
        print(json.dumps(run_one(Trial(chosen.row, chosen.seconds, chosen.seed,
                                       FIGURES[chosen.row] if chosen.figures else 0))))
        sys.stdout.flush()
        # What a library leaves running must not keep the table waiting.
        os._exit(0)
    names = [name for name in ROWS if chosen.only.lower() in name.lower()]
    if chosen.list:
        print('\n'.join(names))
        return 0
    RESULTS.parent.mkdir(exist_ok=True)
    print('| ' + ' | '.join(COLUMNS) + ' |\n|---|---|---|---|', flush=True)
    rows = []
    for name in names:
        rows.append(run(name, chosen))
        show(rows[-1])
    for file, reason in reasons.items():
        print(f'{file}: {reason}')
    RESULTS.write_text(json.dumps(rows, indent=1))
    return int(any(found['lost or leaked'] for found in rows))


if __name__ == '__main__':
    raise SystemExit(main())

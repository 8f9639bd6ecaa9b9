# SPDX-License-Identifier: Apache-2.0
"""Mutation tests: change one place of the code, and see whether any test notices.

``make mutants [MINUTES=30] [ONLY=engine]``. Mutants come from cosmic-ray's operators, and from
leaving out single statements. Each is put into a fork of a process in which the tests are already
collected, and only tests that enter its line are run, ``--seconds`` of them at most. What was
found is kept in build/mutants.jsonl: the next run goes on where this one ended.

Exit status: 0 when no survivor is unexplained, 1 otherwise.
"""

import argparse
from pathlib import Path
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from mutants_run import Plugin, RESULTS, TARGETS  # noqa: E402


def main() -> int:
    """Run what is left to run and print what is known."""
    parser = argparse.ArgumentParser(prog='make mutants', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=30.0, help='stop after so long (30)')
    parser.add_argument('--only', choices=TARGETS, help='only this target')
    parser.add_argument('--seconds', type=float, default=15.0,
                        help='the quickest tests that take no more for one mutant (15)')
    parser.add_argument('--list', action='store_true', help='run nothing, print what is known')
    chosen = parser.parse_args()
    plugins = []
    for name in [chosen.only] if chosen.only else TARGETS:
        plugin = Plugin(name, 0.0 if chosen.list else 60.0 * chosen.minutes / (
            1 if chosen.only else len(TARGETS)), chosen.seconds)
        plugins.append(plugin)
        code = pytest.main([*plugin.arguments, '-q', '-p', 'no:cacheprovider', '-p',
                            'no:randomly'], [plugin])
        if not plugin.done:
            return int(code) or 2
    print(f'\nkept in {RESULTS}')
    unexplained = sum(plugin.report() for plugin in plugins)
    return int(unexplained > 0)


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""fer-model: fetch a detector's weights, describe or check an emotion model."""

import argparse
import sys

from fer_ros.cli.model_describe import add_check, add_describe
from fer_ros.cli.output import pipeable
from fer_ros.errors import FerError
from fer_ros.inference.fetching import fetch
from fer_ros.inference.published_models import PUBLISHED


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 on success, 1 on failure, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog='fer-model', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    for add in _COMMANDS:
        add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return chosen.run(chosen)
    except FerError as error:
        print(error, file=sys.stderr)
        return 1


def _add_fetch(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        'fetch', help="download a detector's weights, check them and put them into your folder")
    command.add_argument('name', choices=sorted(PUBLISHED))
    where = command.add_mutually_exclusive_group()
    where.add_argument('--url', default='', help="a mirror instead of the publisher's address")
    where.add_argument('--file', default='', help='a local file to check and use instead')
    command.set_defaults(run=_fetch)


def _fetch(chosen: argparse.Namespace) -> int:
    file = PUBLISHED[chosen.name]
    path, was_there = fetch(file, url=chosen.url, path=chosen.file)
    print(f'{path}: {"already present" if was_there else "fetched"}, SHA-256 as published '
          f'({file.license} license). detector: auto uses it from the next start')
    return 0


#: Each adds a subcommand and sets its function with ``set_defaults(run=...)``.
_COMMANDS = (_add_fetch, add_describe, add_check)


if __name__ == '__main__':
    raise SystemExit(main())

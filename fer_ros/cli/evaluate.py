# SPDX-License-Identifier: Apache-2.0
"""fer-eval: evaluate face detection, tracking and emotion recognition over time."""

import argparse
import json
import sys

import cv2
from fer_ros.cli import (
    evaluate_covers,
    evaluate_crops,
    evaluate_emotions,
    evaluate_faces,
    evaluate_gaze,
)
from fer_ros.cli.output import pipeable
from fer_ros.errors import FerError
from fer_ros.evaluation.page import write_text


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 on success, 1 if something cannot be measured."""
    parser = argparse.ArgumentParser(prog='fer-eval', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    modules = (evaluate_faces, evaluate_emotions, evaluate_crops, evaluate_gaze,
               evaluate_covers)
    for command in [one for module in modules for one in module.add_commands(commands)]:
        command.add_argument('--json', default='', metavar='FILE', help='the figures')
        command.add_argument('--page', default=f'fer-eval-{command.prog.split()[-1]}.html',
                             metavar='FILE', help='the report (%(default)s)')
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures, page = chosen.run(chosen)
        if chosen.json:
            write_text(chosen.json, json.dumps(figures, indent=2) + '\n')
        page.write(chosen.page)
    except FerError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(f'report: {chosen.page}')
    return 0


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""fer-eval covers: what state of attention is told of faces that something covers."""

import argparse
from pathlib import Path

from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.state import UNKNOWN
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation.covered import tell_covered, Told
from fer_ros.evaluation.covers import BOTH, NONE, ONE
from fer_ros.evaluation.page import Page
import numpy as np

_GROUPS = {'both eyes': BOTH, 'one eye': ONE, 'no eye': NONE}


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add the command to ``fer-eval`` and return it, in a list."""
    command = commands.add_parser('covers', help='attention of faces that something covers')
    command.add_argument('folder', metavar='DIR', help='heads, as fer-eval gaze takes them')
    command.add_argument('--each', type=int, default=2, metavar='N', help='each cover is drawn '
                         'over so many stills of each person (%(default)d)')
    command.set_defaults(run=run)
    return [command]


def run(chosen: argparse.Namespace) -> tuple[dict, Page]:
    """Draw the covers; return the figures and the page."""
    if chosen.each < 1:
        raise ConfigurationError(f'--each is {chosen.each}: it must be 1 or more')
    mesher, figures, rows = FaceMesher(), {}, []
    for group, covers in _GROUPS.items():
        told = list(tell_covered(Path(chosen.folder), mesher, covers, chosen.each))
        unknown, wrong = _shares(told)
        name = group.replace(' ', '_')
        figures |= {f'{name}_unknown': unknown, f'{name}_wrong': wrong}
        rows += [(f'{group}: {cover}', *_shares([one for one in told if one.cover == cover]))
                 for cover in covers]
        rows.append((f'{group}, all {len(told)}', unknown, wrong))
    page = Page('Attention of covered faces')
    page.paragraph('Stills of rendered heads that clearly look at the camera or away, each shown '
                   'for a second with a cover drawn over it. Wrong: a state, and not the right '
                   'one.')
    page.show('States told', ('cover', 'unknown', 'wrong'), rows)
    return figures, page


def _shares(told: list[Told]) -> tuple[float, float]:
    return (float(np.mean([one.state == UNKNOWN for one in told])),
            float(np.mean([one.wrong for one in told])))

# SPDX-License-Identifier: Apache-2.0
"""fer-eval covers: evaluate the attention of covered faces."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from fer_ros.attention.head import load_model
from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.state import UNKNOWN
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation.covered import CoveredReading, read_covered
from fer_ros.evaluation.covers import BOTH, Cover, NONE, ONE
from fer_ros.evaluation.gaze import ModelOf
from fer_ros.evaluation.page import Page
import numpy as np

_GROUPS = {'both eyes': BOTH, 'one eye': ONE, 'no eye': NONE}


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add the command to ``fer-eval`` and return it, in a list."""
    command = commands.add_parser('covers', help='attention of covered faces')
    command.add_argument('folder', metavar='DIR', help='heads, as for fer-eval gaze')
    command.add_argument('--each', type=int, default=2, metavar='N', help='stills of each '
                         'person per cover (%(default)d)')
    command.set_defaults(run=run)
    return [command]


def run(chosen: argparse.Namespace) -> tuple[dict, Page]:
    """Draw the covers; return the figures and the page."""
    if chosen.each < 1:
        raise ConfigurationError(f'--each is {chosen.each}: it must be 1 or more')
    return measure(Path(chosen.folder), _GROUPS, chosen.each, lambda people: load_model())


def measure(folder: Path, groups: Mapping[str, Mapping[str, Cover]], each: int,
            model_of: ModelOf) -> tuple[dict, Page]:
    """Return the figures and the page for these groups of covers."""
    mesher, figures, rows = FaceMesher(), {}, []
    for group, covers in groups.items():
        readings = list(read_covered(folder, mesher, covers, each, model_of))
        unknown, wrong = _shares(readings)
        name = group.replace(' ', '_')
        figures |= {f'{name}_unknown': unknown, f'{name}_wrong': wrong}
        rows += [(f'{group}: {cover}', *_shares([one for one in readings if one.cover == cover]))
                 for cover in covers]
        rows.append((f'{group}, all {len(readings)}', unknown, wrong))
    page = Page('Attention of covered faces')
    page.paragraph('Stills of rendered heads that clearly look at the camera or away, each shown '
                   'for a second with a cover drawn over it. Wrong: a state other than the true '
                   'one.')
    page.show('Reported states', ('cover', 'unknown', 'wrong'), rows)
    return figures, page


def _shares(readings: list[CoveredReading]) -> tuple[float, float]:
    return (float(np.mean([one.state == UNKNOWN for one in readings])),
            float(np.mean([one.wrong for one in readings])))

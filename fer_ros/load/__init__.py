# SPDX-License-Identifier: Apache-2.0
"""Calm under load: what is given up, in which order, so that results stay in time."""

from .lateness import Lateness
from .rounds import FaceRounds
from .shedder import Heard, LoadShedder, Shed, SKIP_FROM
from .thinning import Thinning

__all__ = ['FaceRounds', 'Heard', 'Lateness', 'LoadShedder', 'SKIP_FROM', 'Shed', 'Thinning']

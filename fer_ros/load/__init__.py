# SPDX-License-Identifier: Apache-2.0
"""Load shedding: what is given up, and in which order, so that results are on time."""

from .lateness import Lateness
from .recent import RecentValues
from .rounds import FaceRounds
from .shedder import LoadShedder, Shed, SKIP_FROM
from .thinning import Thinning

__all__ = ['FaceRounds', 'Lateness', 'LoadShedder', 'RecentValues', 'SKIP_FROM', 'Shed',
           'Thinning']

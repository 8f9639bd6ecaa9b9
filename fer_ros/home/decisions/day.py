# SPDX-License-Identifier: Apache-2.0
"""What the day makes of a room's lights, in steps that nobody sees."""

import math

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.light import distance, LightState, Tolerance
from fer_ros.home.policy.daily_light import DailyLight

#: Neither the sun nor the clock moves light in less, seconds.
_PAUSE_S = 5.0
#: The light follows once it is off by more: about a just visible step.
_STEP = Tolerance(0.02, 8.0)


class Day:
    """The light of a room over the day.

    :param settings: None: the room's lights do not follow the day.
    """

    def __init__(self, settings: DailyLight | None, surroundings: Surroundings, clock: RoomClock):
        self._settings, self._surroundings, self._clock = settings, surroundings, clock
        self._looked_s = -math.inf
        self._light: LightState | None = None

    @property
    def light(self) -> LightState | None:
        """The light of now, to about a step; what is None in it is not led."""
        if self._settings is not None and self._clock.s - self._looked_s >= _PAUSE_S:
            self._looked_s, now_s = self._clock.s, self._clock.now_s
            wanted = self._settings.at(self._surroundings.local(now_s),
                                       self._surroundings.elevation_deg(now_s))
            if wanted is None or self._light is None or distance(self._light, wanted, _STEP) > 1:
                self._light = wanted
        return self._light

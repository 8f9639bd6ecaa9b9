# SPDX-License-Identifier: Apache-2.0
"""A simulated lamp that fades, reports and can be changed manually."""

from fer_ros.home.color import chromaticity_distance
from fer_ros.home.light import LightState


class VirtualLamp:
    """A lamp in memory; every call passes the time, so that it fades like a real lamp."""

    def __init__(self, state: LightState = LightState(True, 0.6, color_temperature_k=2700)):
        self._start = self._end = state
        self._from_s = self._until_s = 0.0

    def set(self, state: LightState, transition_s: float, now_s: float) -> None:
        """Start to fade to a state; None fields stay unchanged."""
        self._start = self.state(now_s)
        self._end = self._end.merged(state)
        if self._end.brightness is None:
            self._end = self._end.merged(LightState(True, 1.0))
        self._from_s, self._until_s = now_s, now_s + max(0.0, transition_s)

    def state(self, now_s: float) -> LightState:
        """Return the lamp's state at a time."""
        if not self.fading(now_s):
            return self._end
        share = (now_s - self._from_s) / (self._until_s - self._from_s)
        levels = [(light.brightness or 0.0) if light.on else 0.0
                  for light in (self._start, self._end)]
        level = levels[0] + share * (levels[1] - levels[0])
        first, last = self._start.rgb, self._end.rgb
        if first is None or last is None or chromaticity_distance(first, last) < 1e-3:
            shown = self._end
            return LightState(True, level, shown.color, shown.color_temperature_k)
        color = tuple(a + share * (b - a) for a, b in zip(first, last))
        return LightState(True, level, color)

    def fading(self, now_s: float) -> bool:
        """Return whether it is fading; a clock that jumps back ends the fade."""
        return self._from_s <= now_s < self._until_s

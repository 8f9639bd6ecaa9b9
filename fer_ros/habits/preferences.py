# SPDX-License-Identifier: Apache-2.0
"""How people want a lamp when the room is like this: on or off, how bright, which color.

Each choice of a person is kept with its circumstances and weighs by its age (half-life), the time
of day (a kernel on the circle, E. Nadaraya 1964, G. Watson 1964) and the emotion: choices under
another emotion count a little, so that a first guess exists where nothing was seen yet.
"""

from collections import deque
from dataclasses import dataclass

from fer_ros.habits.sequence import DAY_S, HALF_LIFE_DAYS, weighted_quantiles
from fer_ros.home.light import LightState
import numpy as np

#: Standard deviation of the kernel over the time of day, hours.
BANDWIDTH_H = 1.5
#: What a choice under another emotion, or on the other part of the week, counts.
OTHER_EMOTION, OTHER_DAYS = 0.05, 0.6
#: Choices kept per lamp.
CAPACITY = 500
#: So many choices' worth of not knowing, in the probability of on.
_PRIOR = 1.0


@dataclass(frozen=True)
class Situation:
    """When a choice was made, or is asked for.

    :ivar local_s: local time, seconds.
    :ivar emotion: of the room; empty: not known.
    """

    local_s: float
    emotion: str = ''

    @property
    def hour(self) -> float:
        """Local time of day, hours."""
        return self.local_s % DAY_S / 3600

    @property
    def weekend(self) -> bool:
        """Whether it is Saturday or Sunday."""
        # 1970-01-01 was a Thursday.
        return (int(self.local_s // DAY_S) + 3) % 7 >= 5


@dataclass(frozen=True)
class Preference:
    """How people want a lamp.

    :ivar on: probability that they want it on.
    :ivar brightness: median, and ``brightness_range`` the middle half, [0, 1]; None: not known.
    :ivar color: median sRGB where colors outweigh whites, else None; ``color_temperature_k``
        the other way round.
    :ivar evidence: how many choices it rests on (their effective number, L. Kish 1965).
    """

    on: float
    evidence: float
    brightness: float | None = None
    brightness_range: tuple[float, float] | None = None
    color: tuple[float, float, float] | None = None
    color_temperature_k: int | None = None

    @property
    def light(self) -> LightState:
        """The state that is most wanted."""
        if self.on < 0.5:
            return LightState(False)
        return LightState(True, self.brightness, self.color, self.color_temperature_k)


class Preferences:
    """What people chose for one lamp."""

    def __init__(self, half_life_days: float = HALF_LIFE_DAYS):
        self._half_life_s = half_life_days * DAY_S
        self.choices: deque[tuple[Situation, LightState]] = deque(maxlen=CAPACITY)

    def learn(self, situation: Situation, light: LightState) -> None:
        """Learn what a person chose."""
        self.choices.append((situation, light))

    def want(self, situation: Situation) -> Preference | None:
        """Return how the lamp is wanted, or None when nothing was ever chosen."""
        if not self.choices:
            return None
        weights = np.array([self._weight(situation, past) for past, _ in self.choices])
        lights = [light for _, light in self.choices]
        return summarize(lights, weights, _PRIOR)

    def _weight(self, now: Situation, past: Situation) -> float:
        age = 0.5 ** (max(0.0, now.local_s - past.local_s) / self._half_life_s)
        hours = abs(now.hour - past.hour)
        hours = min(hours, 24 - hours)
        near = float(np.exp(-0.5 * (hours / BANDWIDTH_H) ** 2))
        return age * near * (1.0 if now.emotion == past.emotion else OTHER_EMOTION) * (
            1.0 if now.weekend == past.weekend else OTHER_DAYS)


def summarize(lights: list[LightState], weights: np.ndarray, prior: float = 0.0) -> Preference:
    """Return what weighted choices have in common.

    :param lights: at least one.
    :param weights: float ``(n,)``, none negative.
    :param prior: so many choices' worth of not knowing whether on or off.
    """
    total = float(weights.sum())
    on = np.array([light.on for light in lights])
    share = (float(weights[on].sum()) + prior / 2) / (total + prior) if total + prior else 0.5
    squares = float((weights ** 2).sum())
    evidence = total ** 2 / squares if squares else 0.0

    def pick(of):
        chosen = [i for i, light in enumerate(lights)
                  if light.on and of(light) is not None and weights[i] > 0]
        return np.array([of(lights[i]) for i in chosen], float), weights[chosen]

    levels, level_weights = pick(lambda light: light.brightness)
    colors, color_weights = pick(lambda light: light.color)
    whites, white_weights = pick(lambda light: None if light.color is not None
                                 else light.color_temperature_k)
    brightness = spread = color = kelvin = None
    if len(levels):
        low, middle, high = weighted_quantiles(levels, level_weights, (0.25, 0.5, 0.75))
        brightness, spread = float(middle), (float(low), float(high))
    if len(colors) and color_weights.sum() > white_weights.sum():
        color = tuple(float(weighted_quantiles(colors[:, i], color_weights, (0.5,))[0])
                      for i in range(3))
    elif len(whites):
        kelvin = round(float(weighted_quantiles(whites, white_weights, (0.5,))[0]))
    return Preference(share, evidence, brightness, spread, color, kelvin)

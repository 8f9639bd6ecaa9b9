# SPDX-License-Identifier: Apache-2.0
"""Learn the preferred state of a lamp in a situation: on or off, brightness, color.

Each choice of a person is kept with its circumstances and weighs by its age (half-life), the time
of day (a kernel on the circle, E. Nadaraya 1964, G. Watson 1964) and the emotion: choices under
another emotion count a little, so that a first guess exists where nothing was seen yet.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
import math

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
    """The preferred state of a lamp.

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


class _Lights:
    """Lights as arrays; what is not known is NaN."""

    def __init__(self, lights: Sequence[LightState]):
        self.on = np.array([light.on for light in lights], bool)
        self.brightness = _numbers([light.brightness for light in lights])
        self.color = np.array([(math.nan,) * 3 if light.color is None else light.color
                               for light in lights], float).reshape(-1, 3)
        self.kelvin = _numbers([None if light.color is not None else light.color_temperature_k
                                for light in lights])


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], float)


class Preferences:
    """Learns people's choices for one lamp."""

    def __init__(self, half_life_days: float = HALF_LIFE_DAYS):
        self._half_life_s = half_life_days * DAY_S
        self.choices: deque[tuple[Situation, LightState]] = deque(maxlen=CAPACITY)
        #: The same as arrays, made when they are asked for: lights, times, hours, weekends,
        #: emotions.
        self._arrays: tuple | None = None

    def learn(self, situation: Situation, light: LightState) -> None:
        """Learn what a person chose."""
        self.choices.append((situation, light))
        self._arrays = None

    def want(self, situation: Situation) -> Preference | None:
        """Return how the lamp is wanted, or None when nothing was ever chosen."""
        if not self.choices:
            return None
        if self._arrays is None:
            past = [situation for situation, _ in self.choices]
            self._arrays = (_Lights([light for _, light in self.choices]),
                            np.array([one.local_s for one in past]),
                            np.array([one.hour for one in past]),
                            np.array([one.weekend for one in past]),
                            np.array([one.emotion for one in past]))
        lights, times_s, hours, weekends, emotions = self._arrays
        age = 0.5 ** (np.maximum(0.0, situation.local_s - times_s) / self._half_life_s)
        apart = np.abs(situation.hour - hours)
        near = np.exp(-0.5 * (np.minimum(apart, 24 - apart) / BANDWIDTH_H) ** 2)
        weights = age * near * np.where(emotions == situation.emotion, 1.0, OTHER_EMOTION) \
            * np.where(weekends == situation.weekend, 1.0, OTHER_DAYS)
        return _summarize(lights, weights, _PRIOR)


def summarize(lights: Sequence[LightState]) -> Preference:
    """Return what some choices, at least one, have in common."""
    return _summarize(_Lights(lights), np.ones(len(lights)), 0.0)


def _summarize(lights: _Lights, weights: np.ndarray, prior: float) -> Preference:
    """Return what weighted choices have in common.

    :param weights: float ``(n,)``, none negative.
    :param prior: so many choices' worth of not knowing whether on or off.
    """
    total, on = float(weights.sum()), lights.on
    share = (float(weights[on].sum()) + prior / 2) / (total + prior) if total + prior else 0.5
    squares = float((weights ** 2).sum())
    evidence = total ** 2 / squares if squares else 0.0

    def known(values: np.ndarray) -> np.ndarray:
        return on & (weights > 0) & ~np.isnan(values)

    bright, tinted, white = (known(lights.brightness), known(lights.color[:, 0]),
                             known(lights.kelvin))
    brightness = spread = color = kelvin = None
    if bright.any():
        low, middle, high = weighted_quantiles(lights.brightness[bright], weights[bright],
                                               (0.25, 0.5, 0.75))
        brightness, spread = float(middle), (float(low), float(high))
    if tinted.any() and weights[tinted].sum() > weights[white].sum():
        color = tuple(float(weighted_quantiles(lights.color[tinted, i], weights[tinted],
                                               (0.5,))[0]) for i in range(3))
    elif white.any():
        kelvin = round(float(weighted_quantiles(lights.kelvin[white], weights[white],
                                                (0.5,))[0]))
    return Preference(share, evidence, brightness, spread, color, kelvin)

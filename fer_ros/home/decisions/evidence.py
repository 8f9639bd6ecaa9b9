# SPDX-License-Identifier: Apache-2.0
"""The emotion of a room over time: smoothing, hysteresis and dwell."""

from collections.abc import Callable, Hashable, Sequence
import math

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.home.decisions.aggregation import aggregate, Reading
from fer_ros.home.policy.rooms import Room
from fer_ros.home.policy.rules import PlacedRule, Rules
from fer_ros.types import FaceEmotion
import numpy as np

#: Smaller values count as zero.
_NOTHING = 1e-6


class Evidence:
    """Tracks which emotion leads in a room, how long and how strongly.

    :param is_open: says of a rule whether its conditions hold now, the duration apart.
    :param weight_of: how much a face counts, [0, 1], by its key.
    :ivar key: what leads: a label, or the name of a rule for any emotion; None: nothing.
    :ivar reading: of the last frame.
    """

    def __init__(self, room: Room, rules: Rules,
                 is_open: Callable[[PlacedRule], bool] = lambda _: True,
                 weight_of: Callable[[Hashable], float] = lambda _: 1.0):
        self._room, self._rules, self._is_open = room, rules, is_open
        self._weight_of = weight_of
        self.forget()

    def forget(self) -> None:
        """Begin again."""
        self._belief = np.zeros(len(LABELS))
        self._affect = np.zeros(2)
        self._stamp_s: float | None = None
        # What leads, since when and how often: of nothing, all of that does not matter.
        self.key: str | None = None
        self.reading = Reading(why='nothing seen yet')
        self._primary: Hashable | None = None

    def select(self, rules: Rules) -> None:
        """Use the rules of another policy."""
        self._rules = rules
        self._follow(Reading(why='policy changed'))

    def add(self, faces: Sequence[tuple[Hashable, FaceEmotion]], stamp_s: float) -> None:
        """Add the faces in view at a time, seconds of the cameras' clock."""
        room = self._room
        reading = aggregate(room.aggregation, faces, minimum_confidence=room.minimum_confidence,
                            minimum_quality=room.minimum_quality, primary=self._primary,
                            weight_of=self._weight_of)
        if self._stamp_s is not None and stamp_s - self._stamp_s > room.stale_after_s:
            self.forget()
        self._primary, self.reading = reading.primary, reading
        step_s = 0.0 if self._stamp_s is None else max(0.0, stamp_s - self._stamp_s)
        self._stamp_s = stamp_s if self._stamp_s is None else max(stamp_s, self._stamp_s)
        weight = 1.0 if room.smoothing_s == 0 else -math.expm1(-step_s / room.smoothing_s)
        # While the room abstains, the belief decays instead of staying constant.
        self._belief += weight * (reading.probabilities - self._belief)
        self._affect += weight * (
            np.array([reading.valence, reading.arousal]) * reading.probabilities.sum()
            - self._affect)
        self._follow(reading)

    def _follow(self, reading: Reading) -> None:
        """Keep count of how long one key has led, and whether it is strong enough."""
        key = self._leading()
        if key != self.key:
            self.key, self._key_since_s = key, self._stamp_s
            self._entered, self._frames, self._fallen = False, 0, False
        if key is None:
            return
        support = self.support
        if support >= self._room.enter_threshold:
            if self._fallen:
                # It was lost in between, so it starts again now.
                self._key_since_s, self._fallen = self._stamp_s, False
            self._entered = True
        elif support < self._room.exit_threshold:
            self._fallen = self._fallen or self._entered
            self._entered, self._frames = False, 0
        if self._entered and not reading.abstains:
            self._frames += 1

    def _leading(self) -> str | None:
        if self._belief.sum() <= _NOTHING:
            return None
        return self._rules.leading(LABELS[int(np.argmax(self._belief))], *self.valence_arousal,
                                   self.key, self._is_open)

    @property
    def support(self) -> float:
        """How strong the key is, [0, 1]."""
        if self.key is None:
            return 0.0
        if self.key in LABELS:
            return float(self._belief[LABELS.index(self.key)])
        return float(self._belief.sum())

    @property
    def confidence(self) -> float:
        """How strong the strongest emotion is, [0, 1]."""
        return float(self._belief.max())

    @property
    def valence_arousal(self) -> tuple[float, float]:
        """Valence and arousal of the room, each [-1, 1]; 0 if unknown."""
        mass = self._belief.sum()
        if mass <= _NOTHING:
            return 0.0, 0.0
        return float(self._affect[0] / mass), float(self._affect[1] / mass)

    @property
    def lasted_s(self) -> float:
        """How long the key has led, seconds."""
        return 0.0 if self.key is None else self._stamp_s - self._key_since_s

    @property
    def entered(self) -> bool:
        """Whether the key is strong enough, for any time."""
        return self.key is not None and self._entered

    @property
    def ready(self) -> bool:
        """Whether the key has been strong enough for long enough, in enough frames."""
        return (self.entered
                and self._frames >= self._room.minimum_frames
                and self.lasted_s >= self._room.dwell_s)

    @property
    def emotion(self) -> str:
        """The label that leads strongly enough, or ``uncertain``."""
        if not self.entered:
            return UNCERTAIN
        if self.key in LABELS:
            return self.key
        best = int(np.argmax(self._belief))
        return LABELS[best] if self._belief[best] >= self._room.enter_threshold else UNCERTAIN

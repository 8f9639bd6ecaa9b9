# SPDX-License-Identifier: Apache-2.0
"""Group events into episodes: the room during an emotion, and people's choices."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fer_ros.habits.events import Actor, EventKind, HomeEvent
from fer_ros.home.light import LightState

#: The same emotion that comes back sooner goes on, seconds.
MERGE_S = 600.0
#: Shorter episodes without an action are not an opportunity to act, seconds.
SHORTEST_S = 20.0
#: An emotion is recorded when it has lasted; what was done about it may come so much earlier.
_AHEAD_S = 60.0


@dataclass(frozen=True)
class Choice:
    """A person's choice for a lamp.

    :ivar local_s: local time, seconds.
    :ivar before: how the lamp was, or None where that is not known.
    :ivar against: what had set it: the name of a habit, or empty for the policy or nothing.
    """

    local_s: float
    light: LightState
    before: LightState | None = None
    against: str = ''


@dataclass
class Episode:
    """An emotion of a room from start to end.

    :ivar lights: how each lamp stood at the begin and after each action, with the local time,
        seconds.
    :ivar choices: by lamp, what people chose, in order.
    :ivar habits: by lamp, the name of the habit that set it; ``reverted``: those that a person
        took back by command.
    """

    room: str
    emotion: str
    begin_s: float
    end_s: float
    lights: dict[str, list[tuple[float, LightState]]] = field(default_factory=dict)
    choices: dict[str, list[Choice]] = field(default_factory=dict)
    habits: dict[str, str] = field(default_factory=dict)
    reverted: set[str] = field(default_factory=set)

    def light_at(self, target: str, local_s: float) -> LightState | None:
        """Return how a lamp stood at a time, as far as is known."""
        found = None
        for at_s, light in self.lights.get(target, ()):
            if at_s > local_s and found is not None:
                break
            found = light
        return found


class EpisodeTracker:
    """Tracks the episodes of one room."""

    def __init__(self, room: str):
        self._room = room
        self.current: Episode | None = None
        self._ended = False
        self._lights: dict[str, LightState] = {}
        self._set_by: dict[str, str] = {}
        self._set_s: dict[str, float] = {}
        self._last = ''

    def set_by(self, target: str) -> str:
        """Return the name of the habit that a lamp is set by, or empty."""
        return self._set_by.get(target, '')

    def revert(self) -> set[str]:
        """Take back what habits did; return their names."""
        names = set(self._set_by.values())
        self._set_by.clear()
        if self.current is not None:
            self.current.reverted |= names
        return names

    def add(self, event: HomeEvent) -> Iterator[Episode]:
        """Take an event of the room; yield the episode that has ended for good by it."""
        now_s = event.local_s
        if self.current is not None and self._ended and (
                now_s - self.current.end_s > MERGE_S or now_s < self.current.begin_s):
            yield from self._close()
        if event.kind is EventKind.EMOTION:
            if self.current is not None and self.current.emotion == event.value:
                self._ended = False
                self.current.end_s = now_s
            else:
                yield from self._close()
                self._begin(event.value, now_s)
        elif event.kind is EventKind.EMOTION_END and self.current is not None \
                and event.value == self.current.emotion:
            self.current.end_s, self._ended = now_s, True
        elif event.kind is EventKind.START:
            # Nothing is known of the lamps after a gap.
            yield from self._close()
            self._lights, self._set_by = {}, {}
        elif event.kind is EventKind.ACTION and event.light is not None:
            self._act(event)
        if self.current is not None and not self._ended:
            self.current.end_s = max(self.current.end_s, now_s)

    def _begin(self, emotion: str, now_s: float) -> None:
        self.current = Episode(self._room, emotion, now_s, now_s, {
            target: [(now_s, light)] for target, light in self._lights.items()})
        # A habit that acted a moment ago acted on this emotion; one that still holds a lamp since
        # the last time need not act again.
        self.current.habits.update(
            (target, habit) for target, habit in self._set_by.items()
            if 0 <= now_s - self._set_s.get(target, 0.0) < _AHEAD_S or emotion == self._last)
        self._ended, self._last = False, emotion

    def _act(self, event: HomeEvent) -> None:
        target, now_s = event.target, event.local_s
        before = self._lights.get(target)
        light = event.light if before is None else before.merged(event.light)
        self._lights[target] = light
        episode = self.current
        if event.actor is Actor.PERSON:
            against = self._set_by.pop(target, '')
            if episode is not None:
                episode.choices.setdefault(target, []).append(
                    Choice(now_s, light, before, against))
        elif event.actor is Actor.HABIT:
            self._set_by[target], self._set_s[target] = event.habit, now_s
            if episode is not None:
                episode.habits[target] = event.habit
        else:
            self._set_by.pop(target, None)
        if episode is not None:
            episode.lights.setdefault(target, []).append((now_s, light))

    def _close(self) -> Iterator[Episode]:
        episode, self.current, self._ended = self.current, None, False
        if episode is not None and (episode.choices
                                    or episode.end_s - episode.begin_s >= SHORTEST_S):
            yield episode

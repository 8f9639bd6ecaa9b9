# SPDX-License-Identifier: Apache-2.0
"""The decisions: when a feeling has lasted, what is asked of which light, and when nothing is.

No clock, no network, no ROS: time comes in as ``now_s``, what lights report comes in through
:meth:`DecisionEngine.report`, and what is to be done comes out of :meth:`DecisionEngine.tick`.
The same calls always give the same actions.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
import math
from zoneinfo import ZoneInfo

from fer_ros.core.emotions import Emotion, LABELS, UNCERTAIN
from fer_ros.core.home.action import AmbientAction, Command, light_fields, NOBODY
from fer_ros.core.home.aggregation import aggregate, Reading
from fer_ros.core.home.ambience import ambience, PROTOTYPES
from fer_ros.core.home.light import differences, LightState, on_the_way, Tolerance
from fer_ros.core.home.policy import Policy, QuietHours, RegionRule, Room, Rule, Rules
from fer_ros.core.types import FaceEmotion
import numpy as np

#: A clock that moves further between two calls has jumped: timers stand still over the jump.
MAXIMUM_STEP_S = 5.0
#: Stamps so far ahead are taken: two machines' clocks are never quite the same.
FUTURE_TOLERANCE_S = 0.5
#: A region is left only so far outside its borders.
REGION_MARGIN = 0.1
#: A command that could not be handed over is tried again no sooner.
RETRY_S = 15.0
_SUM_TOLERANCE = 0.02
#: A lamp that is further from where it began has at least done something.
_MOVED = Tolerance(0.01, 5.0, 0.005)

#: What a target is asked for: a light's state, a scene's name or a blind's position.
Ask = LightState | str | float


@dataclass(frozen=True)
class RoomStatus:
    """What a room is doing, for people to see.

    :ivar emotion: a label, ``uncertain``, ``nobody``, or None when there are no fresh data.
    :ivar confidence: of the emotion, [0, 1].
    :ivar occupied: None when there are no fresh data.
    :ivar hold_left_s: how long the room is still left alone, seconds; 0 when it is not.
    :ivar hold_reason: who or what put it on hold.
    :ivar last_action: the last action, in words, and ``last_reason`` why.
    :ivar why_not: what keeps the room from acting now, or empty.
    """

    room: str
    enabled: bool
    policy: str
    policies: tuple[str, ...]
    emotion: str | None
    confidence: float
    faces: int
    valence: float
    arousal: float
    occupied: bool | None
    stale: bool
    hold_left_s: float
    hold_reason: str
    last_action: str
    last_reason: str
    why_not: str

    @property
    def on_hold(self) -> bool:
        """Whether the room is left alone."""
        return self.hold_left_s > 0


@dataclass(frozen=True)
class DeviceStatus:
    """What is known of one device.

    :ivar kind: light, scene or blind.
    :ivar reported: a light's state or a blind's position, or None when it has said nothing.
    """

    target: str
    kind: str
    available: bool
    reported: LightState | float | None


@dataclass(frozen=True)
class _Sighting:
    stamp_s: float
    received_s: float
    age_s: float
    faces: tuple[tuple[Hashable, FaceEmotion], ...]
    frame_id: str


@dataclass
class _Target:
    """What is known of one device; times are the room's own, in seconds."""

    reported: Ask | None = None
    snapshot: Ask | None = None
    commanded: Ask | None = None
    previous: Ask | None = None
    lost: Ask | None = None
    start: Ask | None = None
    commanded_at: float = -math.inf
    transition_s: float = 0.0
    reported_since: bool = False
    moved: bool = False
    confirmed: bool = False
    unresponsive: bool = False
    restoring: bool = False
    off_by_hand: bool = False
    turned_on_at: float = -math.inf
    available: bool = True
    blocked_until: float = -math.inf


class _RoomEngine:
    """One room."""

    def __init__(self, name: str, room: Room, policies: dict[str, Rules],
                 local_time: Callable[[float], time]):
        self.name, self.room, self.policies = name, room, policies
        self._local_time = local_time
        self.enabled = room.enabled
        self.policy = room.policy
        self.targets = {target: _Target() for target in room.targets}
        self.sent: dict[str, deque[float]] = {target: deque() for target in room.targets}
        self._clock = 0.0
        self._now_s: float | None = None
        self.hold_until, self.hold_reason = -math.inf, ''
        self._last_set = -math.inf
        self._last_action = self._last_reason = ''
        self._why_not = ''
        self._sightings: dict[str, _Sighting] = {}
        self._empty_since: float | None = None
        self._forget()
        self._tolerance = Tolerance(room.hold.brightness_tolerance, room.hold.mired_tolerance,
                                    room.hold.color_tolerance)

    # Time and evidence.

    def advance(self, now_s: float) -> None:
        """Let the room's own time pass; it stands still where the clock jumps."""
        step = 0.0 if self._now_s is None else now_s - self._now_s
        self._now_s = now_s
        if 0 <= step <= MAXIMUM_STEP_S:
            self._clock += step
            return
        # Stamps from before the jump cannot be compared with those after it.
        self._sightings.clear()
        self._empty_since = None
        self._forget()

    def _forget(self) -> None:
        """Begin the evidence anew."""
        self._state = np.zeros(len(LABELS))
        self._affect = np.zeros(2)
        self._stamp_s: float | None = None
        self._key: str | None = None
        self._key_since = 0.0
        self._entered, self._frames = False, 0
        self._reading = Reading(why='nothing seen yet')
        self._primary: Hashable | None = None

    def observe(self, source: str, faces, stamp_s: float, frame_id: str) -> str:
        """Take over what a source sees; return why it is refused, or an empty string."""
        age_s = self._now_s - stamp_s
        if age_s < -FUTURE_TOLERANCE_S:
            return (f'{source}: the stamp is {-age_s:.1f} s in the future: set the clocks of the '
                    'machines (or use_sim_time) alike')
        if age_s > self.room.stale_after_s:
            return (f'{source}: the emotions are {age_s:.1f} s old, more than stale_after_s '
                    f'({self.room.stale_after_s:g}): the pipeline lags, or clocks differ')
        last = self._sightings.get(source)
        if last is not None and stamp_s <= last.stamp_s:
            return f'{source}: the stamp is not newer than the one before'
        self._sightings[source] = _Sighting(
            stamp_s, self._clock, max(0.0, age_s),
            tuple(((source, face.track_id), face) for face in faces), frame_id)
        self._integrate(stamp_s)
        return ''

    def _fresh(self, sighting: _Sighting) -> bool:
        return self._clock - sighting.received_s + sighting.age_s <= self.room.stale_after_s

    def _integrate(self, stamp_s: float) -> None:
        room = self.room
        faces = [face for sighting in self._sightings.values() if self._fresh(sighting)
                 for face in sighting.faces]
        reading = aggregate(room.aggregation, faces, minimum_confidence=room.minimum_confidence,
                            minimum_quality=room.minimum_quality, primary=self._primary)
        if self._stamp_s is not None and stamp_s - self._stamp_s > room.stale_after_s:
            self._forget()
        self._primary, self._reading = reading.primary, reading
        step_s = 0.0 if self._stamp_s is None else max(0.0, stamp_s - self._stamp_s)
        self._stamp_s = stamp_s if self._stamp_s is None else max(stamp_s, self._stamp_s)
        weight = 1.0 if room.smoothing_s == 0 else -math.expm1(-step_s / room.smoothing_s)
        # Where the room abstains the state decays to nothing instead of standing still.
        self._state += weight * (reading.probabilities - self._state)
        self._affect += weight * (
            np.array([reading.valence, reading.arousal]) * reading.probabilities.sum()
            - self._affect)
        if faces:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = self._clock
        self._follow(reading)

    def _follow(self, reading: Reading) -> None:
        """Keep count of how long one feeling has led, and whether it is strong enough."""
        key = self._leading_key()
        if key != self._key:
            self._key, self._key_since = key, self._stamp_s
            self._entered, self._frames = False, 0
        if key is None:
            return
        support = self._support(key)
        if support >= self.room.enter_threshold:
            self._entered = True
        elif support < self.room.exit_threshold:
            self._entered, self._frames = False, 0
        if self._entered and not reading.abstains:
            self._frames += 1

    def _leading_key(self) -> str | None:
        if self._state.sum() <= 1e-6:
            return None
        label = LABELS[int(np.argmax(self._state))]
        rules = self.policies[self.policy]
        if label in rules.by_emotion:
            return label
        valence, arousal = self._valence_arousal()
        for region in rules.by_valence_arousal:
            margin = REGION_MARGIN if region.name == self._key else 0.0
            if region.contains(valence, arousal, margin):
                return region.name
        return label

    def _support(self, key: str) -> float:
        if key in LABELS:
            return float(self._state[LABELS.index(key)])
        return float(self._state.sum())

    def _valence_arousal(self) -> tuple[float, float]:
        mass = self._state.sum()
        if mass <= 1e-6:
            return 0.0, 0.0
        return float(self._affect[0] / mass), float(self._affect[1] / mass)

    def _ready(self) -> bool:
        return (self._key is not None and self._entered
                and self._frames >= self.room.minimum_frames
                and self._stamp_s - self._key_since >= self.room.dwell_s)

    @property
    def stale(self) -> bool:
        """Whether any source of the room has no fresh data."""
        return any(source not in self._sightings or not self._fresh(self._sightings[source])
                   for source in self.room.sources)

    @property
    def _somebody(self) -> bool:
        return any(sighting.faces for sighting in self._sightings.values()
                   if self._fresh(sighting))

    # Decisions.

    def tick(self) -> list[AmbientAction]:
        """Return what is to be done now."""
        self._check_settled()
        if not self.enabled:
            self._why_not = 'switched off'
            return []
        if self.hold_until > -math.inf:
            if self._clock < self.hold_until:
                self._why_not = f'on hold: {self.hold_reason}'
                return []
            self.resume()
        if self.stale:
            # An empty picture of one camera says nothing while another is blind.
            self._empty_since = None
        if not self._somebody:
            if self.stale:
                self._why_not = 'no fresh emotions'
                return []
            waited_s = self._clock - (
                self._clock if self._empty_since is None else self._empty_since)
            self._why_not = 'nobody is there'
            return self._leave() if waited_s >= self.room.nobody.after_s else []
        if not self._ready():
            self._why_not = self._reading.why or 'no feeling has lasted yet'
            return []
        return self._answer()

    def _answer(self) -> list[AmbientAction]:
        rules = self.policies[self.policy]
        region = next((rule for rule in rules.by_valence_arousal if rule.name == self._key), None)
        rule = region or rules.by_emotion.get(self._key)
        if rule is None:
            self._why_not = f'no rule for {self._key}'
            return []
        quiet = self._quiet()
        if quiet is not None and quiet.action == 'nothing':
            self._why_not = f'quiet hours until {quiet.end:%H:%M}'
            return []
        self._why_not = ''
        transition_s = self.room.transition_s if rule.transition_s is None else rule.transition_s
        actions = []
        cooled = self._clock - self._last_set >= self.room.cooldown_s
        for name, target in self.targets.items():
            ask = self._ask(name, rule, quiet)
            if ask is None or self._same(target.commanded, ask) and not target.restoring:
                continue
            obstacle = self._obstacle(name, ask) or ('' if cooled else 'cooling down')
            if obstacle:
                self._why_not = f'{name}: {obstacle}'
                continue
            if target.commanded is None or target.restoring:
                target.snapshot = target.snapshot if target.restoring else target.reported
            actions.append(self._act(name, Command.SET, ask, transition_s, self._emotion(),
                                     self._explain(rule, quiet)))
        if actions:
            self._last_set = self._clock
        return actions

    def _leave(self) -> list[AmbientAction]:
        """Nobody is there: end the episode."""
        action = self.room.nobody.action
        reason = f'nobody for {self.room.nobody.after_s:g} s'
        if action == 'keep':
            for target in self.targets.values():
                self._keep(target)
            return []
        if action == 'restore':
            return self._restore(reason, self.room.transition_s, limited=True)
        actions = []
        for name, target in self.targets.items():
            spec = self.room.targets[name]
            if spec.kind != 'light' or self._same(target.commanded, LightState(False)) \
                    or (isinstance(target.reported, LightState) and not target.reported.on):
                continue
            obstacle = self._obstacle(name, LightState(False))
            if obstacle:
                self._why_not = f'{name}: {obstacle}'
                continue
            actions.append(self._act(name, Command.SET, LightState(False),
                                     self.room.transition_s, NOBODY, reason))
        return actions

    @staticmethod
    def _keep(target: _Target) -> None:
        """Let what was done be how the room is, so that it is neither undone nor asked again."""
        if target.commanded is None or target.reported is None:
            target.snapshot = target.commanded = None
        elif isinstance(target.commanded, LightState) and isinstance(target.reported, LightState):
            target.snapshot = target.reported.merged(target.commanded)
        else:
            target.snapshot = target.commanded

    def _restore(self, reason: str, transition_s: float, *, limited: bool) -> list[AmbientAction]:
        actions = []
        for name, target in self.targets.items():
            if target.commanded is None or target.restoring:
                continue
            if target.snapshot is None or self._same(target.snapshot, target.commanded):
                # It never said how it was, and nothing is guessed; or there is nothing to undo.
                target.snapshot = target.commanded = None
                continue
            obstacle = self._obstacle(name, target.snapshot) if limited else (
                '' if target.available else 'not reachable')
            if obstacle:
                self._why_not = f'{name}: {obstacle}'
                continue
            emotion = NOBODY if not self._somebody else self._emotion()
            actions.append(self._act(name, Command.RESTORE, target.snapshot, transition_s,
                                     emotion, reason))
            target.restoring = True
        return actions

    def _act(self, name: str, command: Command, ask: Ask, transition_s: float, emotion: str,
             reason: str) -> AmbientAction:
        target = self.targets[name]
        target.previous, target.start = target.commanded, target.reported
        target.lost = None
        # What is not asked for is to stay: a hand that changes it is seen all the same.
        expected = target.reported.merged(ask) if isinstance(ask, LightState) and ask.on \
            and isinstance(target.reported, LightState) and target.reported.on else ask
        target.commanded, target.commanded_at = expected, self._clock
        target.transition_s = transition_s
        target.reported_since = target.moved = False
        target.confirmed = target.unresponsive = False
        target.restoring = False
        self.sent[name].append(self._clock)
        fields = light_fields(expected if isinstance(expected, LightState) else LightState(
            True, 1.0 if isinstance(expected, str) else expected))
        confidence = self._support(self._key) if self._key is not None else 0.0
        frame_id = max((sighting for sighting in self._sightings.values()),
                       key=lambda sighting: sighting.stamp_s).frame_id if self._sightings else ''
        action = AmbientAction(
            stamp_s=self._now_s, room=self.name, target=name, command=command,
            transition_s=transition_s, emotion=emotion,
            confidence=0.0 if emotion == NOBODY else min(1.0, confidence), reason=reason,
            frame_id=frame_id, scene=ask if isinstance(ask, str) else '',
            position=ask if isinstance(ask, float) else None,
            asked=ask if isinstance(ask, LightState) else None, **fields)
        self._last_action = f'{name}: {describe(ask)}'
        self._last_reason = reason
        return action

    def _ask(self, name: str, rule: Rule, quiet: QuietHours | None) -> Ask | None:
        spec = self.room.targets[name]
        if rule.targets is not None and name not in rule.targets:
            return None
        if spec.kind == 'scene':
            return rule.scene if rule.scene in spec.scenes else None
        if spec.kind == 'blind':
            return None if rule.blind is None else float(rule.blind)
        if not rule.wants_light:
            return None
        center = rule.centre if isinstance(rule, RegionRule) else PROTOTYPES[
            Emotion(LABELS.index(self._key))]
        if rule.strategy is not None:
            light = rule.applied(ambience(rule.strategy, *center))
        else:
            light = rule.applied(LightState(True))
        if not light.on:
            return light
        kelvin, brightness, color = light.color_temperature_k, light.brightness, light.color
        if kelvin is not None:
            kelvin = min(spec.color_temperature_max_k, max(spec.color_temperature_min_k, kelvin))
        if color is not None and not spec.has_color:
            color = None
        if brightness is not None:
            ceiling = spec.brightness_max
            if quiet is not None:
                ceiling = min(ceiling, quiet.brightness_max)
            brightness = min(ceiling, max(spec.brightness_min, brightness))
        elif quiet is not None and not self._dimmer(name, quiet.brightness_max):
            brightness = quiet.brightness_max
        return LightState(True, brightness, color, kelvin)

    def _dimmer(self, name: str, level: float) -> bool:
        """Return whether a lamp says that it shines, and no brighter than the level."""
        known = self.targets[name].reported
        return isinstance(known, LightState) and known.on and known.brightness is not None \
            and known.brightness <= level

    def _obstacle(self, name: str, ask: Ask) -> str:
        """Return what keeps a target from being asked now, or an empty string."""
        target, spec = self.targets[name], self.room.targets[name]
        if not target.available:
            return 'not reachable'
        if self._clock < target.blocked_until:
            return 'the last command failed, waiting before another'
        if isinstance(ask, LightState) and ask.on and isinstance(target.reported, LightState) \
                and not target.reported.on:
            if target.off_by_hand:
                return 'turned off by hand, and so never turned on'
            ours = isinstance(target.commanded, LightState) and not target.commanded.on
            if not ours and not spec.turn_on:
                return 'off, and turn_on is false'
        limit, sent = self.room.rate_limit, self.sent[name]
        while sent and self._clock - sent[0] >= limit.per_s:
            sent.popleft()
        if len(sent) >= limit.actions:
            return f'rate limit of {limit.actions} in {limit.per_s:g} s reached'
        return ''

    def _quiet(self) -> QuietHours | None:
        local = self._local_time(self._now_s)
        return next((quiet for quiet in self.room.quiet_hours if quiet.contains(local)), None)

    def _same(self, a: Ask | None, b: Ask | None) -> bool:
        if isinstance(a, LightState) and isinstance(b, LightState):
            # What we ask is compared exactly up to rounding, not by a lamp's inaccuracy.
            return not differences(a, b, Tolerance(0.004, 0.5, 0.002))
        if isinstance(a, float) and isinstance(b, float):
            return abs(a - b) < 0.01
        return a == b

    def _emotion(self) -> str:
        if self._key is None or not self._entered:
            return UNCERTAIN
        if self._key in LABELS:
            return self._key
        best = int(np.argmax(self._state))
        return LABELS[best] if self._state[best] >= self.room.enter_threshold else UNCERTAIN

    def _explain(self, rule: Rule, quiet: QuietHours | None) -> str:
        lasted_s = self._stamp_s - self._key_since
        people = f'{self._reading.voters} face' + ('' if self._reading.voters == 1 else 's')
        answer = rule.strategy or 'as the rule says'
        words = (f'{self._key} for {lasted_s:.1f} s at {self._support(self._key):.2f} ({people}), '
                 f'policy {self.policy}: {answer}')
        return words + (', dimmed for the quiet hours' if quiet is not None else '')

    # The person's hand.

    def report(self, name: str, state: Ask) -> None:
        """Take over what a device says of itself."""
        target = self.targets[name]
        before = target.reported
        if isinstance(state, LightState):
            if isinstance(before, LightState):
                state = before.merged(state)
            target.reported = state
            self._report_light(name, target, before, state)
        elif isinstance(state, float):
            target.reported = state
            self._report_blind(name, target, before, state)

    def _report_light(self, name: str, target: _Target, before: LightState | None,
                      state: LightState) -> None:
        if isinstance(target.lost, LightState) and not differences(target.lost, state,
                                                                   self._tolerance):
            # A call that timed out, or was queued by others, and was carried out after all.
            target.commanded, target.lost = target.lost, None
            target.reported_since = target.moved = target.confirmed = True
            return
        turned_on = before is not None and not before.on and state.on
        ours_on = isinstance(target.commanded, LightState) and target.commanded.on
        if turned_on and not (ours_on and self._in_window(target)):
            # Somebody wants light: what was held is let go, and the feeling must last anew.
            target.off_by_hand, target.turned_on_at = False, self._clock
            if self.hold_until > -math.inf:
                self.resume()
            self._forget()
            target.commanded = target.snapshot = None
            target.restoring = False
            return
        if target.commanded is None:
            if before is None or self._clock - target.turned_on_at <= self.room.hold.settle_s:
                return
            changed = differences(before, state, self._tolerance)
            if changed:
                self._by_hand(name, target, state, changed)
            return
        target.reported_since = True
        if isinstance(target.start, LightState) and differences(target.start, state, _MOVED):
            target.moved = True
        changed = differences(target.commanded, state, self._tolerance)
        target.confirmed = not changed
        if not changed:
            target.unresponsive = False
            return
        if self._in_window(target):
            # A lamp under way reports what lies between, some after they have echoed the end;
            # a hand leaves that path at once, or is seen when the time is over.
            starts = [start for start in (target.start, target.previous)
                      if isinstance(start, LightState)]
            if not starts or any(on_the_way(state, start, target.commanded, self._tolerance)
                                 for start in starts):
                return
        elif isinstance(target.start, LightState) and not target.moved:
            # It has done nothing since it was asked: deaf, not changed by anybody.
            target.unresponsive = True
            return
        self._by_hand(name, target, state, changed)

    def _report_blind(self, name: str, target: _Target, before: float | None,
                      state: float) -> None:
        if target.commanded is None or before is None or self._in_window(target) \
                or not isinstance(target.commanded, float):
            return
        if abs(state - target.commanded) > 0.05 and abs(state - before) > 0.02:
            self._hold(f'{name} was moved by hand')
            target.commanded = target.snapshot = None

    def _in_window(self, target: _Target) -> bool:
        return self._clock - target.commanded_at <= (
            target.transition_s + self.room.hold.settle_s)

    def _check_settled(self) -> None:
        """After a transition, ask whether the lamp came to what it was asked for."""
        for name, target in self.targets.items():
            if target.commanded is None or self._in_window(target):
                continue
            if isinstance(target.commanded, LightState) and target.reported_since \
                    and not target.confirmed and not target.unresponsive:
                changed = differences(target.commanded, target.reported, self._tolerance)
                if isinstance(target.start, LightState) and not target.moved:
                    target.unresponsive = True
                elif changed:
                    self._by_hand(name, target, target.reported, changed)
                    continue
            if target.restoring:
                target.commanded = target.snapshot = None
                target.restoring = False

    def _by_hand(self, name: str, target: _Target, state: LightState,
                 changed: list[str]) -> None:
        if not state.on:
            target.off_by_hand = True
            self._hold(f'{name} was turned off by hand')
        else:
            self._hold(f'{name} was changed by hand ({", ".join(changed)})')
        # What the person chose is now how the room is: there is nothing to go back to.
        target.commanded = target.snapshot = target.lost = None
        target.restoring = False

    def _hold(self, reason: str) -> None:
        self.hold_until, self.hold_reason = self._clock + self.room.hold.for_s, reason

    def resume(self) -> None:
        """End the hold; a feeling must last anew before anything is done."""
        self.hold_until, self.hold_reason = -math.inf, ''
        self._forget()

    # A person's commands.

    def set_enabled(self, enabled: bool) -> list[AmbientAction]:
        """Switch the room on or off; off goes back to how the lights were."""
        if enabled == self.enabled:
            return []
        self.enabled = enabled
        self._forget()
        self._sightings.clear()
        self._empty_since = None
        if enabled:
            return []
        self.hold_until, self.hold_reason = -math.inf, ''
        return self._restore('switched off', 0.5, limited=False)

    def revert(self) -> list[AmbientAction]:
        """Go back to how the lights were and leave the room alone for a while."""
        actions = self._restore('reverted by a person', 0.5, limited=False)
        self._hold('reverted by a person')
        return actions

    def select(self, policy: str) -> None:
        """Take another policy of the file."""
        if policy != self.policy:
            self.policy = policy
            self._follow(Reading(why='policy changed'))

    def failed(self, name: str) -> None:
        """Take back a command that could not be handed over."""
        target = self.targets[name]
        target.lost = target.commanded
        target.commanded, target.restoring = target.previous, False
        target.blocked_until = self._clock + RETRY_S

    def leave_all(self, reason: str) -> list[AmbientAction]:
        """Return the actions that hand the room back when the bridge ends."""
        if not self.room.restore_on_exit or not self.enabled or self._clock < self.hold_until:
            return []
        return self._restore(reason, 0.5, limited=False)

    def status(self) -> RoomStatus:
        """Return what the room is doing."""
        fresh = [sighting for sighting in self._sightings.values() if self._fresh(sighting)]
        faces = sum(len(sighting.faces) for sighting in fresh)
        emotion: str | None = None
        confidence = 0.0
        if self.enabled and fresh:
            if faces:
                emotion = self._emotion()
                confidence = float(self._state.max())
            elif not self.stale:
                emotion = NOBODY
        valence, arousal = self._valence_arousal()
        seen = self.enabled and bool(faces)
        return RoomStatus(
            self.name, self.enabled, self.policy, tuple(self.policies), emotion, confidence,
            faces if self.enabled else 0, valence if seen else 0.0, arousal if seen else 0.0,
            None if emotion is None else bool(faces), self.stale,
            max(0.0, self.hold_until - self._clock), self.hold_reason, self._last_action,
            self._last_reason, self._why_not)

    def adopt(self, old: '_RoomEngine') -> None:
        """Carry over what outlives a change of the policy file."""
        self._clock, self._now_s = old._clock, old._now_s
        self.hold_until, self.hold_reason = old.hold_until, old.hold_reason
        self._last_set = old._last_set
        self._last_action, self._last_reason = old._last_action, old._last_reason
        if old.room.enabled == self.room.enabled:
            self.enabled = old.enabled
        if old.policy in self.policies and old.room.policy == self.room.policy:
            self.policy = old.policy
        for name, target in old.targets.items():
            if name in self.targets and old.room.targets[name].type == \
                    self.room.targets[name].type:
                self.targets[name] = replace(target)
                self.sent[name] = deque(old.sent[name])


class DecisionEngine:
    """All rooms of a policy.

    :param local_time: gives the local time of day of a time in seconds; by default that of the
        policy's ``time_zone``, or of the machine.
    """

    def __init__(self, policy: Policy, *, local_time: Callable[[float], time] | None = None):
        self.policy = policy
        self._given_local_time = local_time
        zone = ZoneInfo(policy.time_zone) if policy.time_zone else None
        local_time = local_time or (lambda now_s: datetime.fromtimestamp(now_s, zone).time())
        self._rooms = {name: _RoomEngine(name, room, policy.policies, local_time)
                       for name, room in policy.rooms.items()}

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms' names."""
        return tuple(self._rooms)

    def observe(self, source: str, emotions: Sequence[FaceEmotion], stamp_s: float, *,
                now_s: float, frame_id: str = '') -> tuple[str, ...]:
        """Take over what one camera sees; an empty list means: looked, saw nobody.

        :param source: the topic as named in the policy.
        :param stamp_s: when the picture was taken, and ``now_s`` the present, seconds of one
            clock.
        :returns: what was wrong with it; what is refused has no effect. Faces whose numbers
            make no sense are left out.
        """
        problems = []
        if not math.isfinite(stamp_s) or not math.isfinite(now_s):
            return (f'{source}: the stamp is not a number',)
        good = []
        for face in emotions:
            problem = _problem(face)
            if problem:
                problems.append(f'{source}: face {face.track_id} left out: {problem}')
            else:
                good.append(face)
        if emotions and not good:
            # Somebody may well be there: an empty list would say the opposite.
            return tuple(problems)
        for engine in self._rooms.values():
            engine.advance(now_s)
            if source in engine.room.sources and engine.enabled:
                refused = engine.observe(source, good, stamp_s, frame_id)
                if refused and refused not in problems:
                    problems.append(refused)
        return tuple(problems)

    def report(self, room: str, target: str, state: Ask, *, now_s: float) -> None:
        """Take over what a device says of itself: its state, or a blind's position."""
        engine = self._rooms[room]
        engine.advance(now_s)
        engine.report(target, state)

    def set_available(self, room: str, target: str, available: bool) -> None:
        """Say whether a device can be reached; what cannot is asked for nothing."""
        known = self._rooms[room].targets[target]
        if available and not known.available:
            known.blocked_until = -math.inf
        known.available = available

    def failed(self, room: str, target: str) -> None:
        """Say that the last action of a device could not be handed over."""
        self._rooms[room].failed(target)

    def tick(self, now_s: float) -> tuple[AmbientAction, ...]:
        """Return what is to be done now; call it about ten times a second."""
        actions = []
        for engine in self._rooms.values():
            engine.advance(now_s)
            actions += engine.tick()
        return tuple(actions)

    def set_enabled(self, room: str, enabled: bool, *, now_s: float) \
            -> tuple[AmbientAction, ...]:
        """Switch a room on or off; off returns the actions that go back to how it was."""
        self._rooms[room].advance(now_s)
        return tuple(self._rooms[room].set_enabled(enabled))

    def revert(self, room: str, *, now_s: float) -> tuple[AmbientAction, ...]:
        """Return the actions that go back to how it was; the room is then left alone."""
        self._rooms[room].advance(now_s)
        return tuple(self._rooms[room].revert())

    def resume(self, room: str, *, now_s: float) -> None:
        """End a hold."""
        self._rooms[room].advance(now_s)
        self._rooms[room].resume()

    def select(self, room: str, policy: str) -> bool:
        """Take another policy for a room; return False when there is none of that name."""
        if policy not in self.policy.policies:
            return False
        self._rooms[room].select(policy)
        return True

    def leave(self, *, now_s: float, reason: str = 'the bridge ends') \
            -> tuple[AmbientAction, ...]:
        """Return the actions that hand all rooms back."""
        actions = []
        for engine in self._rooms.values():
            engine.advance(now_s)
            actions += engine.leave_all(reason)
        return tuple(actions)

    def confirmed(self, room: str, target: str) -> bool:
        """Whether a device has reported the state it was last asked for."""
        return self._rooms[room].targets[target].confirmed

    def silent(self, room: str, target: str) -> bool:
        """Whether a device has answered nothing, or nothing new, to its last command."""
        engine = self._rooms[room]
        known = engine.targets[target]
        if known.commanded is None or engine._in_window(known):
            return False
        return known.unresponsive or not known.reported_since

    def status(self, room: str) -> RoomStatus:
        """Return what a room is doing."""
        return self._rooms[room].status()

    def devices(self, room: str) -> tuple[DeviceStatus, ...]:
        """Return what is known of a room's devices."""
        engine = self._rooms[room]
        return tuple(DeviceStatus(name, engine.room.targets[name].kind, target.available,
                                  target.reported) for name, target in engine.targets.items())

    def faces(self, room: str) -> list[FaceEmotion]:
        """Return the faces that are in a room now."""
        engine = self._rooms[room]
        return [face for sighting in engine._sightings.values() if engine._fresh(sighting)
                for _, face in sighting.faces]

    def successor(self, policy: Policy) -> 'DecisionEngine':
        """Return an engine for another policy file that keeps holds, switches and snapshots."""
        engine = DecisionEngine(policy, local_time=self._given_local_time)
        for name, room in engine._rooms.items():
            if name in self._rooms:
                room.adopt(self._rooms[name])
        return engine


def describe(ask: Ask) -> str:
    """Return what is asked for, in words."""
    if isinstance(ask, LightState):
        return ask.describe()
    return f'scene {ask}' if isinstance(ask, str) else f'{ask:.0%} open'


def _problem(face: FaceEmotion) -> str:
    """Return what is wrong with a face's numbers, or an empty string."""
    for name, values in (('probabilities', face.probabilities), ('filtered', face.filtered)):
        values = np.asarray(values, float)
        if values.shape != (len(LABELS),):
            return f'{name} has the shape {values.shape}: expected ({len(LABELS)},)'
        if not np.isfinite(values).all():
            return f'{name} holds NaN or infinity'
        if (values < -1e-3).any() or (values > 1 + 1e-3).any() \
                or abs(values.sum() - 1) > _SUM_TOLERANCE:
            return f'{name} is no distribution: the sum is {values.sum():.3f}'
    for name in ('confidence', 'quality', 'valence', 'arousal'):
        value = getattr(face, name)
        low = -1.0 if name in ('valence', 'arousal') else 0.0
        if not math.isfinite(value) or not low - 1e-3 <= value <= 1 + 1e-3:
            return f'{name} is {value}: expected {low:g} to 1'
    if face.label not in LABELS and face.label != UNCERTAIN:
        return f'unknown label {face.label!r}'
    return ''

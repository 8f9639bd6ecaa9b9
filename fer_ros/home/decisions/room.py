# SPDX-License-Identifier: Apache-2.0
"""One room: what is to be done in it now."""

from collections.abc import Iterable
import math

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import AmbientAction, Command, NOBODY
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.answer import (
    Answer,
    choose,
    find_answer,
    habits_now,
    is_open,
    quiet_hours,
    unknown_conditions,
)
from fer_ros.home.decisions.attentiveness import Attentiveness
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.episode import Episode
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.headcount import Headcount
from fer_ros.home.decisions.memory import RoomMemory
from fer_ros.home.decisions.override import Override
from fer_ros.home.decisions.sightings import Sightings
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Cause, Request, State, Verdict
from fer_ros.home.lifecycle import Event
from fer_ros.home.policy import rooms as policy_rooms
from fer_ros.home.policy.adopted import AdoptedRule
from fer_ros.home.policy.rules import NO_RULES, Rules
from fer_ros.home.snapshot import LastAction, RoomSnapshot
from fer_ros.types import FaceEmotion, PersonAttention

#: What a person commands, and the end of the bridge, is done so fast, seconds.
PROMPT_S = 0.5


class Room:
    """The decisions of one room.

    :ivar targets: its devices, by name.
    :ivar habits: rules that people said yes to, before those of the policy.
    """

    def __init__(self, name: str, settings: policy_rooms.Room, policies: dict[str, Rules],
                 surroundings: Surroundings):
        self.name, self.settings = name, settings
        self.title = settings.name or name
        #: Without a policy the room is a sensor.
        self._policies = {known: rules for known, rules in policies.items()
                          if settings.allows(known)} or {'': NO_RULES}
        self._surroundings = surroundings
        self.enabled, self.policy = settings.enabled, settings.policy
        self.habits: tuple[AdoptedRule, ...] = ()
        self._build(RoomClock())
        self._last_set_s = -math.inf
        self._last: LastAction | None = None
        self._blocked_reason = ''

    def _build(self, clock: RoomClock) -> None:
        settings = self.settings
        self._clock = clock
        self._sightings = Sightings(settings, clock)
        self._attentiveness = Attentiveness(clock, settings.stale_after_s)
        self._headcount = Headcount(clock, settings.dwell_s)
        self._evidence = Evidence(settings, self._policies[self.policy],
                                  lambda placed: placed.rule.when is None
                                  or is_open(placed, self.moment))
        self._episode = Episode(clock)
        self._override = Override(clock, settings.hold.for_s)
        self.targets = {name: Target(name, spec, settings, clock)
                        for name, spec in settings.targets.items()}

    # What comes in.

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if not self._clock.advance(now_s):
            # Stamps from before the jump cannot be compared with those after it.
            self._sightings.clear()
            self._attentiveness.clear()
            self._headcount.clear()
            self._evidence.forget()

    def observe(self, source: str, faces: Iterable[FaceEmotion], stamp_s: float,
                frame_id: str) -> str:
        """Record what a source sees; return why it is refused, or an empty string."""
        refused = self._sightings.add(source, faces, stamp_s, frame_id)
        if not refused:
            self._headcount.see(len(self._sightings.faces))
            self._evidence.add(self._sightings.faces, stamp_s)
        return refused

    def attend(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record what the people attend to that a source sees."""
        self._attentiveness.add(source, people)

    def report(self, target: str, state: State, cause: Cause = Cause.UNKNOWN) -> None:
        """Record what a device says of itself."""
        device = self.targets[target]
        # What came within a request's time is judged before what comes after it.
        self._follow(device, device.check_time())
        self._follow(device, device.report(state, cause))

    def _follow(self, target: Target, verdict: Verdict) -> None:
        """Do what a person's change of a device means for the room."""
        if verdict.event is Event.CHANGED_MANUALLY:
            if self.settings.hold.scope == 'room':
                self._override.begin(target.holds.reason)
        elif verdict.event is Event.TURNED_ON_MANUALLY:
            # Somebody wants light: the hold ends, and an emotion must last again.
            if self._override.pending:
                self.resume()
            self._evidence.forget()

    # What is to be done.

    def tick(self) -> list[AmbientAction]:
        """Return what is to be done now."""
        for target in self.targets.values():
            self._follow(target, target.check_time())
        if not self.enabled:
            self._blocked_reason = 'switched off'
            return []
        if self._override.left_s:
            self._blocked_reason = f'on hold: {self._override.reason}'
            return []
        if self._override.pending:
            self.resume()
        self._episode.check_time()
        fresh = self._sightings.fresh
        if not fresh:
            # An empty picture of one camera says nothing while another is blind.
            self._sightings.doubt_emptiness()
        if self._sightings.occupied:
            for target in self.targets.values():
                target.left = False
            return self._attend() + self._give_back()
        if not fresh:
            self._blocked_reason = 'no fresh emotions'
            return self._give_back()
        self._blocked_reason = 'nobody is there'
        self._episode.follow(None, self.settings.nobody.after_s)
        actions = self._give_back()
        left = self._sightings.empty_s >= self.settings.nobody.after_s
        return actions + self._leave() if left else actions

    @property
    def moment(self) -> Moment:
        """What the conditions of rules are judged by."""
        now_s, surroundings = self._clock.now_s, self._surroundings
        return Moment(
            local=surroundings.local(now_s), sun_up=surroundings.sun_up(now_s),
            people=self._headcount.people, faces=tuple(self.faces),
            lasted_s=self._evidence.lasted_s, states=surroundings.states,
            attention=self._attentiveness.people)

    @property
    def _quiet(self) -> policy_rooms.QuietHours | None:
        return quiet_hours(self.settings, self._surroundings.local(self._clock.now_s).time())

    def _attend(self) -> list[AmbientAction]:
        """Somebody is there: do what the rule that fits asks for."""
        evidence, placed, habits = self._evidence, None, {}
        self._blocked_reason = evidence.reading.why or 'no feeling has lasted yet'
        if evidence.entered:
            choice = choose(self._policies[self.policy], evidence.key, evidence.valence_arousal,
                            self.moment)
            # A feeling that was lost for a moment goes on; another one must last first.
            if evidence.ready or choice.placed is self._episode.rule:
                placed = choice.placed
            if evidence.ready:
                self._blocked_reason = choice.why_not if self.policy else 'a sensor: no policy'
                habits = habits_now(self.habits, evidence.emotion, self.moment)
        self._episode.follow(placed, self.settings.dwell_s)
        if not evidence.ready:
            return []
        if placed is not None and placed.rule.undoes:
            self._episode.owed.update(
                (name, f'{placed.name}: as before') for name, target in self.targets.items()
                if placed.rule.targets is None or name in placed.rule.targets)
            placed = None
        elif placed is not None and self._episode.spent:
            self._blocked_reason = f'{placed.name} was done for {placed.rule.for_s:g} s'
            placed = None
        if placed is None and not habits:
            return []
        answer = find_answer(self.settings, self.title, self.policy, placed, evidence,
                             self.moment, habits)
        if isinstance(answer, str):
            self._blocked_reason = answer
            return []
        return self._answer(answer)

    def _answer(self, answer: Answer) -> list[AmbientAction]:
        cooled = self._clock.s - self._last_set_s >= self.settings.cooldown_s
        actions = []
        for target in self.targets.values():
            request = answer.request(target)
            if request is None:
                continue
            # What is asked now takes the place of what would be brought back.
            self._episode.owed.pop(target.name, None)
            request = target.kind.narrowed(request, target.holds.held)
            if request is None:
                self._blocked_reason = f'left alone: {target.holds.reason}'
                continue
            again = target.kind.each_episode(request, target.spec)
            if target.name in self._episode.asked if again else target.follows(request):
                self._episode.act(target.name)
                continue
            refusal = target.refusal(request) or ('' if cooled else 'cooling down')
            if refusal:
                self._blocked_reason = f'{target.name}: {refusal}'
                continue
            target.remember()
            habit, reason = answer.explain(target.name)
            actions.append(self._act(target, Command.SET, request, answer.transition_s,
                                     self._evidence.emotion, reason, habit))
            if not habit:
                self._episode.act(target.name)
        if actions:
            self._last_set_s = self._clock.s
        return actions

    def _give_back(self) -> list[AmbientAction]:
        """Bring back what rules that are over have changed."""
        actions = []
        for name, reason in self._episode.due.items():
            actions += self._restore(reason, self.settings.transition_s, limited=True,
                                     targets=(name,))
            if self.targets[name].restored:
                del self._episode.owed[name]
        return actions

    def _leave(self) -> list[AmbientAction]:
        """Nobody is there: end the episode."""
        nobody = self.settings.nobody
        reason = f'nobody for {nobody.after_s:g} s'
        if nobody.action == 'restore':
            return self._restore(reason, self.settings.transition_s, limited=True)
        actions = []
        for target in self.targets.values():
            if nobody.action == 'keep':
                target.keep()
                continue
            off = target.kind.off()
            if off is None or target.left or target.kind.same(target.request, off) \
                    or target.kind.is_off(target.reported):
                continue
            refusal = f'left alone: {target.holds.reason}' \
                if target.kind.narrowed(off, target.holds.held) is None else target.refusal(off)
            if refusal:
                self._blocked_reason = f'{target.name}: {refusal}'
                continue
            self._episode.owed.pop(target.name, None)
            # Once: who turns it on now is not seen by a camera, and wants light.
            target.left = True
            actions.append(self._act(target, Command.SET, off, self.settings.transition_s, NOBODY,
                                     reason))
        return actions

    def _restore(self, reason: str, transition_s: float, *, limited: bool,
                 quietly: bool = True, targets: Iterable[str] | None = None) \
            -> list[AmbientAction]:
        """Bring devices back to how they were.

        :param limited: obey what keeps rules from acting; else only what is not reachable stays.
        :param quietly: obey the quiet hours.
        :param targets: only these.
        """
        actions, quiet = [], self._quiet if quietly else None
        for target in self.targets.values() if targets is None else (
                self.targets[name] for name in targets):
            undo = target.undo()
            if undo is None:
                continue
            refusal = target.refusal(undo) if limited else (
                '' if target.available else 'not reachable')
            if quiet is not None and not refusal:
                undo = target.kind.quieted(
                    undo, target.reported,
                    None if quiet.action == 'nothing' else quiet.brightness_max)
                refusal = '' if undo is not None else f'quiet hours until {quiet.end:%H:%M}'
            if refusal:
                self._blocked_reason = f'{target.name}: {refusal}'
                continue
            emotion = self._evidence.emotion if self._sightings.occupied else NOBODY
            actions.append(self._act(target, Command.RESTORE, undo, transition_s, emotion, reason))
        return actions

    def _act(self, target: Target, command: Command, request: Request, transition_s: float,
             emotion: str, reason: str, habit: str = '') -> AmbientAction:
        request = target.ask(Event.SET if command == Command.SET else Event.RESTORE, request,
                             transition_s)
        self._last = LastAction(target.name, request, reason)
        return AmbientAction(
            stamp_s=self._clock.now_s, room=self.name, target=target.name, command=command,
            request=request, transition_s=transition_s, emotion=emotion,
            confidence=0.0 if emotion == NOBODY else min(1.0, self._evidence.support),
            reason=reason, frame_id=self._sightings.frame_id, habit=habit)

    # What a person commands.

    def switch(self, enabled: bool) -> list[AmbientAction]:
        """Switch on or off; off goes back to how the devices were."""
        if enabled == self.enabled:
            return []
        self.enabled = enabled
        self._evidence.forget()
        self._sightings.clear()
        self._headcount.clear()
        self._episode.clear()
        if enabled:
            return []
        self._end_hold()
        return self._restore('switched off', PROMPT_S, limited=False, quietly=False)

    def revert(self) -> list[AmbientAction]:
        """Go back to how the devices were, and leave the room alone for a while."""
        actions = self._restore('reverted by a person', PROMPT_S, limited=False, quietly=False)
        self._override.begin('reverted by a person')
        return actions

    def resume(self) -> None:
        """End the hold; an emotion must last again before anything is done."""
        self._end_hold()
        self._evidence.forget()
        self._episode.end()

    def _end_hold(self) -> None:
        self._override.end()
        for target in self.targets.values():
            target.resume()

    def select(self, policy: str) -> None:
        """Use another policy of the file.

        :raises ConfigurationError: when there is none of that name.
        """
        if policy not in self._policies:
            known = ', '.join(self.policies) or 'none, it is a sensor'
            raise ConfigurationError(f'policy {policy!r} is not one of {self.name}: expected one '
                                     f'of {known}')
        if policy != self.policy:
            self.policy = policy
            self._evidence.select(self._policies[policy])

    def release(self, reason: str) -> list[AmbientAction]:
        """Return the actions that hand the room back when the bridge ends."""
        if not self.settings.restore_on_exit or not self.enabled or self._override.left_s:
            return []
        return self._restore(reason, PROMPT_S, limited=False)

    # What can be seen.

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies that the room may take."""
        return tuple(filter(None, self._policies))

    @property
    def faces(self) -> list[FaceEmotion]:
        """The faces in view now."""
        return [face for _, face in self._sightings.faces]

    @property
    def snapshot(self) -> RoomSnapshot:
        """What the room is doing."""
        evidence, faces, emotion = self._evidence, len(self._sightings.faces), None
        if self.enabled and faces:
            emotion = evidence.emotion
        elif self.enabled and self._sightings.fresh:
            emotion = NOBODY
        felt = {} if not self.enabled or not faces else dict(zip(
            ('faces', 'confidence', 'valence', 'arousal'),
            (faces, evidence.confidence, *evidence.valence_arousal)))
        felt |= self._attentiveness.figures if self.enabled else {}
        left_s, reason = max(
            [(self._override.left_s, self._override.reason),
             *((target.holds.left_s, target.holds.reason) for target in self.targets.values()
               if target.holds.held)], key=lambda hold: hold[0])
        return RoomSnapshot(
            self.name, self.enabled, self.policy, self.policies, self._sightings.fresh,
            emotion, **felt, hold_left_s=left_s, hold_reason=reason,
            last=self._last, blocked_reason=self._blocked_reason,
            devices=tuple(target.snapshot for target in self.targets.values()),
            title=self.title)

    @property
    def unknown_conditions(self) -> list[str]:
        """Conditions of the room's policy that cannot be known now, each with its rule."""
        if not self.enabled or self._clock.now_s is None:
            return []
        return unknown_conditions(self._policies[self.policy], self.moment)

    def memory(self) -> dict:
        """Return what is to outlive the process, as plain data; no faces and no emotions."""
        settings, hold = self.settings, self._override
        return {'enabled': self.enabled, 'policy': self.policy,
                'file_enabled': settings.enabled, 'file_policy': settings.policy,
                'hold_until_s': hold.ends_s, 'hold_reason': hold.reason,
                'owed': self._episode.debts,
                'targets': {name: memory for name, target in self.targets.items()
                            if (memory := target.memory()) is not None}}

    def recall(self, memory: RoomMemory) -> None:
        """Go on where an earlier process was; where the policy file changed, the file wins."""
        if memory.file_enabled == self.settings.enabled:
            self.enabled = memory.enabled
        if memory.file_policy == self.settings.policy and memory.policy in self._policies:
            self.select(memory.policy)
        for name in memory.targets.keys() & self.targets.keys():
            self.targets[name].recall(memory.targets[name])
        if memory.hold_until_s is not None:
            self._override.recall(memory.hold_until_s, memory.hold_reason)
        self._episode.recall(name for name in memory.owed if name in self.targets)

    def adopt(self, old: 'Room') -> None:
        """Carry over what outlives a change of the policy file."""
        if old.settings.enabled == self.settings.enabled:
            self.enabled = old.enabled
        if old.policy in self._policies and old.settings.policy == self.settings.policy:
            self.policy = old.policy
        self._build(old._clock)
        self._override.adopt(old._override)
        old._episode.end()
        self._episode.owed = {name: reason for name, reason in old._episode.owed.items()
                              if name in self.targets}
        self._last_set_s, self._last = old._last_set_s, old._last
        self.habits = old.habits
        for name, target in old.targets.items():
            if name in self.targets and type(target.spec) is type(self.targets[name].spec):
                self.targets[name].adopt(target)

# SPDX-License-Identifier: Apache-2.0
"""The decisions of a room: input, actions and commands."""

from collections.abc import Iterable, Mapping

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import AmbientAction
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.actuation import Actuation
from fer_ros.home.decisions.answer import (
    choose,
    find_answer,
    habits_now,
    is_open,
    quiet_hours,
    unknown_conditions,
)
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.day import Day
from fer_ros.home.decisions.episode import Episode
from fer_ros.home.decisions.memory import RoomMemory, TargetMemory
from fer_ros.home.decisions.occupants import Occupants
from fer_ros.home.decisions.override import Override
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.decisions.target import Target
from fer_ros.home.devices import is_group
from fer_ros.home.fields import Part
from fer_ros.home.kinds.base import Cause, State, Verdict
from fer_ros.home.lifecycle import Event
from fer_ros.home.policy import rooms as policy_rooms
from fer_ros.home.policy.adopted import AdoptedRule
from fer_ros.home.policy.rules import NO_RULES, Rules
from fer_ros.home.snapshot import RoomSnapshot
from fer_ros.types import FaceEmotion, PersonAttention

#: Transition time of commands, and of restoring at the end, seconds.
PROMPT_S = 0.5


class Room:
    """Decides for one room.

    :ivar targets: its devices, by name.
    :ivar habits: adopted rules, which precede those of the policy.
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
        #: Of members of groups, until it is known that they are.
        self._remembered: dict[str, TargetMemory] = {}
        self._former: dict[str, Target] = {}
        self._build(RoomClock())

    def _build(self, clock: RoomClock) -> None:
        settings = self.settings
        self._clock = clock
        self._occupants = Occupants(settings, self._policies[self.policy], clock,
                                    lambda placed: placed.rule.when is None
                                    or is_open(placed, self.moment))
        self._evidence, self._sightings = self._occupants.evidence, self._occupants.sightings
        self._episode = Episode(clock)
        self._override = Override(clock, settings.hold.for_s)
        self.targets = {name: Target(name, spec, settings, clock)
                        for name, spec in settings.targets.items() if not is_group(spec)}
        self._day = Day(settings.base, self._surroundings, clock)
        self._actuation = Actuation(self.name, settings, self.targets, self._occupants,
                                    self._episode, clock)

    # Input.

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if not self._clock.advance(now_s):
            # Stamps from before the jump cannot be compared with those after it.
            self._occupants.clear()

    def observe(self, source: str, faces: Iterable[FaceEmotion], stamp_s: float,
                frame_id: str) -> str:
        """Record the faces of a source; return why they are rejected, or an empty string."""
        return self._occupants.observe(source, faces, stamp_s, frame_id)

    def attend(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record the attention of the people of a source."""
        self._occupants.attend(source, people)

    def report(self, target: str, state: State, cause: Cause = Cause.UNKNOWN) -> None:
        """Record a device's reported state."""
        device = self.targets[target]
        # Reports within a request's time are judged before later ones.
        self._follow(device, device.check_time())
        self._follow(device, device.report(state, cause))

    def _follow(self, target: Target, verdict: Verdict) -> None:
        """Handle the effect of a person's change of a device on the room."""
        if verdict.event is Event.CHANGED_MANUALLY:
            if self.settings.hold.scope == 'room':
                self._override.begin(target.holds.reason)
        elif verdict.event is Event.TURNED_ON_MANUALLY:
            # A person turned a light on: the hold ends, and an emotion must last again.
            if self._override.pending:
                self.resume()
            self._evidence.forget()

    # Actions.

    def tick(self) -> list[AmbientAction]:
        """Return the actions due now."""
        for target in self.targets.values():
            self._follow(target, target.check_time())
        if not self.enabled:
            return self._wait('switched off')
        if self._override.left_s:
            return self._wait(f'on hold: {self._override.reason}')
        if self._override.pending:
            self.resume()
        day = self._day.light
        for target in self.targets.values():
            target.day = day if day is not None and target.is_among(
                self.settings.base.targets) else None
        return self._react() + self._actuation.follow_day(self._quiet)

    def _react(self) -> list[AmbientAction]:
        """Do what is right for who is there, or for nobody."""
        self._episode.check_time()
        fresh = self._sightings.fresh
        if not fresh:
            # An empty image of one camera is not conclusive while another has no data.
            self._sightings.doubt_emptiness()
        if self._sightings.occupied:
            for target in self.targets.values():
                target.left = False
            return self._attend() + self._actuation.restore_owed(self._quiet)
        if not fresh:
            self._wait('no fresh emotions')
            return self._actuation.restore_owed(self._quiet)
        self._wait('nobody in view')
        self._episode.follow(None, self.settings.nobody.after_s)
        actions = self._actuation.restore_owed(self._quiet)
        left = self._sightings.empty_s >= self.settings.nobody.after_s
        return actions + self._actuation.leave(self._quiet) if left else actions

    def _wait(self, reason: str) -> list[AmbientAction]:
        self._actuation.blocked_reason = reason
        return []

    @property
    def moment(self) -> Moment:
        """Data for the conditions of rules."""
        now_s, surroundings, occupants = self._clock.now_s, self._surroundings, self._occupants
        return Moment(
            local=surroundings.local(now_s), sun_up=surroundings.sun_up(now_s),
            people=occupants.count, faces=tuple(occupants.faces),
            lasted_s=self._evidence.lasted_s, states=surroundings.states,
            attention=occupants.attention.people)

    @property
    def _quiet(self) -> policy_rooms.QuietHours | None:
        return quiet_hours(self.settings, self._surroundings.local(self._clock.now_s).time())

    def _attend(self) -> list[AmbientAction]:
        """Return the actions of the rule that applies, with people in view."""
        evidence, placed, habits = self._evidence, None, {}
        self._wait(evidence.reading.why or 'no feeling has lasted yet')
        if evidence.entered:
            choice = choose(self._policies[self.policy], evidence.key, evidence.valence_arousal,
                            self.moment)
            # An emotion that was lost for a moment continues; another one must last first.
            if evidence.ready or choice.placed is self._episode.rule:
                placed = choice.placed
            if evidence.ready:
                self._wait(choice.blocked_reason if self.policy else 'a sensor: no policy')
                habits = habits_now(self.habits, evidence.emotion, self.moment)
        self._episode.follow(placed, self.settings.dwell_s)
        if not evidence.ready:
            return []
        if placed is not None and placed.rule.undoes:
            self._episode.owed.update(
                (name, f'{placed.name}: as before') for name, target in self.targets.items()
                if target.is_among(placed.rule.targets))
            placed = None
        elif placed is not None and self._episode.spent:
            self._wait(f'{placed.name} was done for {placed.rule.for_s:g} s')
            placed = None
        if placed is None and not habits:
            return []
        answer = find_answer(self.settings, self.title, self.policy, placed, evidence,
                             self.moment, habits)
        return self._wait(answer) if isinstance(answer, str) else self._actuation.answer(answer)

    def regroup(self, group: str, members: Mapping[str, Part]) -> list[AmbientAction]:
        """Take which devices belong to a group now; return what hands back those that left it."""
        gone = [name for name, target in self.targets.items()
                if target.group == group and name not in members]
        actions = self._actuation.restore(f'no longer one of {group}', PROMPT_S, limited=False,
                                          targets=gone)
        for name in gone:
            self._episode.forget(name)
            del self.targets[name]
        for name, spec in members.items():
            if name in self.targets:
                continue
            target = self.targets[name] = Target(name, spec, self.settings, self._clock, group)
            if name in self._former:
                target.adopt(self._former.pop(name))
            elif name in self._remembered:
                target.recall(self._remembered.pop(name))
        return actions

    # What a person commands.

    def switch(self, enabled: bool) -> list[AmbientAction]:
        """Switch on or off; off restores the devices."""
        if enabled == self.enabled:
            return []
        self.enabled = enabled
        self._occupants.clear()
        self._episode.clear()
        if enabled:
            return []
        self._end_hold()
        return self._actuation.restore('switched off', PROMPT_S, limited=False)

    def revert(self) -> list[AmbientAction]:
        """Restore the devices, and put the room on hold."""
        actions = self._actuation.restore('reverted by a person', PROMPT_S, limited=False)
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
        """Return the actions that restore the room when the bridge ends."""
        if not self.settings.restore_on_exit or not self.enabled or self._override.left_s:
            return []
        return self._actuation.restore(reason, PROMPT_S, limited=False, quiet=self._quiet)

    # State.

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies that the room may use."""
        return tuple(filter(None, self._policies))

    @property
    def faces(self) -> list[FaceEmotion]:
        """The faces in view now."""
        return self._occupants.faces

    @property
    def snapshot(self) -> RoomSnapshot:
        """The snapshot of the room."""
        left_s, reason = max(
            [(self._override.left_s, self._override.reason),
             *((target.holds.left_s, target.holds.reason) for target in self.targets.values()
               if target.holds.held)], key=lambda hold: hold[0])
        return RoomSnapshot(
            self.name, self.enabled, self.policy, self.policies, self._sightings.fresh,
            self._occupants.emotion if self.enabled else None,
            **self._occupants.figures if self.enabled else {},
            hold_left_s=left_s, hold_reason=reason, last=self._actuation.last,
            blocked_reason=self._actuation.blocked_reason,
            devices=tuple(target.snapshot for target in self.targets.values()),
            title=self.title)

    @property
    def unknown_conditions(self) -> list[str]:
        """Unknown conditions of the room's policy, each with its rule."""
        if not self.enabled or self._clock.now_s is None:
            return []
        return unknown_conditions(self._policies[self.policy], self.moment)

    # State kept across restarts, or across policy files.

    def memory(self) -> dict:
        """Return the state to keep across restarts, as plain data; no faces and no emotions."""
        settings, hold = self.settings, self._override
        return {'enabled': self.enabled, 'policy': self.policy,
                'file_enabled': settings.enabled, 'file_policy': settings.policy,
                'hold_until_s': hold.ends_s, 'hold_reason': hold.reason,
                'owed': self._episode.debts,
                'targets': {
                    **{name: memory.model_dump(mode='json')
                       for name, memory in self._remembered.items()},
                    **{name: memory for name, target in self.targets.items()
                       if (memory := target.memory()) is not None}}}

    def recall(self, memory: RoomMemory) -> None:
        """Restore the state of an earlier process; if the policy file changed, the file wins."""
        if memory.file_enabled == self.settings.enabled:
            self.enabled = memory.enabled
        if memory.file_policy == self.settings.policy and memory.policy in self._policies:
            self.select(memory.policy)
        for name in memory.targets.keys() & self.targets.keys():
            self.targets[name].recall(memory.targets[name])
        groups = tuple(f'{name}_' for name, spec in self.settings.targets.items()
                       if is_group(spec))
        self._remembered = {name: one for name, one in memory.targets.items()
                            if name not in self.targets and name.startswith(groups)}
        if memory.hold_until_s is not None:
            self._override.recall(memory.hold_until_s, memory.hold_reason)
        self._episode.recall(name for name in memory.owed
                             if name in self.targets or name in self._remembered)

    def adopt(self, old: 'Room') -> None:
        """Take over the state from the room of another policy file."""
        if old.settings.enabled == self.settings.enabled:
            self.enabled = old.enabled
        if old.policy in self._policies and old.settings.policy == self.settings.policy:
            self.policy = old.policy
        self._build(old._clock)
        self._override.adopt(old._override)
        old._episode.end()
        self._remembered = old._remembered
        self._former = {name: target for name, target in old.targets.items()
                        if target.group in self.settings.targets}
        self._episode.owed = {name: reason for name, reason in old._episode.owed.items()
                              if name in self.targets or name in self._former}
        self._actuation.adopt(old._actuation)
        self.habits = old.habits
        for name, target in old.targets.items():
            if name in self.targets and type(target.spec) is type(self.targets[name].spec):
                self.targets[name].adopt(target)

# SPDX-License-Identifier: Apache-2.0
"""Create a room's actions, within what its devices allow now."""

from collections.abc import Iterable, Mapping
import math

from fer_ros.home.action import AmbientAction, Command, NOBODY
from fer_ros.home.decisions.answer import Answer
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.episode import Episode
from fer_ros.home.decisions.occupants import Occupants
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Request
from fer_ros.home.lifecycle import Event
from fer_ros.home.policy.rooms import QuietHours, Room
from fer_ros.home.snapshot import LastAction


class Actuation:
    """Creates the actions of a room; each is allowed by its device, or the reason is reported.

    :param room: its name, as in the policy.
    :ivar last: the latest action, or None.
    :ivar blocked_reason: why the room does not act now, or empty.
    """

    def __init__(self, room: str, settings: Room, targets: Mapping[str, Target],
                 occupants: Occupants, episode: Episode, clock: RoomClock):
        self._room, self._settings, self._targets = room, settings, targets
        self._occupants, self._episode, self._clock = occupants, episode, clock
        self._last_set_s = -math.inf
        self.last: LastAction | None = None
        self.blocked_reason = ''

    def answer(self, answer: Answer) -> list[AmbientAction]:
        """Return the actions for a rule's answer."""
        cooled = self._clock.s - self._last_set_s >= self._settings.cooldown_s
        actions = []
        for target in self._targets.values():
            request = answer.request(target)
            if request is None:
                continue
            # The new request replaces a pending restore.
            self._episode.owed.pop(target.name, None)
            request = target.kind.narrowed(request, target.holds.held)
            if request is None:
                self.blocked_reason = f'left alone: {target.holds.reason}'
                continue
            again = target.kind.each_episode(request, target.spec)
            if target.name in self._episode.requested if again else target.follows(request):
                self._episode.act(target.name)
                continue
            refusal = target.refusal(request) or ('' if cooled else 'cooling down')
            if refusal:
                self.blocked_reason = f'{target.name}: {refusal}'
                continue
            target.remember()
            habit, reason = answer.explain(target.name)
            actions.append(self._act(target, Command.SET, request, answer.transition_s,
                                     self._occupants.evidence.emotion, reason, habit))
            self._episode.act(target.name)
        if actions:
            self._last_set_s = self._clock.s
        return actions

    def follow_day(self, quiet: QuietHours | None) -> list[AmbientAction]:
        """Take the next step to what the day makes of devices that no rule has changed."""
        actions = []
        for target in self._targets.values():
            step = target.step()
            step = None if step is None else target.kind.narrowed(step, target.holds.held)
            if step is not None and quiet is not None:
                step = target.kind.quieted(step, target.reported, _cap(quiet))
            if step is not None and not target.refusal(step):
                actions.append(self._act(target, Command.SET, step, self._settings.transition_s,
                                         self._emotion, 'the light of the day', resting=True))
        return actions

    def restore_owed(self, quiet: QuietHours | None) -> list[AmbientAction]:
        """Restore what rules that are over have changed."""
        actions, late = [], 'the quiet hours are over'
        due = {**{name: late for name, target in self._targets.items() if target.partly},
               **self._episode.due}
        for name, reason in due.items():
            if name not in self._targets:
                # Of a group whose members are not known yet.
                continue
            actions += self.restore(reason, self._settings.transition_s, quiet=quiet,
                                    targets=(name,))
            if self._targets[name].restored:
                self._episode.owed.pop(name, None)
        return actions

    def leave(self, quiet: QuietHours | None) -> list[AmbientAction]:
        """Return the policy's actions for a room that everyone has left."""
        nobody = self._settings.nobody
        reason = f'nobody for {nobody.after_s:g} s'
        if nobody.action == 'restore':
            return self.restore(reason, self._settings.transition_s, quiet=quiet)
        actions = []
        for target in self._targets.values():
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
                self.blocked_reason = f'{target.name}: {refusal}'
                continue
            self._episode.owed.pop(target.name, None)
            # Once: a person who turns it on now is not seen by a camera, and needs light.
            target.left = True
            actions.append(self._act(target, Command.SET, off, self._settings.transition_s,
                                     NOBODY, reason))
        return actions

    def restore(self, reason: str, transition_s: float, *, limited: bool = True,
                quiet: QuietHours | None = None, targets: Iterable[str] | None = None) \
            -> list[AmbientAction]:
        """Restore devices to their previous state.

        :param limited: obey the limits of rules; otherwise only unreachable devices are skipped.
        :param quiet: the quiet hours to obey, or None.
        :param targets: only these.
        """
        actions = []
        for target in self._targets.values() if targets is None else (
                self._targets[name] for name in targets):
            undo = target.undo()
            if undo is None:
                continue
            partly = False
            refusal = target.refusal(undo) if limited else (
                '' if target.available else 'not reachable')
            if quiet is not None and not refusal:
                whole, undo = undo, target.kind.quieted(undo, target.reported, _cap(quiet))
                partly = undo is not whole
                refusal = '' if undo is not None else f'quiet hours until {quiet.end:%H:%M}'
            if refusal:
                self.blocked_reason = f'{target.name}: {refusal}'
                continue
            actions.append(self._act(target, Command.RESTORE, undo, transition_s, self._emotion,
                                     reason))
            target.partly = partly
        return actions

    @property
    def _emotion(self) -> str:
        occupants = self._occupants
        return occupants.evidence.emotion if occupants.sightings.occupied else NOBODY

    def _act(self, target: Target, command: Command, request: Request, transition_s: float,
             emotion: str, reason: str, habit: str = '', *, resting: bool = False) \
            -> AmbientAction:
        request = target.ask(Event.SET if command == Command.SET else Event.RESTORE, request,
                             transition_s, resting=resting)
        if not resting:
            self.last = LastAction(target.name, request, reason)
        support = self._occupants.evidence.support
        return AmbientAction(
            stamp_s=self._clock.now_s, room=self._room, target=target.name, command=command,
            request=request, transition_s=transition_s, emotion=emotion,
            confidence=0.0 if emotion == NOBODY else min(1.0, support),
            reason=reason, frame_id=self._occupants.sightings.frame_id, habit=habit,
            daily=resting)

    def adopt(self, old: 'Actuation') -> None:
        """Continue from the object of another policy file."""
        self._last_set_s, self.last = old._last_set_s, old.last


def _cap(quiet: QuietHours) -> float | None:
    """Return the brightness that quiet hours allow, or None when they allow nothing new."""
    return None if quiet.action == 'nothing' else quiet.brightness_max

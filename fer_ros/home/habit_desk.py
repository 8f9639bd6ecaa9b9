# SPDX-License-Identifier: Apache-2.0
"""Connects the habits of a home with its rooms."""

from collections.abc import Callable
from datetime import datetime
import math
from pathlib import Path
from zoneinfo import ZoneInfo

from fer_ros.errors import ConfigurationError
from fer_ros.habits.keeper import HabitKeeper, wanted
from fer_ros.habits.places import habits_folder
from fer_ros.habits.views import RoomHabits
from fer_ros.home.action import AmbientAction
from fer_ros.home.commands import RoomCommand
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.kinds.base import Cause
from fer_ros.home.policy import Policy
from fer_ros.home.policy.rules import Rules

#: How often conditions are looked at, seconds.
_CONDITIONS_S = 1.0


class HabitDesk:
    """Runs the habits of a home if its policy enables them.

    :param folder: folder of the log and the model if the policy has none; None: the ROS home.
    :param on_event: called with room, event and its attributes, for automations.
    :ivar keeper: None if nothing is learned.
    """

    def __init__(self, folder: Path | None, on_event: Callable[[str, str, dict], None]):
        self._folder, self._on_event = folder, on_event
        self.keeper: HabitKeeper | None = None
        self._now_s, self._asked_s = 0.0, -math.inf

    def begin(self, policy: Policy, path: Path | None, engine: DecisionEngine, now_s: float) \
            -> None:
        """Activate the adopted rules; start to record and learn with the first call."""
        self._now_s = now_s
        if self.keeper is not None:
            for name in engine.rooms:
                engine.room(name).habits = self.keeper.rules(name)
        elif wanted(policy):
            zone = ZoneInfo(policy.time_zone) if policy.time_zone else None
            folder = self._folder if self._folder is not None and not policy.habits.folder \
                else habits_folder(policy.habits.folder)
            self.keeper = HabitKeeper(
                policy, path, folder, now_s=now_s, on_event=self._on_event,
                utc_offset=lambda at_s: round(datetime.fromtimestamp(at_s, zone).astimezone(
                    zone).utcoffset().total_seconds()))

    def follow(self, policy: Policy, engine: DecisionEngine, now_s: float) -> None:
        """Record what the rooms did, and which conditions of their rules hold."""
        if self.keeper is None:
            return
        self.keeper.tick(map(engine.snapshot, engine.rooms), now_s)
        if 0 <= now_s - self._asked_s < _CONDITIONS_S:
            return
        self._asked_s = now_s
        for room in map(engine.room, engine.rooms):
            if room.policy in policy.policies:
                self.keeper.conditions(room.name, conditions_now(
                    policy.policies[room.policy], room.moment), now_s)

    def reported(self, room: str, target: str, cause: Cause) -> None:
        """Take who is behind what a device has just reported."""
        if self.keeper is not None:
            self.keeper.reported(room, target, cause)

    def acted(self, action: AmbientAction) -> None:
        """Record an action."""
        if self.keeper is not None:
            self.keeper.acted(action, self._now_s)

    def commanded(self, room: str, command: RoomCommand, now_s: float) -> None:
        """Record a person's command."""
        if self.keeper is not None and command is not RoomCommand.SELECT_POLICY:
            self.keeper.commanded(room, command.word, now_s)

    def end(self, engine: DecisionEngine, now_s: float) -> None:
        """Write the model, and deactivate the adopted rules."""
        if self.keeper is not None:
            self.keeper.close(now_s)
            self.keeper = None
            for name in engine.rooms:
                engine.room(name).habits = ()

    def of(self, room: str, engine: DecisionEngine) -> HabitKeeper:
        """Return the keeper of a room.

        :raises ConfigurationError: when there is no such room, or its habits are off.
        """
        if room not in engine.rooms:
            raise ConfigurationError(f'no room {room!r}: expected one of '
                                     f'{", ".join(engine.rooms)}')
        if self.keeper is None:
            raise ConfigurationError(f'{room}: habits are off in the policy: write habits: '
                                     'suggest, ask or apply at the room')
        return self.keeper

    def view(self, room: str) -> RoomHabits | None:
        """Return the habits of a room, or None if nothing is learned."""
        return None if self.keeper is None else self.keeper.view(room, self._now_s)

    @property
    def problems(self) -> list[str]:
        """Problems, each with what to do."""
        return [] if self.keeper is None else self.keeper.problems


def conditions_now(rules: Rules, moment: Moment) -> dict[str, str]:
    """Return for each condition of some rules, as rule and kind, whether it holds.

    :returns: yes, no or unknown; how long a feeling has led is not asked, it is of the feeling.
    """
    return {f'{placed.name}: {condition.name}':
            'unknown' if finding.unknown else 'yes' if finding.holds else 'no'
            for placed in rules.ordered if placed.rule.when is not None
            for condition, value in placed.rule.when.pairs if not condition.of_feeling
            for finding in [condition.judge(value, moment)]}

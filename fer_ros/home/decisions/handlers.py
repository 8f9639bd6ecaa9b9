# SPDX-License-Identifier: Apache-2.0
"""Handlers of room commands. A new command: one line here, and one in RoomCommand."""

from collections.abc import Callable

from fer_ros.home.action import AmbientAction
from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.room import Room

#: Each takes the room and the command's argument, and returns actions, if any.
HANDLERS: dict[RoomCommand, Callable[[Room, str], list[AmbientAction] | None]] = {
    RoomCommand.SWITCH_ON: lambda room, _: room.switch(True),
    RoomCommand.SWITCH_OFF: lambda room, _: room.switch(False),
    RoomCommand.REVERT: lambda room, _: room.revert(),
    RoomCommand.RESUME: lambda room, _: room.resume(),
    RoomCommand.SELECT_POLICY: lambda room, policy: room.select(policy),
}

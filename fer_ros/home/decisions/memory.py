# SPDX-License-Identifier: Apache-2.0
"""State kept across restarts: switches, holds, and what to undo.

It contains no faces and no emotions.
Rooms and targets provide their state as plain data; the models here check it when it is read.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.lifecycle import ControlState
from pydantic import Field, TypeAdapter, ValidationError

#: Version of the format; other versions are not read.
VERSION = 1
_Text = Annotated[str, Field(max_length=1000)]
_Data = dict[str, Any]


class TargetMemory(Part):
    """Stored state of a device.

    :ivar type: of the target in the policy; another one is another device.
    :ivar resting: whether the request is only what the day makes of the device.
    :ivar partly: whether the rest of the way back is still to come.
    :ivar moved: whether it had been seen to follow the request.
    :ivar holds: end of the hold of each attribute, seconds since 1970.
    """

    type: _Text
    state: ControlState
    request: _Data | None = None
    origin: _Data | None = None
    chosen: _Data | None = None
    resting: bool = False
    partly: bool = False
    moved: bool = False
    holds: dict[_Text, float] = {}
    hold_reason: _Text = ''


class RoomMemory(Part):
    """Stored state of a room.

    :ivar file_enabled: and ``file_policy``: values in the policy file then; if they have changed,
        the file wins.
    :ivar hold_until_s: the end of the hold, seconds since 1970, or None.
    :ivar owed: targets to be restored.
    """

    enabled: bool
    policy: _Text
    file_enabled: bool
    file_policy: _Text
    hold_until_s: float | None = None
    hold_reason: _Text = ''
    owed: tuple[Name, ...] = ()
    targets: dict[Name, TargetMemory] = {}


class HomeMemory(Part):
    """Stored state of a home."""

    version: Literal[VERSION]
    rooms: dict[Name, RoomMemory]


def pack(value: State | Request | None) -> _Data | None:
    """Return a state or a request as plain data."""
    return None if value is None else asdict(value)


def unpack_state(kind: str, data: _Data | None) -> State | None:
    """Return a state of a kind of device from plain data, or None if it is invalid."""
    return _unpack(KINDS[kind].state_type, data)


def unpack_request(kind: str, data: _Data | None) -> Request | None:
    """Return a request to a kind of device from plain data, or None if it is invalid."""
    return _unpack(KINDS[kind].request_type, data)


def _unpack(made: type | None, data: _Data | None) -> Any:
    try:
        return TypeAdapter(made).validate_python(data)
    except ValidationError:
        return None

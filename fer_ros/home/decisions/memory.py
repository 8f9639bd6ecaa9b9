# SPDX-License-Identifier: Apache-2.0
"""What outlives the process: what people switched, and what is to be undone.

No faces and no emotions.
Rooms and targets give what they remember as plain data; what is read again is checked by the
models here.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fer_ros.home.fields import Name, Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.lifecycle import ControlState
from pydantic import Field, TypeAdapter, ValidationError

#: Of the form of what is remembered; another one is not read.
VERSION = 1
_Text = Annotated[str, Field(max_length=1000)]
_Data = dict[str, Any]


class TargetMemory(Part):
    """What is remembered of a device.

    :ivar type: of the target in the policy; another one is another device.
    :ivar resting: whether the request is only what the day makes of the device.
    :ivar partly: whether the rest of the way back is still to come.
    :ivar moved: whether it had been seen to follow the request.
    :ivar holds: until when what a person had changed is left alone, seconds since 1970.
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
    """What is remembered of a room.

    :ivar file_enabled: and ``file_policy``: what the policy file said then; where it says
        something else now, the file wins.
    :ivar hold_until_s: the end of the hold, seconds since 1970, or None.
    :ivar owed: targets that are to be brought back.
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
    """What is remembered of a home."""

    version: Literal[VERSION]
    rooms: dict[Name, RoomMemory]


def pack(value: State | Request | None) -> _Data | None:
    """Return a state or a request as plain data."""
    return None if value is None else asdict(value)


def unpack_state(kind: str, data: _Data | None) -> State | None:
    """Return a state of a kind of device from plain data, or None where it makes no sense."""
    return _unpack(KINDS[kind].state_type, data)


def unpack_request(kind: str, data: _Data | None) -> Request | None:
    """Return a request to a kind of device from plain data, or None where it makes no sense."""
    return _unpack(KINDS[kind].request_type, data)


def _unpack(made: type | None, data: _Data | None) -> Any:
    if made is None or data is None:
        return None
    try:
        return TypeAdapter(made).validate_python(data)
    except ValidationError:
        return None

# SPDX-License-Identifier: Apache-2.0
"""Conversions of the home's requests, actions and states.

Separate from the other conversions, because the home's rules import libraries (12 MiB) that
nodes which only see faces do not need.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fer_ros.conversions.habits import habits_to_message, message_to_habits
from fer_ros.conversions.stamps import s_to_stamp, stamp_to_s
from fer_ros.errors import FerError
from fer_ros.home.action import AmbientAction, Command, Outcome
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.kinds.blind import BlindRequest, BlindState
from fer_ros.home.kinds.light import LightRequest
from fer_ros.home.kinds.message import MessageRequest
from fer_ros.home.kinds.scene import SceneRequest
from fer_ros.home.kinds.switch import SwitchRequest, SwitchState
from fer_ros.home.kinds.volume import VolumeRequest, VolumeState
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import KELVIN_RANGE, LightState
from fer_ros.home.snapshot import DeviceSnapshot, LastAction, RoomSnapshot
from fer_ros.msg import AmbientAction as AmbientActionMsg
from fer_ros.msg import DeviceRequest, DeviceState, HomeState, RoomState
from fer_ros.msg import LightState as LightStateMsg
from std_msgs.msg import ColorRGBA, Header

_STATES = {state: getattr(DeviceState, state.name) for state in ControlState}
_STATE_OF = {number: state for state, number in _STATES.items()}


def light_to_message(light: LightState) -> LightStateMsg:
    """Return the state of a light as a message; unknown values become 0."""
    message = LightStateMsg(on=light.on, brightness=float(light.brightness or 0.0),
                            color_temperature_k=light.color_temperature_k or 0)
    if light.rgb is not None:
        red, green, blue = (float(channel) for channel in light.rgb)
        message.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return message


def message_to_light(message: LightStateMsg) -> LightState:
    """Return the state of a light; 0 means unknown or not requested.

    :raises FerError: when a number is out of range.
    """
    color = message.color
    for name, value in (('brightness', message.brightness), ('color.r', color.r),
                        ('color.g', color.g), ('color.b', color.b)):
        if not 0 <= value <= 1:
            raise FerError(f'{name} is {value:g}: expected 0 to 1')
    kelvin = message.color_temperature_k
    if kelvin and not KELVIN_RANGE[0] <= kelvin <= KELVIN_RANGE[1]:
        raise FerError(f'color_temperature_k is {kelvin}: expected {KELVIN_RANGE[0]} to '
                       f'{KELVIN_RANGE[1]}, or 0')
    return LightState(message.on, message.brightness or None,
                      (color.r, color.g, color.b) if color.a > 0 and not kelvin else None,
                      kelvin or None)


@dataclass(frozen=True)
class _Wire:
    """Conversion of a kind of device.

    :ivar number: its constant, the same in ``DeviceRequest`` and ``DeviceState``.
    :ivar request: returns the field and value of a request; ``read_request`` is the inverse.
    :ivar state: returns the field and value of a state; ``read_state`` is the inverse. None: the
        kind reports no state.
    """

    number: int
    request: Callable[[Request], tuple[str, object]]
    read_request: Callable[[DeviceRequest], Request]
    state: Callable[[State], tuple[str, object]] | None = None
    read_state: Callable[[DeviceState], State] | None = None


_WIRES = {
    'light': _Wire(DeviceState.LIGHT,
                   lambda request: ('light', light_to_message(request.expected)),
                   lambda message: LightRequest(message_to_light(message.light)),
                   lambda state: ('light', light_to_message(state)),
                   lambda message: message_to_light(message.light)),
    'scene': _Wire(DeviceState.SCENE,
                   lambda request: ('scene', request.scene),
                   lambda message: SceneRequest(message.scene)),
    'blind': _Wire(DeviceState.BLIND,
                   lambda request: ('position', float(request.position)),
                   lambda message: BlindRequest(message.position),
                   lambda state: ('position', float(state.position)),
                   lambda message: BlindState(message.position)),
    'message': _Wire(DeviceState.MESSAGE,
                     lambda request: ('text', request.text),
                     lambda message: MessageRequest(message.text)),
    'switch': _Wire(DeviceState.SWITCH,
                    lambda request: ('on', request.on),
                    lambda message: SwitchRequest(message.on),
                    lambda state: ('on', state.on),
                    lambda message: SwitchState(message.on)),
    'volume': _Wire(DeviceState.VOLUME,
                    lambda request: ('volume', float(request.volume)),
                    lambda message: VolumeRequest(message.volume),
                    lambda state: ('volume', float(state.volume)),
                    lambda message: VolumeState(message.volume)),
}
_KIND_OF = {wire.number: kind for kind, wire in _WIRES.items()}


def request_to_message(request: Request) -> DeviceRequest:
    """Return a request to a device as a message."""
    wire = _WIRES[request.kind]
    name, value = wire.request(request)
    return DeviceRequest(kind=wire.number, **{name: value})


def message_to_request(message: DeviceRequest) -> Request:
    """Return a request to a device.

    :raises FerError: for an unknown kind, or a number out of range.
    """
    if message.kind not in _KIND_OF:
        raise FerError(f'unknown kind {message.kind}')
    return _WIRES[_KIND_OF[message.kind]].read_request(message)


def action_to_message(action: AmbientAction) -> AmbientActionMsg:
    """Return an action of the smart-home bridge as a message."""
    return AmbientActionMsg(
        header=Header(stamp=s_to_stamp(action.stamp_s), frame_id=action.frame_id),
        room=action.room, target=action.target, command=int(action.command),
        request=request_to_message(action.request), transition_s=float(action.transition_s),
        emotion=action.emotion, confidence=float(action.confidence), reason=action.reason,
        habit=action.habit, outcome=int(action.outcome), detail=action.detail)


def message_to_action(message: AmbientActionMsg) -> AmbientAction:
    """Return the action of a message.

    :raises FerError: for an unknown kind, command or outcome, or a number out of range.
    """
    try:
        command, outcome = Command(message.command), Outcome(message.outcome)
    except ValueError as error:
        raise FerError(str(error)) from error
    return AmbientAction(
        stamp_s=stamp_to_s(message.header.stamp), frame_id=message.header.frame_id,
        room=message.room, target=message.target, command=command,
        request=message_to_request(message.request), transition_s=message.transition_s,
        emotion=message.emotion, confidence=message.confidence, reason=message.reason,
        outcome=outcome, detail=message.detail)


def home_to_message(rooms: Iterable[RoomSnapshot], stamp_s: float,
                    policy_file: str) -> HomeState:
    """Return the state of all rooms as a message."""
    return HomeState(header=Header(stamp=s_to_stamp(stamp_s)), policy_file=policy_file,
                     rooms=[_room_to_message(room) for room in rooms])


def _room_to_message(room: RoomSnapshot) -> RoomState:
    message = RoomState(
        room=room.room, title=room.title, enabled=room.enabled, policy=room.policy,
        policies=list(room.policies), fresh=room.fresh, known=room.known,
        emotion=room.emotion or '', confidence=float(room.confidence),
        faces=room.faces, valence=float(room.valence),
        arousal=float(room.arousal), on_hold=room.on_hold, hold_left_s=float(room.hold_left_s),
        hold_reason=room.hold_reason if room.on_hold else '', last_action=room.last_action,
        last_reason=room.last_reason, blocked_reason=room.blocked_reason,
        devices=[_device_to_message(device) for device in room.devices],
        habits=habits_to_message(room.room, room.habits))
    if room.last is not None:
        message.last_target = room.last.target
        message.last_request = request_to_message(room.last.request)
    return message


def _device_to_message(device: DeviceSnapshot) -> DeviceState:
    wire = _WIRES[device.kind]
    message = DeviceState(target=device.target, kind=wire.number, available=device.available,
                          state=_STATES[device.state], known=device.known)
    if device.known:
        name, value = wire.state(device.reported)
        setattr(message, name, value)
    return message


def message_to_home(message: HomeState) -> tuple[RoomSnapshot, ...]:
    """Return the state of all rooms.

    :raises FerError: for an unknown kind or state, or a number out of range.
    """
    return tuple(_message_to_room(room) for room in message.rooms)


def _message_to_room(room: RoomState) -> RoomSnapshot:
    known = {'emotion': room.emotion, 'confidence': room.confidence, 'faces': room.faces,
             'valence': room.valence, 'arousal': room.arousal} if room.known else {}
    last = LastAction(room.last_target, message_to_request(room.last_request),
                      room.last_reason) if room.last_target else None
    return RoomSnapshot(
        room=room.room, title=room.title, enabled=room.enabled, policy=room.policy,
        policies=tuple(room.policies),
        fresh=room.fresh, **known, hold_left_s=room.hold_left_s if room.on_hold else 0.0,
        hold_reason=room.hold_reason, last=last, blocked_reason=room.blocked_reason,
        devices=tuple(_message_to_device(room.room, device) for device in room.devices),
        habits=message_to_habits(room.habits))


def _message_to_device(room: str, device: DeviceState) -> DeviceSnapshot:
    if device.kind not in _KIND_OF or device.state not in _STATE_OF:
        raise FerError(f'{room}/{device.target}: unknown kind {device.kind} or state '
                       f'{device.state}')
    kind = _KIND_OF[device.kind]
    read = _WIRES[kind].read_state
    reported = read(device) if device.known and read is not None else None
    return DeviceSnapshot(device.target, kind, device.available, _STATE_OF[device.state],
                          reported)

# SPDX-License-Identifier: Apache-2.0
"""Between ROS messages and the core's dataclasses: what the home is told and does.

Apart from the other conversions, because the home's rules bring libraries (12 MiB) that nodes
which only see faces do not need.
"""

from collections.abc import Iterable

from fer_ros.conversions.stamps import s_to_stamp, stamp_to_s
from fer_ros.core.errors import FerError
from fer_ros.core.home.action import AmbientAction, Command, Outcome
from fer_ros.core.home.engine import DeviceStatus, RoomStatus
from fer_ros.core.home.light import KELVIN_RANGE, LightState
from fer_ros.msg import AmbientAction as AmbientActionMsg
from fer_ros.msg import DeviceState, HomeState, RoomState
from fer_ros.msg import LightState as LightStateMsg
from std_msgs.msg import ColorRGBA, Header


def action_to_message(action: AmbientAction) -> AmbientActionMsg:
    """Return an action of the smart-home bridge as a message."""
    detail = action.detail
    if action.scene or action.position is not None:
        asked = f'scene {action.scene}' if action.scene else f'{action.position:.0%} open'
        detail = f'{asked}; {detail}' if detail else asked
    red, green, blue = (float(channel) for channel in action.color)
    return AmbientActionMsg(
        header=Header(stamp=s_to_stamp(action.stamp_s), frame_id=action.frame_id),
        room=action.room, target=action.target, command=int(action.command), on=action.on,
        brightness=float(action.brightness),
        color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
        color_temperature_k=action.color_temperature_k,
        transition_s=float(action.transition_s), emotion=action.emotion,
        confidence=float(action.confidence), reason=action.reason, outcome=int(action.outcome),
        detail=detail)


def message_to_action(message: AmbientActionMsg) -> AmbientAction:
    """Return the action of a message; what a scene or blind was asked for is in its detail."""
    color = message.color
    return AmbientAction(
        stamp_s=stamp_to_s(message.header.stamp), frame_id=message.header.frame_id,
        room=message.room, target=message.target, command=Command(message.command),
        on=message.on, brightness=message.brightness, color=(color.r, color.g, color.b),
        color_temperature_k=message.color_temperature_k, transition_s=message.transition_s,
        emotion=message.emotion, confidence=message.confidence, reason=message.reason,
        outcome=Outcome(message.outcome), detail=message.detail)


def light_to_message(light: LightState) -> LightStateMsg:
    """Return the state of a light as a message; what is not known becomes 0."""
    message = LightStateMsg(on=light.on, brightness=float(light.brightness or 0.0),
                            color_temperature_k=light.color_temperature_k or 0)
    if light.rgb is not None:
        red, green, blue = (float(channel) for channel in light.rgb)
        message.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return message


def message_to_light(message: LightStateMsg) -> LightState:
    """Return the state of a light; 0 is not known, or not asked for.

    :raises FerError: when a number lies outside of its range.
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


def home_to_message(rooms: Iterable[tuple[RoomStatus, Iterable[DeviceStatus]]], stamp_s: float,
                    policy_file: str) -> HomeState:
    """Return what the home does, room by room."""
    kinds = {'light': DeviceState.LIGHT, 'scene': DeviceState.SCENE, 'blind': DeviceState.BLIND}
    message = HomeState(header=Header(stamp=s_to_stamp(stamp_s)), policy_file=policy_file)
    for status, devices in rooms:
        known = status.emotion is not None
        room = RoomState(
            room=status.room, enabled=status.enabled, policy=status.policy,
            policies=list(status.policies), fresh=known, emotion=status.emotion or '',
            on_hold=status.on_hold, hold_left_s=float(status.hold_left_s),
            hold_reason=status.hold_reason if status.on_hold else '',
            last_action=status.last_action, last_reason=status.last_reason,
            why_not=status.why_not)
        if known:
            room.confidence, room.faces = float(status.confidence), status.faces
            room.valence, room.arousal = float(status.valence), float(status.arousal)
        for device in devices:
            item = DeviceState(target=device.target, kind=kinds[device.kind],
                               available=device.available, known=device.reported is not None)
            if isinstance(device.reported, LightState):
                item.light = light_to_message(device.reported)
            elif device.reported is not None:
                item.position = float(device.reported)
            room.devices.append(item)
        message.rooms.append(room)
    return message


def message_to_home(message: HomeState) -> list[tuple[RoomStatus, list[DeviceStatus]]]:
    """Return what the home does, room by room.

    :raises FerError: when a number lies outside of its range.
    """
    kinds = {DeviceState.LIGHT: 'light', DeviceState.SCENE: 'scene', DeviceState.BLIND: 'blind'}
    rooms = []
    for room in message.rooms:
        status = RoomStatus(
            room=room.room, enabled=room.enabled, policy=room.policy,
            policies=tuple(room.policies), emotion=room.emotion if room.fresh else None,
            confidence=room.confidence, faces=room.faces, valence=room.valence,
            arousal=room.arousal, occupied=room.faces > 0 if room.fresh else None,
            stale=not room.fresh, hold_left_s=room.hold_left_s if room.on_hold else 0.0,
            hold_reason=room.hold_reason, last_action=room.last_action,
            last_reason=room.last_reason, why_not=room.why_not)
        devices = []
        for device in room.devices:
            kind = kinds.get(device.kind)
            if kind is None:
                raise FerError(f'{room.room}/{device.target}: unknown kind {device.kind}')
            reported = None
            if device.known:
                reported = device.position if kind == 'blind' else message_to_light(device.light)
            devices.append(DeviceStatus(device.target, kind, device.available, reported))
        rooms.append((status, devices))
    return rooms

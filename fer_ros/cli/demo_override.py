# SPDX-License-Identifier: Apache-2.0
"""Manual override in the demo: keys on a terminal, or a short script without a person."""

from collections.abc import Callable
import os
import select
import sys
import time

from fer_ros import conversions
from fer_ros.cli.demo_options import KEYS
from fer_ros.conversions import home as home_conversions
from fer_ros.errors import FerError
from fer_ros.home.light import LightState
from fer_ros.msg import DeviceState, HomeState
from fer_ros.nodes import qos
from fer_ros.srv import CommandRoom, SetLightByHand
from rclpy.node import Node

#: The script: the lamp is dimmed this long after the second action, and resumed this much later.
_DIM_AFTER_S, _RESUME_AFTER_S = 0.7, 6.0


class ManualOverride:
    """Changes the first lamp of the home as a person would, and records whether that is obeyed.

    :param scripted: act without a person: dim the lamp once, and resume later.
    :param report: called with a line about each event.
    """

    def __init__(self, node: Node, scripted: bool, report: Callable[[str], None]):
        self._scripted, self._report = scripted, report
        self._light = node.create_client(SetLightByHand, 'smart_home_bridge/light_by_hand')
        self._command = node.create_client(CommandRoom, 'smart_home_bridge/command_room')
        node.create_subscription(HomeState, 'smart_home_bridge/home_state', self._on_home,
                                 qos.STATE)
        self._place: tuple[str, str] | None = None
        self._acted: list[float] = []
        self._held_since_s: float | None = None
        self._second_s = self._dimmed_s = None
        #: The lamp's state, and why the room is on hold (empty: it is not).
        self.lamp: LightState | None = None
        self.hold = ''
        self.changes = 0
        self._holds: list[list[float]] = []

    def __enter__(self):
        self._terminal = None
        if sys.stdin is not None and sys.stdin.isatty():
            try:
                import termios
                import tty
                self._terminal = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
            except (ImportError, termios.error):
                pass
        if self._terminal is not None:
            self._report(f'You can change the lamp; keys: {KEYS}')
        return self

    def __exit__(self, *_):
        if self._terminal is not None:
            import termios
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)

    def acted(self, stamp_s: float) -> None:
        """Record an action of the bridge."""
        self._acted.append(stamp_s)

    def tick(self) -> None:
        """Handle keys and the script; call it about ten times per second."""
        while self._terminal is not None and select.select([sys.stdin], [], [], 0)[0]:
            # Bypass Python's buffer, which select does not see.
            keys = os.read(sys.stdin.fileno(), 64).decode('ascii', 'replace')
            if not keys:
                break
            for key in keys:
                if key in 'dbor':
                    self._scripted = False
                    self._press(key)
        if not self._scripted:
            return
        now = time.monotonic()
        if self._dimmed_s is None:
            if self._second_s is None and len(self._acted) >= 2:
                self._second_s = now
            elif self._second_s is not None and now - self._second_s >= _DIM_AFTER_S:
                self._dimmed_s = now
                self._press('d')
        elif self.hold and now - self._dimmed_s >= _RESUME_AFTER_S:
            self._scripted = False
            self._press('r')

    def summary(self) -> dict:
        """Return the manual changes and whether they were obeyed."""
        return {'changes': self.changes,
                'left_alone_s': round(sum(end - begin for begin, end in self._holds), 1),
                'actions_meanwhile': sum(any(begin < stamp_s < end for begin, end in self._holds)
                                         for stamp_s in self._acted)}

    def _press(self, key: str) -> None:
        if self._place is None:
            self._report('manual change: the home has no lamp, or has not reported it yet')
            return
        room, target = self._place
        if key == 'r':
            self._call(self._command, CommandRoom.Request(
                room=room, command=CommandRoom.Request.RESUME))
            return
        on = self.lamp is not None and self.lamp.on
        state = {'d': LightState(True, 0.15), 'b': LightState(True, 1.0),
                 'o': LightState(not on)}[key]
        self.changes += 1
        self._call(self._light, SetLightByHand.Request(
            room=room, target=target, light=home_conversions.light_to_message(state)))

    def _call(self, client, request) -> None:
        future = client.call_async(request)
        future.add_done_callback(lambda done: self._report('manual change: '
                                                           f'{done.result().message}'))

    def _on_home(self, message: HomeState) -> None:
        place = next(((room, device) for room in message.rooms for device in room.devices
                      if device.kind == DeviceState.LIGHT), None)
        if place is None:
            return
        room, device = place
        self._place = room.room, device.target
        try:
            self.lamp = home_conversions.message_to_light(device.light) if device.known else None
        except FerError:
            self.lamp = None
        stamp_s = conversions.stamp_to_s(message.header.stamp)
        if room.on_hold:
            if not self.hold:
                self._holds.append([stamp_s, stamp_s])
                self._report(f'{room.room} is left alone: {room.hold_reason}')
            self._holds[-1][1] = stamp_s
            self.hold = room.hold_reason
        elif self.hold:
            self._holds[-1][1] = stamp_s
            self.hold = ''
            self._report(f'{room.room} follows again')

# SPDX-License-Identifier: Apache-2.0
"""A simulated room on an MQTT broker: a lamp, a blind and scenes.

It uses Zigbee2MQTT's messages, so that what works with it works with real devices.
"""

import json
import threading
import time

from fer_ros.home.devices.dialects import make_dialect
from fer_ros.home.devices.mqtt_light import MqttLightTarget
from fer_ros.home.light import LightState
from fer_ros.home.policy import Broker
from fer_ros.home.virtual_lamp import VirtualLamp
from fer_ros.home.world.mqtt import MqttConnection
from fer_ros.workers import Faults, Worker

#: States of the lamp in the scenes of the virtual room.
SCENES = {
    'relax': LightState(True, 0.35, color_temperature_k=2200),
    'bright': LightState(True, 1.0, color_temperature_k=5000),
    'night': LightState(False),
}
_FADE_REPORT_S = 0.2


class VirtualRoom:
    """A lamp on ``BASE/lamp``, a blind on ``BASE/blind``, scenes on ``BASE/scene``.

    Commands arrive on ``.../set``, queries on ``.../get``; reports are published (retained, as
    Zigbee2MQTT can be configured) on the topic itself. The payload for a scene is its name.

    :param answers: False simulates a lamp that accepts everything and never reports.
    """

    def __init__(self, broker: Broker, base: str = 'virtual_room', *, answers: bool = True,
                 connection_options: dict | None = None):
        self._base, self._answers = base, answers
        spec = MqttLightTarget(type='mqtt_light', topic=f'{base}/lamp')
        self._dialect = make_dialect(spec)
        self._lamp, self._blind = VirtualLamp(), 1.0
        self._lock = threading.RLock()
        #: Held while reporting, so that no older state is reported last; never taken in _lock.
        self._reporting = threading.Lock()
        self._reported: LightState | None = None
        self._stop = threading.Event()
        #: All received commands, latest last: topic and payload.
        self.commands: list[tuple[str, str]] = []
        self._connection = MqttConnection(
            broker, client_id=f'{base.replace("/", "_")}-room', on_message=self._receive,
            on_connect=self._connected, **(connection_options or {}))
        for topic in ('lamp/set', 'lamp/get', 'blind/set', 'blind/get', 'scene'):
            self._connection.subscribe(f'{base}/{topic}')
        self._worker = Worker('virtual room', self._run, Faults(), daemon=True)

    def start(self) -> None:
        """Connect and answer."""
        self._connection.start()
        self._worker.start()

    def stop(self) -> None:
        """Disconnect."""
        self._stop.set()
        self._connection.stop()
        self._worker.end(2.0)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._connection.connected

    @property
    def problem(self) -> str:
        """What is wrong with the connection, or an empty string."""
        return self._connection.state.problem

    @property
    def lamp(self) -> LightState:
        """The lamp's present state."""
        with self._lock:
            return self._lamp.state(time.monotonic())

    @property
    def blind(self) -> float:
        """How far the blind is open, [0, 1]."""
        return self._blind

    def change_manually(self, state: LightState) -> None:
        """Change the lamp as a person would."""
        with self._lock:
            self._lamp.set(state, 0.0, time.monotonic())
        self._report()

    def _connected(self) -> None:
        self._report()
        self._report_blind()

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:
            return
        part = topic[len(self._base) + 1:]
        text = payload.decode('utf-8', 'replace')
        if part.endswith('/set') or part == 'scene':
            self.commands.append((topic, text))
        if part == 'lamp/set':
            try:
                data = json.loads(text)
                transition_s = float(data.get('transition', 0))
            except (ValueError, TypeError, AttributeError, OverflowError):
                return
            # As with real lamps, a command may omit the state.
            state = self._dialect.decode(json.dumps({'state': 'ON', **data}).encode())
            if state is not None:
                with self._lock:
                    self._lamp.set(state, transition_s, time.monotonic())
                self._report()
        elif part == 'lamp/get':
            self._report()
        elif part == 'blind/set':
            try:
                self._blind = min(1.0, max(0.0, float(json.loads(text)['position']) / 100))
            except (ValueError, TypeError, KeyError, OverflowError):
                return
            self._report_blind()
        elif part == 'blind/get':
            self._report_blind()
        elif part == 'scene' and text in SCENES:
            with self._lock:
                self._lamp.set(SCENES[text], 1.0, time.monotonic())
            self._report()

    def _report(self) -> None:
        if not self._answers:
            return
        with self._reporting:
            self._reported = self.lamp
            self._connection.publish(f'{self._base}/lamp', self._dialect.report(self._reported),
                                     retain=True)

    def _report_blind(self) -> None:
        if self._answers:
            self._connection.publish(f'{self._base}/blind',
                                     json.dumps({'position': round(self._blind * 100)}),
                                     retain=True)

    def _run(self) -> None:
        while not self._stop.wait(_FADE_REPORT_S):
            # A fade may begin and end between two looks.
            if self.lamp != self._reported:
                self._report()

# SPDX-License-Identifier: Apache-2.0
"""Rows of the home's connections: odd answers of Home Assistant, hostile MQTT messages."""

from pathlib import Path
import socket
import tempfile
import threading
import time

from fer_ros.home.controller import HomeController
from fer_ros.home.policy import Broker, HomeAssistant, parse_policy
from fer_ros.home.world.home_assistant import HomeAssistantClient
from fer_ros.home.world.virtual_room import VirtualRoom
from fer_ros.workers import Faults
from mosquitto import BINARY, Mosquitto, Spy, WHY_NOT
from trial import row, Trial
from waiting import wait_for

_ANSWER = (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 106\r\n\r\n'
           b'{"entity_id": "light.desk", "state": "on", "attributes": {"brightness": 128, '
           b'"color_mode": "color_temp"}}   ')


class _Server:
    """Gives each connection the bytes that are next."""

    def __init__(self):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self.answer, self.served = _ANSWER, 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65536)
                    connection.sendall(self.answer)
                except OSError:
                    pass
            self.served += 1


class _Entity:
    missing = False
    told_of = 0

    def update(self, *_):
        self.told_of += 1


@row('odd answers of Home Assistant')
def odd_answers(trial: Trial) -> None:
    """Change, cut and repeat bytes of an answer; a good one is understood afterwards."""
    import os

    from fer_ros.home.world import home_assistant
    home_assistant._RETRY_S = home_assistant._REFUSED_RETRY_S = 0.001
    os.environ['FAULTS_TOKEN'] = 'a'
    server, entity, faults = _Server(), _Entity(), Faults()
    settings = HomeAssistant(url=f'http://127.0.0.1:{server.port}', token={'env': 'FAULTS_TOKEN'},
                             poll_s=0.2).model_copy(update={'poll_s': 0.001})
    client = HomeAssistantClient(settings, faults)
    client.watch('light.desk', entity)
    client.start()
    pieces = [b'\xff', b'\x00', b'Infinity', b'1e999', b'9' * 5000, b'[' * 5000, b'\r\n',
              b'HTTP/9.9', b'Transfer-Encoding: chunked\r\n', b'X: y\r\n' * 200, b'null', b'"']
    for count, random in enumerate(trial.tries(), 1):
        answer = bytearray(_ANSWER)
        for _ in range(random.choice([1, 1, 2, 5])):
            at = random.randrange(len(answer) + 1)
            answer[at:at + random.choice([0, 1, 9, 99])] = random.choice(pieces)
        if random.random() < 0.2:
            del answer[random.randrange(len(answer)):]
        before = server.served
        server.answer = bytes(answer)
        _within(lambda before=before: server.served > before)
        if count % 20 == 0:
            server.answer, seen = _ANSWER, entity.told_of + 1
            trial.expect(_within(lambda seen=seen: client.connected and entity.told_of > seen),
                         'a good answer is not understood')
    trial.expect(not faults.count, f'faults: {faults.problem}')


def _within(condition, timeout_s=8.0):
    try:
        return wait_for(condition, timeout_s)
    except AssertionError:
        return False


_POLICY = """
version: 1
broker: {{host: 127.0.0.1, port: {port}}}
policies: {{look: {{by_emotion: {{happy: {{brightness: 0.3}}}}}}}}
rooms:
  study:
    policy: look
    targets: {{lamp: {{type: mqtt_light, topic: virtual_room/lamp}}}}
"""
_TOPICS = ('virtual_room/lamp', 'virtual_room/lamp/set', 'virtual_room/lamp/get',
           'virtual_room/scene', 'virtual_room/blind/set', 'fer_ros/study/enabled/set',
           'fer_ros/study/policy/set', 'homeassistant/status')
_VALUES = (b'null', b'-5', b'1e999', b'NaN', b'9' * 400, b'"ON"', b'"OFF"', b'[]', b'{}', b'true',
           b'"\xff"', b'[' * 500, b'0.5', b'65535', b'254')
_KEYS = (b'state', b'brightness', b'color', b'color_temp', b'color_mode', b'position', b'x')


@row('hostile MQTT messages', 540_000)
def mqtt_messages(trial: Trial) -> None:
    """Send payloads of any content on every topic that is listened to."""
    if BINARY is None:
        raise RuntimeError(WHY_NOT)
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder), 'allow_anonymous true', 'max_queued_messages 0')
        room = VirtualRoom(Broker(host='127.0.0.1', port=broker.port))
        home = HomeController(parse_policy(_POLICY.format(port=broker.port)))
        room.start()
        attacker = Spy(broker.port, 'pong')
        wait_for(lambda: room.connected and 'connected' in home.connections.values())
        for count, random in enumerate(trial.tries(), 1):
            value = random.choice(_VALUES)
            if random.random() < 0.7:
                value = b'{' + b','.join(
                    b'"%s":%s' % (random.choice(_KEYS), random.choice(_VALUES))
                    for _ in range(random.choice([1, 2, 5]))) + b'}'
            attacker.client.publish(random.choice(_TOPICS), value, qos=0,
                                    retain=random.random() < 0.05)
            if count % 200 == 0:
                home.tick(time.time())
                home.complaints()
                answered = len(room.commands)
                trial.expect(_within(lambda answered=answered: (
                    attacker.publish('virtual_room/lamp/set', '{"state": "ON"}'),
                    len(room.commands) > answered)[1]), 'the room does not answer')
        home.tick(time.time())
        trial.expect('connected' in home.connections.values(), 'not connected in the end')
        for faults in (home._connections.faults, room._connection._faults):
            trial.expect(not faults.count, f'faults: {faults.problem}')
        home.close(time.time())
        room.stop()
        attacker.close()
        broker.kill()

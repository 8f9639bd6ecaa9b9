# SPDX-License-Identifier: Apache-2.0
"""The threads of the home's connections and cameras are killed, or misled, and work again."""

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
import time

from fer_ros.cameras.capture import CAMERA_PARAMETERS
from fer_ros.cli import virtual_room as command
from fer_ros.health import Status, WARN
from fer_ros.home.action import Outcome
from fer_ros.home.controller import HomeController
from fer_ros.home.operation import report
from fer_ros.home.policy import Broker, HomeAssistant, parse_policy
from fer_ros.home.world.home_assistant import HomeAssistantClient
from fer_ros.home.world.home_assistant_socket import Closed, HomeAssistantSocket
from fer_ros.home.world.mqtt import MqttConnection
from fer_ros.parameters import complete, defaults
from fer_ros.perception import create_finder, DETECTOR_PARAMETERS
from fer_ros.standalone.camera import CameraWorker
from fer_ros.standalone.config import Camera
from fer_ros.workers import Faults
from killing import kill
from mosquitto import free_port, wait_for
import pytest
import websocket

#: The odd server's answer to requests for a WebSocket; empty: there is none.
HANDSHAKES = []


def told(home):
    status = Status()
    report(home, status, young=False)
    return status.level >= WARN and 'MadeUp' in status.message


def test_the_connection_to_a_broker(broker, house, spy, virtual_room):
    one = broker()
    virtual_room(one.port)
    running = house(one.port)
    running.see('', until=lambda: running.status.devices[0].reported)
    heard = spy(one.port)

    def connections():
        return sum('New client connected' in line and 'fer_ros-bridge' in line
                   for line in one.log().splitlines())
    before = connections()
    threads = [kill('mqtt fer_ros-bridge'), kill('virtual room')]
    # paho takes what is raised while it waits for the end of the connection.
    running.see('', until=lambda: connections() > before and running.status.devices[0].available)
    running.see('happy', until=lambda: running.actions)
    wait_for(lambda: heard.of('virtual_room/lamp/set'))
    assert all(thread.is_alive() for thread in threads)
    assert running.actions[0].outcome != Outcome.FAILED


@pytest.fixture
def odd_server(monkeypatch):
    """Make servers that give one answer, as bytes, for each connection."""
    monkeypatch.setenv('HA_TOKEN', 'a token')
    monkeypatch.setattr('fer_ros.home.world.home_assistant._RETRY_S', 0.02)
    listener = socket.create_server(('127.0.0.1', 0))
    answers = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                request = b''
                while b'\r\n\r\n' not in request and (more := connection.recv(65536)):
                    request += more
                if b'/api/websocket' in request:
                    connection.sendall(HANDSHAKES[0] if HANDSHAKES else
                                       reply(b'', b'HTTP/1.1 404 Not Found'))
                    continue
                connection.sendall(answers[0] if len(answers) == 1 else answers.pop(0))
    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], answers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def reply(body, head=b'HTTP/1.1 200 OK'):
    return head + b'\r\nContent-Length: %d\r\n\r\n' % len(body) + body


LAMP = reply(json.dumps({'state': 'on', 'attributes': {'brightness': 128}}).encode())
ODD = {
    'garbage': b'\x00\xff garbage\r\n\r\n',
    'nothing': b'',
    'no such protocol': b'HTTP/9.9 abc\r\n\r\n',
    'cut chunk': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{"a"',
    'wrong chunk': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'cut body': b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"state": "on"',
    'infinity': reply(b'{"state": "on", "attributes": {"brightness": Infinity}}'),
    'a number too large': reply(b'{"state": "on", "attributes": {"brightness": 1e999}}'),
    'many digits': reply(b'{"state": "on", "attributes": {"brightness": %s}}' % (b'9' * 9999)),
    'deep': reply(b'[' * 100_000),
    'long header': b'HTTP/1.1 200 OK\r\nX: ' + b'x' * 70_000 + b'\r\n\r\n',
    'many headers': b'HTTP/1.1 200 OK\r\n' + b'X: x\r\n' * 200 + b'\r\n',
    'not text': reply(b'\xff\xfe\x00'),
    'list': reply(b'[1, 2]'),
    'other types': reply(b'{"state": [], "attributes": "x"}'),
    'not an error': b'HTTP/1.1 000 \r\n\r\n',
    'redirect': reply(b'', b'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/'),
}


class Entity:
    """Follows an entity."""

    missing = False

    def __init__(self):
        self.states = []

    def update(self, entity, cause):
        self.states.append(entity)


@pytest.mark.parametrize('odd', ODD)
def test_odd_answers_to_a_websocket_are_foreseen(odd_server, odd):
    port, _ = odd_server
    HANDSHAKES[:] = [ODD[odd]]
    link = HomeAssistantSocket(f'http://127.0.0.1:{port}', 'a token', ssl.create_default_context(),
                               Faults(), lambda: ['light.desk'], print)
    try:
        with pytest.raises((Closed, OSError, ValueError, websocket.WebSocketException)):
            link._session()
    finally:
        link._leave()
        HANDSHAKES.clear()


def test_odd_answers_of_home_assistant(odd_server):
    port, answers = odd_server
    faults = Faults()
    client = HomeAssistantClient(HomeAssistant(
        url=f'http://127.0.0.1:{port}', token={'env': 'HA_TOKEN'}, poll_s=0.2), faults)
    entity = Entity()
    client.watch('light.desk', entity)
    answers += [LAMP, *ODD.values(), LAMP]
    client.start()
    try:
        wait_for(lambda: len(answers) == 1, what='all answers')
        entity.states.clear()
        wait_for(lambda: entity.states and client.connected, what='the connection again')
        assert entity.states[0] == json.loads(LAMP.partition(b'\r\n\r\n')[2])
        assert faults.count == 0    # all of it is foreseen
        results = []
        answers[:] = [ODD['cut chunk'], LAMP]
        client.call(None, 'light/turn_on', {'entity_id': 'light.desk'},
                    lambda _, done, detail: results.append((done, detail)))
        wait_for(lambda: results)
        assert not results[0][0] and 'is not of its API' in results[0][1]
    finally:
        client.stop()


def test_the_thread_of_home_assistant(odd_server):
    port, answers = odd_server
    answers.append(LAMP)
    policy = parse_policy(f"""
version: 1
home_assistant: {{url: 'http://127.0.0.1:{port}', token: {{env: HA_TOKEN}}, poll_s: 0.2}}
policies: {{look: {{by_emotion: {{happy: {{brightness: 0.3}}}}}}}}
rooms:
  study: {{policy: look, targets: {{desk: {{type: home_assistant_light, entity_id: light.desk}}}}}}
""")
    home = HomeController(policy)
    client = home._connections.home_assistant
    try:
        wait_for(lambda: client.connected)
        thread = kill('home assistant')
        wait_for(lambda: told(home), what='the fault')
        wait_for(lambda: client.connected)
        answers[:] = [ODD['garbage']]
        wait_for(lambda: not client.connected, what='the next request')
        assert thread.is_alive()
        status = Status()
        # A device that cannot read its state costs neither the thread nor the connection.
        home._devices['study', 'desk'].update = lambda *_: {}['made up']
        answers[:] = [LAMP]
        wait_for(lambda: client.connected)
        wait_for(lambda: "KeyError: 'made up'" in home._connections.faults.problem)
        report(home, status, young=False)
        assert 'state of light.desk: internal error' in status.message and thread.is_alive()
    finally:
        home.close(time.time())


def packet(kind, body):
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def message(topic, payload):
    return packet(0x30, struct.pack('>H', len(topic)) + topic + payload)


@pytest.fixture
def odd_broker():
    """Make brokers (MQTT 3.1.1) that accept and send some bytes, each connection the next."""
    listener = socket.create_server(('127.0.0.1', 0))
    scripts, held = [], []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(4096)
            connection.sendall(packet(0x20, b'\0\0') + (scripts.pop(0) if scripts else b''))
            held.append(connection)
    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], scripts, held
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in held:
        connection.close()
    thread.join()


def test_a_topic_that_is_not_utf_8_and_packets_that_are_none(odd_broker, caplog):
    port, scripts, held = odd_broker
    heard, faults = [], Faults()
    good = message(b'a/b', b'good')
    scripts += [message(b'\xff\xfe', b'bad') * 2 + message(b'raise', b'') + good,
                message(b'a/\xff', b'') + packet(0x30, b'\xff\xff') + good,
                packet(0x90, b'\0') + good, b'\xff\xff\xff\xff\xff\xff',
                message(b'a/last', b'good')]

    def on_message(topic, payload, retained):
        heard.append((topic, payload))
        if topic == 'raise':
            raise KeyError('made up')
    connection = MqttConnection(Broker(host='127.0.0.1', port=port, mqtt_version='3.1.1'),
                                client_id='test', on_message=on_message, faults=faults,
                                backoff_s=(0.02, 0.05), refused_backoff_s=(0.02, 0.05))
    connection.start()
    try:
        wait_for(lambda: len(heard) == 2, what='the good message')
        # The connection has lived through all of it.
        assert connection.connected and heard == [('raise', b''), ('a/b', b'good')]
        assert caplog.text.count('not UTF-8') == 1
        assert faults.count == 1 and "KeyError: 'made up'" in faults.problem

        def end_connections():
            # What the broker has sent arrives before the end; an older one may have ended.
            with contextlib.suppress(OSError):
                held[-1].shutdown(socket.SHUT_RDWR)
            return not scripts
        wait_for(end_connections, what='every script to be sent')
        wait_for(lambda: heard[-1] == ('a/last', b'good') and connection.connected)
    finally:
        connection.stop()


def test_the_display_of_a_virtual_room(monkeypatch, capsys):
    shown = []

    class Input:
        def __iter__(self):
            thread = kill('display')
            yield 'brightness 0.2'
            wait_for(lambda: 'lamp on 20%' in shown_so_far(), what='the lamp')
            assert thread.is_alive()

    def shown_so_far():
        shown.append(capsys.readouterr().out)
        return ''.join(shown)
    monkeypatch.setattr(sys, 'stdin', Input())
    assert command.main(['--port', str(free_port())]) == 0


def test_the_threads_of_a_camera_of_fer_home():
    from fer_ros.data import demo_clip_path
    images = []
    settings = complete(CAMERA_PARAMETERS, {'source': str(demo_clip_path()), 'loop': True})
    worker = CameraWorker(Camera('desk', settings),
                          lambda: create_finder(defaults(DETECTOR_PARAMETERS)),
                          lambda *found: images.append(found[3]))
    worker.start()
    try:
        wait_for(lambda: images)
        threads = [kill('desk grabber'), kill('desk worker')]
        wait_for(lambda: worker._faults.count == 2)
        images.clear()
        wait_for(lambda: len(images) > 3, what='images again')
        status = worker.report()
        assert all(thread.is_alive() for thread in threads)
        assert status.level == WARN and 'MadeUp' in status.message
    finally:
        worker.stop()

# SPDX-License-Identifier: Apache-2.0
"""What the doctor says of brokers and of Home Assistant, when it may connect to them."""

from http.server import BaseHTTPRequestHandler, HTTPServer
import threading

from fer_ros.doctor import Level, policy, Request
from mosquitto import free_port
import pytest

ROOM = """
policies: {warm: {by_emotion: {happy: {brightness: 0.3}}}}
rooms: {study: {policy: warm, targets: {lamp: {type: terminal}}}}
"""


@pytest.fixture
def look(tmp_path):
    """Check a policy with the given lines on its connections."""
    def check(lines, connect=True):
        path = tmp_path / 'home.yaml'
        path.write_text(f'version: 1\n{lines}{ROOM}')
        return list(policy.check(Request(policy=str(path), connect=connect)))
    return check


def test_a_broker_that_answers(broker, look):
    port = broker().port
    first, second = look(f'broker: {{host: 127.0.0.1, port: {port}}}')
    assert (first.level, second.level) == (Level.OK, Level.OK)
    assert second.message == f'127.0.0.1:{port} accepts the connection'
    named, = policy.check(Request(broker=f'127.0.0.1:{port}'))
    assert named == second


def test_nothing_is_connected_unless_requested(broker, look):
    one = broker()
    assert look(f'broker: {{host: 127.0.0.1, port: {one.port}}}', connect=False)[1].message == (
        f'127.0.0.1:{one.port}: not connected (--connect does)')
    # Had anybody connected, this one's line would not be the first.
    list(policy.check(Request(broker=f'127.0.0.1:{one.port}')))
    assert one.log().count('New client connected') == 1


def test_a_broker_that_is_not_there_or_refuses(broker, look):
    port = free_port()
    away = look(f'broker: {{host: 127.0.0.1, port: {port}}}')[-1]
    assert away.level == Level.ERROR and 'refuses connections: is it running' in away.message
    closed = broker('allow_anonymous false').port
    refused, = policy.check(Request(broker=f'127.0.0.1:{closed}'))
    assert refused.level == Level.ERROR and 'broker.username' in refused.message


@pytest.mark.parametrize('address', ['host:port', 'host:99999', ':1883'])
def test_what_is_not_an_address_of_a_broker(address):
    finding, = policy.check(Request(broker=address))
    assert finding.level == Level.ERROR and 'HOST:PORT' in finding.fix


def test_a_secret_that_is_not_there_is_reported_before_anything_is_connected(look):
    finding = look('broker: {host: 127.0.0.1, username: me, password: {env: FER_NO_SECRET}}')[-1]
    assert finding.level == Level.ERROR and 'FER_NO_SECRET is not set' in finding.message


def test_what_travels_in_plain_text_is_a_warning(look):
    findings = look('broker: {host: broker.example, tls: false}', connect=False)
    assert [finding.level for finding in findings] == [Level.OK, Level.WARN, Level.OK]


class Api(BaseHTTPRequestHandler):
    """Home Assistant's answer to who asks whether its API is there."""

    def do_GET(self):  # noqa: N802
        good = self.headers['Authorization'] == 'Bearer right'
        code = 404 if self.path != '/api/' else 200 if good else 401
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b'{"message": "API running."}' if code == 200 else b'')

    def log_message(self, *_):
        pass


@pytest.mark.parametrize('token, path, level, words', [
    ('right', '', Level.OK, 'answers and accepts the token'),
    ('wrong', '', Level.ERROR, 'rejects the token'),
    ('right', '/elsewhere', Level.ERROR, 'HTTP 404')])
def test_home_assistant(look, monkeypatch, token, path, level, words):
    monkeypatch.setenv('HA_TOKEN', token)
    with HTTPServer(('127.0.0.1', 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        finding = look(f'home_assistant: {{url: "http://127.0.0.1:{server.server_address[1]}{path}'
                       '", token: {env: HA_TOKEN}}')[-1]
        server.shutdown()
        thread.join()
    assert finding.level == level and words in finding.message
    assert 'right' not in finding.message and 'wrong' not in finding.message


def test_a_home_assistant_that_is_not_there(look, monkeypatch):
    monkeypatch.setenv('HA_TOKEN', 'right')
    finding = look(f'home_assistant: {{url: "http://127.0.0.1:{free_port()}", '
                   'token: {env: HA_TOKEN}}')[-1]
    assert finding.level == Level.ERROR and 'is it running' in finding.message

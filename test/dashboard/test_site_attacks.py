# SPDX-License-Identifier: Apache-2.0
"""What strangers, proxies and broken figures do to the page, on its real server."""

from contextlib import closing
import http.client
import json
import socket
import threading
import time

from fer_ros.errors import ConfigurationError
from home_support import emotion
import pytest
from waiting import quick, wait_for

pytest.importorskip('flask', reason='the dashboard needs flask')
pytest.importorskip('waitress', reason='the dashboard needs waitress')
from fer_ros.dashboard import server  # noqa: E402
from fer_ros.dashboard.access import Access, TRIES  # noqa: E402
from fer_ros.dashboard.events import event  # noqa: E402
from fer_ros.dashboard.history import History  # noqa: E402
from fer_ros.dashboard.plain import dumps  # noqa: E402
from fer_ros.home.action import AmbientAction, Command  # noqa: E402
from fer_ros.home.kinds.light import LightRequest  # noqa: E402
from fer_ros.home.light import LightState  # noqa: E402
from site_support import Running, TOKEN  # noqa: E402

NAN = float('nan')
THROUGH_PROXY = {'X_Forwarded_For': '203.0.113.7', 'X_Forwarded_Proto': 'https'}


# Proxies.

@pytest.mark.parametrize('options', [
    {'host_names': ('robot.local',)}, {'trusted_proxies': ('127.0.0.1',)}])
def test_a_page_that_a_proxy_shows_needs_a_token(options):
    with pytest.raises(ConfigurationError, match='set a token'):
        Access('127.0.0.1', '', **options)
    assert Access('127.0.0.1', TOKEN, **options).needs_token


@pytest.mark.parametrize('header', [
    'X_Forwarded_For', 'X_Forwarded_Proto', 'X_Real_IP', 'Forwarded', 'Via'])
def test_a_proxy_that_nobody_named_gets_nothing_without_a_token(header):
    with closing(Running()) as site:
        assert site.get('/api/state')[0] == 200
        status, body, _ = site.get('/api/state', **{header: '1.1 proxy'})
        assert status == 403 and 'set a token' in json.loads(body)['message']


def sign_in(site, token, **headers):
    return site.get('/login', 'POST', f'token={token}'.replace(' ', '+'),
                    Content_Type='application/x-www-form-urlencoded', **headers)


@pytest.mark.parametrize('proxies, headers, secure', [
    (('127.0.0.0/8',), THROUGH_PROXY, True), ((), THROUGH_PROXY, False),
    (('127.0.0.1',), {**THROUGH_PROXY, 'X_Forwarded_Proto': 'http'}, False),
    # what was said before the trusted proxy is not believed
    (('127.0.0.1',), {**THROUGH_PROXY, 'X_Forwarded_Proto': 'https, http'}, False),
    (('127.0.0.1',), {}, False)])
def test_the_cookie_is_secure_behind_a_trusted_proxy_with_tls(proxies, headers, secure):
    with closing(Running(TOKEN, proxies=proxies)) as site:
        status, _, answer = sign_in(site, TOKEN, **headers)
        assert status == 302 and ('Secure' in answer['Set-Cookie']) is secure
        assert 'HttpOnly' in answer['Set-Cookie']


def test_attempts_are_counted_by_the_address_that_a_trusted_proxy_names():
    with closing(Running(TOKEN, proxies=('127.0.0.1',))) as site:
        for number in range(TRIES):
            # The left part is the guesser's own invention.
            status, _, _ = sign_in(site, 'wrong',
                                   X_Forwarded_For=f'10.0.0.{number}, 203.0.113.7')
            assert status == 401
        assert sign_in(site, TOKEN, X_Forwarded_For='1.2.3.4, 203.0.113.7')[0] == 429
        assert sign_in(site, TOKEN, X_Forwarded_For='203.0.113.8')[0] == 302
    with closing(Running(TOKEN)) as site:
        for number in range(TRIES):
            assert sign_in(site, 'wrong', X_Forwarded_For=f'10.0.0.{number}')[0] == 401
        assert sign_in(site, TOKEN, X_Forwarded_For='203.0.113.8')[0] == 429


@pytest.mark.parametrize('peer, forwarded, client', [
    ('10.1.2.3', '203.0.113.7', '203.0.113.7'), ('192.0.2.1', '203.0.113.7', '192.0.2.1'),
    ('10.1.2.3', '', '10.1.2.3'), ('10.1.2.3', 'nonsense', '10.1.2.3'),
    ('10.1.2.3', '203.0.113.7, 10.9.9.9', '203.0.113.7'), ('10.1.2.3', '[2001:db8::1]:80',
                                                           '2001:db8::/64'),
    ('::ffff:10.1.2.3', '203.0.113.7:5', '203.0.113.7'), ('10.1.2.3', ',' * 9999, '10.1.2.3'),
    # a household has a whole network of IPv6
    ('2001:db8::1', '', '2001:db8::/64'), ('', '', '')])
def test_who_asks(peer, forwarded, client):
    access = Access('127.0.0.1', TOKEN, trusted_proxies=('10.0.0.0/8',))
    assert access.client(peer, forwarded) == client


def test_a_proxy_must_be_an_address():
    with pytest.raises(ConfigurationError, match="'nginx' is not an IP address or network"):
        Access('127.0.0.1', TOKEN, trusted_proxies=('nginx',))


def test_many_guessers_do_not_forget_one_another():
    access = Access('127.0.0.1', TOKEN)
    for _ in range(TRIES):
        access.token_right('wrong', '203.0.113.7')
    for number in range(2000):
        access.token_right('wrong', f'10.0.{number // 256}.{number % 256}')
    assert access.blocked('203.0.113.7')


# Connections.

class Crowd:
    """Many connections from one address that send given bytes."""

    def __init__(self, port, count, text=b''):
        self.sockets = []
        for _ in range(count):
            connection = socket.create_connection(('127.0.0.1', port), 5)
            self.sockets.append(connection)
            connection.sendall(text)

    def close(self):
        for connection in self.sockets:
            connection.close()


@pytest.mark.parametrize('text', [
    b'', b'GET / HT', b'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nto'],
    ids=['silent', 'half a head', 'half a body'])
def test_two_hundred_connections_that_ask_for_nothing_keep_no_one_out(text, monkeypatch):
    monkeypatch.setattr(server, 'REQUEST_S', 1.0)

    def serve_others():
        with closing(Running(TOKEN)) as site, closing(Crowd(site.port, 200, text)):
            began_s = time.monotonic()
            # Also from the same address.
            assert [site.get('/api/health')[0] for _ in range(5)] == [200] * 5
            took_s = time.monotonic() - began_s
            wait_for(lambda: len(site.server._server.active_channels) < 5, what='free places')
            return took_s
    quick(4, serve_others)


def test_other_addresses_keep_their_places():
    with closing(Running(TOKEN)) as site, closing(Crowd(site.port, 200)):
        wait_for(lambda: site.server._server.active_channels, what='connections')
        assert len(site.server._server.active_channels) <= site.server._places // 2
        other = socket.socket()
        other.bind(('127.0.0.2', 0))
        with closing(other):
            other.settimeout(5)
            other.connect(('127.0.0.1', site.port))
            other.sendall(b'GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n')
            assert other.recv(100).startswith(b'HTTP/1.1 200')


def test_a_request_that_drips_is_cut_off(monkeypatch):
    monkeypatch.setattr(server, 'REQUEST_S', 0.5)

    def drip():
        with closing(Running()) as site, socket.create_connection(
                ('127.0.0.1', site.port), 5) as slow:
            slow.settimeout(0.1)
            began_s = time.monotonic()
            for byte in b'\r\n' * 20 + b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 50:
                try:
                    slow.sendall(bytes([byte]))
                    if slow.recv(1) == b'':
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            return time.monotonic() - began_s
    quick(4, drip)


def test_a_connection_that_is_kept_alive_is_not_cut_off(monkeypatch):
    monkeypatch.setattr(server, 'REQUEST_S', 1.0)
    with closing(Running()) as site:
        connection, answer = site.open('/api/health')
        with closing(connection):
            answer.read()
            # More than that, and a round of the server's cleaning.
            threading.Event().wait(2.1)
            connection.request('GET', '/api/health')
            assert connection.getresponse().status == 200


class Slow(Running):
    """A page whose home does not answer before it may."""

    def __init__(self, **kwargs):
        self.answering = threading.Event()
        super().__init__(**kwargs)

    def control(self, *asked):
        self.asked.append(asked)
        self.answering.wait(120)
        return True, ''


def closing_s():
    """Return how long it takes to close a page with viewers of every kind."""
    running = Slow(viewers=8)
    switching = threading.Thread(target=lambda: pytest.raises(
        (OSError, http.client.HTTPException), running.get, '/api/home/revert', 'POST', '{}',
        X_CSRF_Token=running.access.csrf, Content_Type='application/json'))
    switching.start()
    streams = [running.open('/api/events') for _ in range(4)]
    deaf = [socket.create_connection(('127.0.0.1', running.port), 5) for _ in range(4)]
    for connection in deaf:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(b'GET /api/cameras/hall/east/stream.mjpg HTTP/1.1\r\n'
                           b'Host: localhost\r\n\r\n')
    with closing(Crowd(running.port, 20, b'GET / HT')):
        wait_for(lambda: running.events.taken == 8 and running.asked, what='viewers')
        began_s = time.monotonic()
        running.close()
        took_s = time.monotonic() - began_s
    running.answering.set()
    switching.join()
    for connection in [connection for connection, _ in streams] + deaf:
        connection.close()
    return took_s


def test_closing_takes_two_seconds_at_most_with_any_viewers():
    quick(2, closing_s)


# Figures.

def test_ten_thousand_people_cost_ten_times_a_thousand():
    def cost_s(people):
        history = History(('camera',), 1.0)
        began_s = time.thread_time()
        for number in range(people):
            history.add(0, emotion('happy', track_id=number), 1e9 + number * 1e-6)
        return time.thread_time() - began_s
    few = min(cost_s(1000) for _ in range(3))
    assert cost_s(10_000) < 40 * few


def test_what_is_not_a_number_does_not_blank_the_page():
    with closing(Running()) as site:
        light = LightState(True, NAN, (NAN, 1.0, float('inf')), 2700)
        site.state.act(AmbientAction(
            stamp_s=NAN, room='study', target='lamp', command=Command.SET,
            request=LightRequest(light), transition_s=NAN, emotion='happy', confidence=NAN,
            reason='because'))
        site.state.see('hall/east', [emotion('sad', valence=NAN, quality=NAN, duration_s=NAN)],
                       now_s=1e9)
        text = site.get('/api/state')[1].decode()
        state = json.loads(text, parse_constant=pytest.fail)
        assert state['home']['actions'][0]['target'] == 'lamp'
        assert state['cameras'][0]['people'][0]['label'] == 'sad'


def test_json_holds_only_what_browsers_read():
    data = {'a': [NAN, {'b': float('-inf')}, (1.5, NAN)], 'c': '\ud800', 'd': None}
    assert json.loads(dumps(data), parse_constant=pytest.fail) == {
        'a': [None, {'b': None}, [1.5, None]], 'c': '\ud800', 'd': None}
    assert b'NaN' not in event('x', data)


@pytest.mark.parametrize('body', [
    '', '{', 'room', '[1]', '"x"', '[' * 16000, '{"room": 1}', '{"room": "' + 'x' * 300 + '"}',
    '{"policy": {}}'])
def test_bad_json_gets_json(body):
    with closing(Running()) as site:
        status, answer, headers = site.get(
            '/api/home/revert', 'POST', body, X_CSRF_Token=site.access.csrf,
            Content_Type='application/json')
        assert status == 400 and headers['Content-Type'] == 'application/json'
        assert json.loads(answer)['ok'] is False and not site.asked


@pytest.mark.parametrize('method, path, status', [
    ('GET', '/nowhere', 404), ('DELETE', '/api/state', 403), ('POST', '/api/home/explode', 403),
    ('GET', '/static/../../etc/passwd', 404), ('GET', '/api/cameras/none/picture', 404)])
def test_every_refusal_is_json(method, path, status):
    with closing(Running()) as site:
        found, answer, headers = site.get(path, method)
        assert found == status and headers['Content-Type'] == 'application/json'
        assert json.loads(answer)['message']

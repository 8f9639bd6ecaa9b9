# SPDX-License-Identifier: Apache-2.0
"""Rows of the page: requests that no browser sends, strangers, silent connections."""

from contextlib import closing
import http.client
import json
import socket
import time

from fer_ros.dashboard.page import Page, PAGE_PARAMETERS
from fer_ros.parameters import defaults
from site_support import Running, TOKEN
from trial import row, Trial

_METHODS = (b'GET', b'POST', b'PUT', b'DELETE', b'OPTIONS', b'get', b'\x00', b'GET' * 999)
_PATHS = (b'/', b'/api/state', b'/api/events', b'/api/cameras/camera/picture', b'/api/control',
          b'/../../etc/passwd', b'/%2e%2e/%2e%2e/etc/passwd', b'/static/../app.py', b'/%00',
          b'/' + b'a' * 9000, b'//', b'*', b'http://127.0.0.1/', b'/api/history?from=NaN',
          b'/api/history?hours=1e999')
_HEADERS = (b'Host: evil.example', b'Host: 127.0.0.1', b'Content-Length: -1', b'Content-Length: 9',
            b'Content-Length: 99999999999', b'Transfer-Encoding: chunked', b'X: ' + b'y' * 9000,
            b'Cookie: \xff', b'Authorization: Bearer ' + b'z' * 999, b'Origin: http://evil',
            b'Content-Type: application/json', b'Connection: close', b'broken')
_BODIES = (b'', b'{}', b'[' * 5000, b'NaN', b'{"action": 1e999}', b'\xff', b'zz\r\n', b'5\r\nab')


@row('requests that no browser sends', 61)
def requests(trial: Trial) -> None:
    """Send them; the page's state is answered afterwards, and nothing of it is a 500."""
    page = Page(('camera',), {**defaults(PAGE_PARAMETERS), 'port': 0}, lambda: 1.0,
                lambda *_: (True, ''))
    page.open()
    host, port = '127.0.0.1', int(page.url.rpartition(':')[2])
    for random in trial.tries():
        request = b' '.join((random.choice(_METHODS), random.choice(_PATHS),
                             random.choice([b'HTTP/1.1', b'HTTP/1.0', b'HTTP/9.9', b'x'])))
        for header in random.sample(_HEADERS, random.randrange(5)):
            request += b'\r\n' + header
        request += b'\r\n\r\n' + random.choice(_BODIES)
        answer = _send(host, port, request[:random.choice([9, 99, 10**6, 10**6, 10**6])])
        trial.expect(b' 500 ' not in answer[:20], f'500 for {request[:60]!r}')
        trial.expect(b'root:' not in answer, f'a file leaked for {request[:60]!r}')
        if trial.tried % 20 == 0:
            trial.expect(_state(host, port), 'the state is not answered')
    trial.expect(_state(host, port), 'the state is not answered')
    trial.expect(not page.faults.count, f'faults: {page.faults.problem}')
    page.close()


def _send(host: str, port: int, request: bytes) -> bytes:
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.settimeout(0.05)
        try:
            connection.sendall(request)
            return connection.recv(65536)
        except OSError:
            return b''


def _state(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request('GET', '/api/state')
        return 'cameras' in json.load(connection.getresponse())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


_FORGED = ('X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP', 'Forwarded',
           'Via', 'Host', 'Origin', 'Referer', 'Cookie', 'Authorization', 'X-CSRF-Token')
_CLAIMS = ('127.0.0.1', '::1', 'localhost', 'robot.local', 'evil.example', 'https', 'null', '',
           'session=', 'session=' + 'a' * 43, 'Bearer ', 'Bearer wrong', 'for=127.0.0.1',
           ',' * 999)
_DOORS = (('GET', '/api/state'), ('GET', '/api/events'), ('GET', '/api/history'),
          ('GET', '/api/cameras/hall/east/picture'), ('POST', '/api/home/revert'),
          ('POST', '/api/home/enable'), ('POST', '/login'))


@row('strangers at a page with a token')
def strangers(trial: Trial) -> None:
    """They guess, and claim to be others; nothing is shown or switched, and the owner gets in."""
    with closing(Running(TOKEN, viewers=8, proxies=('127.0.0.1',))) as site:
        for random in trial.tries():
            method, path = random.choice(_DOORS)
            headers = {name.replace('-', '_'): random.choice(_CLAIMS)
                       for name in random.sample(_FORGED, random.randrange(4))}
            body = None
            if method == 'POST':
                body = random.choice(['{}', 'token=wrong', f'token={TOKEN[:-1]}', 'token=', ''])
                headers['Content_Type'] = random.choice(
                    ['application/json', 'application/x-www-form-urlencoded'])
            try:
                status, text, answer = site.get(path, method, body, **headers)
            except (http.client.HTTPException, OSError):
                continue    # it was cut off
            trial.expect(status in (302, 400, 401, 403, 404, 411, 413, 415, 421, 429),
                         f'{method} {path}: {status}')
            trial.expect('Set-Cookie' not in answer or status == 302 and 'HttpOnly' in
                         answer['Set-Cookie'], 'a session for a stranger')
            trial.expect(not site.asked, f'the home was switched: {site.asked}')
            trial.expect(TOKEN.encode() not in text, 'the token leaked')
            if trial.tried % 25 == 0:
                owner = f'198.51.{trial.tried // 250 % 250}.{trial.tried % 250}'
                status = site.get('/login', 'POST', f'token={TOKEN}'.replace(' ', '+'),
                                  Content_Type='application/x-www-form-urlencoded',
                                  X_Forwarded_For=owner)[0]
                trial.expect(status == 302, f'the owner gets {status}')


@row('connections that are silent or drip')
def silent(trial: Trial) -> None:
    """A crowd of them does not lock others out."""
    beginnings = (b'', b'G', b'GET / HT', b'GET / HTTP/1.1\r\nHost: localhost\r\nX: ',
                  b'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nto')
    with closing(Running(TOKEN)) as site:
        for random in trial.tries():
            crowd = []
            try:
                for _ in range(random.choice([1, 20, 100])):
                    crowd.append(socket.create_connection(('127.0.0.1', site.port), 5))
                    crowd[-1].sendall(random.choice(beginnings))
                began_s = time.monotonic()
                trial.expect(site.get('/api/health')[0] == 200, 'the page does not answer')
                trial.expect(time.monotonic() - began_s < 5, 'the page answers late')
            except OSError as error:
                trial.expect(False, f'nobody gets in: {error}')
            finally:
                for connection in crowd:
                    connection.close()

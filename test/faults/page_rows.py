# SPDX-License-Identifier: Apache-2.0
"""Rows of the page: requests that no browser sends."""

import http.client
import json
import socket

from fer_ros.dashboard.page import Page, PAGE_PARAMETERS
from fer_ros.parameters import defaults
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


@row('requests that no browser sends')
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

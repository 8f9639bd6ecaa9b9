# SPDX-License-Identifier: Apache-2.0
"""The web site on its real server, without ROS, for tests."""

from contextlib import closing
import http.client
import json

from fer_ros.dashboard.access import Access
from fer_ros.dashboard.app import make_app, Site
from fer_ros.dashboard.events import Events
from fer_ros.dashboard.pictures import Pictures
from fer_ros.dashboard.server import Server
from fer_ros.dashboard.state import DashboardState

TOKEN = 'correct horse battery'


class Running:
    """A site with a simulated camera and a bridge that records its requests."""

    def __init__(self, token='', viewers=4, proxies=()):
        self.asked, self.problem = [], ''
        self.state = DashboardState(('hall/east',))
        self.pictures = Pictures(('hall/east',), rate_hz=100)
        self.events = Events(self.state, lambda: 1e9, rate_hz=30, limit=viewers)
        self.access = Access('127.0.0.1', token, ('robot.local',) if token else (), proxies)
        self.server = Server(make_app(Site(
            self.state, self.pictures, self.events, self.access, lambda: 1e9, self.control,
            '1.2.3', health=lambda: self.problem)), '127.0.0.1', 0, viewers,
            is_proxy=self.access.is_proxy)
        self.port = int(self.server.url.rpartition(':')[2])

    def control(self, *asked):
        self.asked.append(asked)
        return asked[0] != 'resume', 'so be it'

    def close(self):
        self.pictures.close()
        self.events.close()
        self.server.close()

    def open(self, path, method='GET', body=None, **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        headers = {name.replace('_', '-'): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        return connection, connection.getresponse()

    def get(self, path, method='GET', body=None, **headers):
        connection, answer = self.open(path, method, body, **headers)
        with closing(connection):
            return answer.status, answer.read(), answer.headers


def events_of(answer):
    """Yield (name, data) of a stream."""
    name = ''
    for line in answer:
        line = line.decode().rstrip('\n')
        if line.startswith('event: '):
            name = line[7:]
        elif line.startswith('data: '):
            yield name, json.loads(line[6:])

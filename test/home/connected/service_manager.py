# SPDX-License-Identifier: Apache-2.0
"""A service manager that hears what fer-home tells it, and the page's API."""

import json
import socket
import threading
import urllib.request


class Manager:
    """systemd, as far as a service hears of it."""

    def __init__(self, folder):
        self.path = folder / 'notify'
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.states = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while data := self.socket.recv(4096):
            self.states += data.decode().splitlines()

    def count(self, state):
        return sum(seen.startswith(state) for seen in list(self.states))

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b'', str(self.path))
        self._thread.join()
        self.socket.close()


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())

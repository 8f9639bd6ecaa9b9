# SPDX-License-Identifier: Apache-2.0
"""A real mosquitto on a free loopback port, and a spy on everything that passes it."""

import contextlib
from pathlib import Path
import random
import shutil
import socket
import subprocess
import threading
import time
import uuid

import paho.mqtt.client as paho
from waiting import wait_for

BINARY = shutil.which('mosquitto') or shutil.which('mosquitto', path='/usr/sbin:/usr/local/sbin')
WHY_NOT = 'mosquitto is not installed (apt install mosquitto)'


def free_port():
    """Return a port that the system gives to nobody by itself until a broker takes it (again)."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port


class Mosquitto:
    """A broker without persistence; ``kill`` and ``start`` as often as wanted."""

    def __init__(self, folder: Path, *options, port=None):
        self.port = port or free_port()
        self._file = folder / f'mosquitto-{self.port}.conf'
        self._log = folder / f'mosquitto-{self.port}.log'
        self._file.write_text('\n'.join((
            f'listener {self.port} 127.0.0.1', 'persistence false', 'user root',
            *(options or ('allow_anonymous true',)))) + '\n')
        self._process = None
        self.start()

    def start(self):
        """Start, and wait until it listens."""
        with self._log.open('a') as log:
            self._process = subprocess.Popen([BINARY, '-c', str(self._file)], stdout=log,
                                             stderr=log)

        def listens():
            assert self._process.poll() is None, self._log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', self.port)) == 0
        wait_for(listens, what='mosquitto')

    def kill(self):
        """End at once, as a power cut does."""
        self._process.kill()
        self._process.wait()

    def log(self):
        """Return what the broker has written."""
        return self._log.read_text()


class Spy:
    """Sees every message: topic, payload, whether it was retained, when."""

    def __init__(self, port, topic='#', **login):
        self.messages = []
        #: MQTT 5's properties of the newest message of each topic.
        self.properties = {}
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if login:
            self.client.username_pw_set(**login)
        self._subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.reconnect_delay_set(1, 1)
        self.client.connect('127.0.0.1', port)
        self.client.loop_start()
        assert self._subscribed.wait(60)

    def _on_message(self, _client, _data, message):
        self.properties[message.topic] = message.properties
        self.messages.append((message.topic, message.payload, bool(message.retain),
                              time.time()))

    def of(self, topic):
        """Return the payloads of a topic, as text."""
        return [payload.decode() for seen, payload, *_ in list(self.messages) if seen == topic]

    def publish(self, topic, payload, **kwargs):
        """Publish and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1, **kwargs).wait_for_publish(60)

    def settle(self):
        """Wait until all that the broker has kept and now has for us is here."""
        mark = f'settled/{uuid.uuid4().hex}'
        self.publish(mark, '')
        wait_for(lambda: self.of(mark), what=mark)

    def close(self):
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

# SPDX-License-Identifier: Apache-2.0
"""A session with the broker, from connecting to the end of the connection."""

from collections.abc import Callable
import logging
import ssl
import threading
import time

from fer_ros.home.policy.servers import Broker
from fer_ros.home.world import mqtt_failures
from fer_ros.home.world.mqtt_answers import Answers
from fer_ros.workers import Faults
import paho.mqtt.client as paho

_KEEPALIVE_S = 15
#: How long one round of reading and writing takes at most, seconds.
_LOOP_S = 0.2
#: A topic is shown up to this length.
_MAXIMUM_TOPIC = 200

_LOGGER = logging.getLogger(__name__)


class Session:
    """A client with a clean session, used once.

    A client that reconnects would resend what the old connection had not acknowledged. Everything
    runs in the thread that calls :meth:`stay`; paho starts no thread, which could die unnoticed.

    :param on_accepted: called in that thread when the broker has accepted the connection.
    :param on_message: called there with topic, payload and whether it was retained.
    :param faults: where errors of those two, and of paho, are recorded.
    :ivar accepted: whether the broker has accepted the connection.
    :ivar problem: why the session ended; ``serious``: whether retries cannot help.
    :ivar unspoken: whether the broker may not support this version of MQTT: it says so, or closed
        the connection before it answered.
    """

    def __init__(self, broker: Broker, version: str, client_id: str, will: tuple[str, str] | None,
                 password: str | None, tls: ssl.SSLContext | None, answers: Answers,
                 on_accepted: Callable[[], None],
                 on_message: Callable[[str, bytes, bool], None], faults: Faults):
        self._broker, self._client_id, self._answers = broker, client_id, answers
        self._on_accepted, self._on_message, self._faults = on_accepted, on_message, faults
        self.where = f'broker {broker.host}:{broker.effective_port}'
        self._hung_up = f'{self.where} ended the connection'
        self.accepted, self.problem, self.serious = False, self._hung_up, False
        self._ended = threading.Event()
        self._topic_reported = self.unspoken = False
        self._version = paho.MQTTv5 if version == '5' else paho.MQTTv311
        self.client = client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=self._version,
            reconnect_on_failure=False,
            **({} if self._version == paho.MQTTv5 else {'clean_session': True}))
        if broker.username:
            client.username_pw_set(broker.username, password)
        if tls is not None:
            client.tls_set_context(tls)
        if will is not None:
            client.will_set(*will, qos=1, retain=True)
        client.connect_timeout = mqtt_failures.CONNECT_TIMEOUT_S
        # With this, paho does not write in the publishing thread.
        client.on_socket_register_write = lambda *_: None
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_message = self._message
        client.on_publish = lambda _client, _data, mid, reason, _properties: answers.take(
            'publish', mid, str(reason) if reason.is_failure else '')
        client.on_subscribe = lambda _client, _data, mid, reasons, _properties: answers.take(
            'subscribe', mid, next((str(one) for one in reasons if one.is_failure), ''))

    def connect(self) -> bool:
        """Connect; return whether it was possible to try."""
        broker = self._broker
        arguments = {'clean_start': True} if self._version == paho.MQTTv5 else {}
        try:
            self.client.connect(broker.host, broker.effective_port, _KEEPALIVE_S, **arguments)
        except (OSError, ValueError) as error:
            self.problem, self.serious = mqtt_failures.failure(self.where, broker, error)
            return False
        return True

    def stay(self, stop: threading.Event) -> None:
        """Serve the connection until it ends, or until ``stop`` is set."""
        # A broker may accept the TCP connection and never answer.
        deadline = time.monotonic() + 2 * mqtt_failures.CONNECT_TIMEOUT_S
        while self._work() and not stop.is_set():
            if not self.accepted and time.monotonic() > deadline:
                encrypted = 'with' if self._broker.uses_tls else 'without'
                self.problem = (f'{self.where} does not answer: is it an MQTT broker, and '
                                f'{encrypted} TLS?')
                self.client.disconnect()
                break
        if self._ended.is_set() and not self.accepted and self.problem == self._hung_up:
            self.unspoken = True
            self.problem = f'{self.where} closes the connection before it answers' + (
                '' if self._broker.uses_tls
                else ': does it require TLS (tls: true, usually port 8883)?')
        if stop.is_set():
            self.client.disconnect()
            deadline = time.monotonic() + 1.0
            while self._work() and time.monotonic() < deadline:
                pass

    def close(self) -> None:
        """Close the socket, which is still open if the connection ended with an error."""
        socket = self.client.socket()
        if socket is not None:
            socket.close()

    def _work(self) -> bool:
        """Read and write for at most :data:`_LOOP_S`; return False if the connection has ended."""
        try:
            return self.client.loop(_LOOP_S) == paho.MQTT_ERR_SUCCESS and not self._ended.is_set()
        except Exception as error:  # of paho, which cannot continue then
            self._faults.add(f'connection to {self.where}', error)
            self.problem = f'{self.where}: internal error, see the log'
            return False

    # Called by the client, in the thread of stay().

    def _connected(self, _client, _data, _flags, reason, _properties) -> None:
        if reason.is_failure:
            self.problem, self.serious = mqtt_failures.refusal(self.where, self._broker,
                                                               str(reason))
            self.unspoken = 'protocol' in str(reason).lower()
            return
        self.accepted = True
        _LOGGER.info('connected to %s%s', self.where,
                     ' with TLS' if self._broker.uses_tls else '')
        self._faults.survive(f'after connecting to {self.where}', self._on_accepted)

    def _disconnected(self, _client, _data, _flags, reason, _properties) -> None:
        if 'taken over' in str(reason).lower():
            self.problem = (f'{self.where}: another client uses the id {self._client_id!r}: '
                            'give each bridge its own base_topic')
            self.serious = True
        self._ended.set()

    def _message(self, _client, _data, received) -> None:
        try:
            topic = received.topic
        except UnicodeDecodeError:
            if not self._topic_reported:
                self._topic_reported = True
                _LOGGER.warning('%s sends a topic that is not UTF-8: its messages are ignored',
                                self.where)
            return
        self._faults.survive(f'message on {topic[:_MAXIMUM_TOPIC]}', self._on_message, topic,
                             received.payload, bool(received.retain))

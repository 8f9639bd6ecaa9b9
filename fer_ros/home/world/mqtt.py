# SPDX-License-Identifier: Apache-2.0
"""A connection to the broker that reconnects and never repeats old commands."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import logging
import math
import random
import ssl
import threading
import time
import uuid

from fer_ros.home.fields import MAXIMUM_PAYLOAD
from fer_ros.home.policy.servers import Broker
from fer_ros.home.world import mqtt_failures
from fer_ros.home.world.mqtt_answers import Answers
from fer_ros.home.world.mqtt_session import Session
from fer_ros.workers import Faults, Worker
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

#: First and longest pause between attempts while the broker is unavailable, seconds.
BACKOFF_S = (1.0, 30.0)
#: The same if retries cannot help until something is fixed.
REFUSED_BACKOFF_S = (30.0, 300.0)
#: A shorter connection counts as failed, seconds.
_SHORT_S = 10.0
#: After so many short ones another id is tried: some brokers end the older of two clients of one
#: id without a word (mosquitto until 2.0, all with MQTT 3.1.1).
_SUSPICIOUS = 3

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionState:
    """State of the connection.

    :ivar problem: the problem and what to do, or empty.
    :ivar serious: True if retries cannot help until something is fixed.
    :ivar note: a remark about a working connection, or empty.
    """

    connected: bool = False
    problem: str = 'not connected yet'
    serious: bool = False
    attempts: int = 0
    note: str = ''


class MqttConnection:
    """Keeps a connection to the broker in a separate thread.

    Each attempt is a separate :class:`Session`.

    :param broker: its settings; secrets are read in :meth:`start`.
    :param will: topic and payload that the broker publishes (retained) when the bridge dies.
    :param on_message: called with topic, payload and whether it was retained, in the thread.
    :param on_connect: called after the subscriptions were sent, in the thread.
    :param faults: where errors of the thread are recorded.
    """

    def __init__(self, broker: Broker, *, client_id: str = '', will: tuple[str, str] | None = None,
                 on_message: Callable[[str, bytes, bool], None] = lambda *_: None,
                 on_connect: Callable[[], None] = lambda: None,
                 backoff_s: tuple[float, float] = BACKOFF_S,
                 refused_backoff_s: tuple[float, float] = REFUSED_BACKOFF_S,
                 jitter: Callable[[], float] = random.random, faults: Faults | None = None):
        self._broker = broker
        self._client_id, self._will = client_id, will
        self._on_message, self._on_connect = on_message, on_connect
        self._backoff_s, self._refused_backoff_s = backoff_s, refused_backoff_s
        self._jitter, self._faults = jitter, faults or Faults()
        self._topics: list[str] = []
        self._optional: set[str] = set()
        self._state = ConnectionState()
        # Never held while paho is called: paho calls back while it holds its own locks.
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client: paho.Client | None = None
        self._version = broker.mqtt_version
        #: Since when it is connected under another client id.
        self._foreign_s = math.inf
        self._worker: Worker | None = None
        self._password: str | None = None
        self._tls: ssl.SSLContext | None = None
        self._answers = Answers(broker)

    @property
    def state(self) -> ConnectionState:
        """State of the connection."""
        with self._lock:
            if time.monotonic() - self._foreign_s > _SHORT_S:
                return replace(self._state, serious=True, problem=(
                    f'the broker ended the connection {_SUSPICIOUS} times right after accepting '
                    f'it, and not under another id: another client uses the id '
                    f'{self._client_id!r}; give each bridge its own base_topic'))
            return self._state

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us."""
        return self.state.connected

    @property
    def problem(self) -> str:
        """Why there is no connection and what to do, or an empty string."""
        return self.state.problem

    @property
    def denied(self) -> dict[str, str]:
        """Topics that the broker's access list denies, with a sentence each."""
        return self._answers.denied

    def subscribe(self, topic: str, *, optional: bool = False) -> None:
        """Subscribe now and after every reconnect; retained messages are marked.

        :param optional: do not report if the broker denies the topic.
        """
        if optional:
            self._optional.add(topic)
        if topic not in self._topics:
            self._topics.append(topic)
            client = self._client
            if client is not None and self.connected:
                self._subscribe(client, [topic])

    def prepare(self) -> None:
        """Read the secrets.

        :raises ConfigurationError: when a password, certificate or key cannot be read.
        """
        broker = self._broker
        if broker.password is not None:
            self._password = broker.password.read('broker.password')
        if broker.uses_tls:
            self._tls = mqtt_failures.tls_context(broker)

    def start(self) -> None:
        """Read the secrets, unless :meth:`prepare` has, and start.

        :raises ConfigurationError: as :meth:`prepare`.
        """
        self.prepare()
        self._worker = Worker(f'mqtt {self._client_id}', self._run, self._faults,
                              daemon=True).start()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False,
                qos: int = 0, expiry_s: int = 0) -> bool:
        """Publish at once, or not at all; return whether it was handed over.

        What cannot be sent now is dropped: an old command must not come later.

        :param expiry_s: the broker drops the message after this long for receivers that are away;
            0: never. MQTT 3.1.1 does not support it.
        """
        data = payload.encode() if isinstance(payload, str) else payload
        if len(data) > MAXIMUM_PAYLOAD:
            raise ValueError(f'{topic}: {len(data)} bytes are more than {MAXIMUM_PAYLOAD}')
        client = self._client
        if client is None or not self.connected:
            return False
        properties = None
        if expiry_s and self._version == '5':
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        info = client.publish(topic, data, qos=qos, retain=retain, properties=properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            return False
        if qos:
            self._answers.expect('publish', info.mid, topic)
        return True

    def stop(self, farewell: list[tuple[str, str]] = ()) -> None:
        """Publish the farewell messages (retained), disconnect and end the thread."""
        client = self._client
        if client is not None and self.connected:
            for topic, payload in farewell:
                try:
                    client.publish(topic, payload, qos=1, retain=True).wait_for_publish(1.0)
                except (ValueError, RuntimeError, OSError):
                    break
        self._stop.set()
        if client is not None:
            client.disconnect()
        if self._worker is not None:
            self._worker.end(mqtt_failures.CONNECT_TIMEOUT_S + 2.0)
            self._worker = None

    # The thread.

    def _run(self) -> None:
        failures = short = 0
        while not self._stop.is_set():
            started = time.monotonic()
            # A session under another id shows whether ours is the problem.
            probe = short >= _SUSPICIOUS
            session = self._session(f'{self._client_id}-{uuid.uuid4().hex[:8]}'[-64:] if probe
                                    else self._client_id)
            if self._stop.is_set():
                break
            lasted = time.monotonic() - started > _SHORT_S
            if session.accepted and lasted and not session.serious:
                failures = 0
            failures += 1
            short = short + 1 if session.accepted and not lasted and not probe else 0
            problem, serious = session.problem, session.serious
            if self._other_version(session):
                # Try the other version at once: most brokers support both.
                serious, failures = False, 1
            low, high = self._refused_backoff_s if serious else self._backoff_s
            pause_s = max(low, min(high, low * 2 ** min(failures - 1, 10))
                          * (0.5 + self._jitter() / 2))
            with self._lock:
                self._state = ConnectionState(False, problem, serious, failures)
            _LOGGER.info('%s; next attempt in %.0f s', problem, pause_s)
            self._stop.wait(pause_s)
        with self._lock:
            self._state = ConnectionState(False, 'stopped')

    def _other_version(self, session: Session) -> bool:
        """Switch to the other MQTT version if this one is not supported; return whether."""
        if not session.unspoken:
            return False
        fallback = self._broker.mqtt_version == '5' and self._version == '5'
        self._version = '3.1.1' if fallback else self._broker.mqtt_version
        return fallback

    def _session(self, client_id: str) -> Session:
        """Connect and stay until the connection ends; return the session."""
        session = Session(self._broker, self._version, client_id, self._will, self._password,
                          self._tls, self._answers,
                          lambda: self._accepted(session, client_id), self._on_message,
                          self._faults)
        if not session.connect():
            return session
        self._client = session.client
        try:
            session.stay(self._stop)
        finally:
            with self._lock:
                self._state = ConnectionState(False, session.problem, session.serious)
            self._client, self._foreign_s = None, math.inf
            session.close()
        return session

    def _accepted(self, session: Session, client_id: str) -> None:
        self._answers.clear()
        note = ''
        if self._version != self._broker.mqtt_version:
            note = (f'it does not answer to MQTT {self._broker.mqtt_version}, but to '
                    f"{self._version}: set mqtt_version: '{self._version}'")
            _LOGGER.info('%s: %s', session.where, note)
        with self._lock:
            self._state = ConnectionState(True, '', False, 0, note)
            self._foreign_s = math.inf if client_id == self._client_id else time.monotonic()
        self._subscribe(session.client, self._topics)
        self._on_connect()

    def _subscribe(self, client: paho.Client, topics: list[str]) -> None:
        for topic in topics:
            result, mid = client.subscribe(topic, qos=1)
            if result == paho.MQTT_ERR_SUCCESS and topic not in self._optional:
                self._answers.expect('subscribe', mid, topic)

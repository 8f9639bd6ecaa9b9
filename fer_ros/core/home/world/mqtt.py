# SPDX-License-Identifier: Apache-2.0
"""One connection to the broker that comes back by itself and never repeats old commands."""

from collections.abc import Callable
from dataclasses import dataclass
import logging
import random
import socket
import ssl
import threading
import time

from fer_ros.core.errors import ConfigurationError
from fer_ros.core.home.policy.servers import Broker
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

#: First and longest pause between attempts while the broker is merely away, seconds.
BACKOFF_S = (1.0, 30.0)
#: The same when trying again will not help until somebody mends something.
REFUSED_BACKOFF_S = (30.0, 300.0)
#: Nothing larger leaves the bridge: no image could.
MAXIMUM_PAYLOAD = 4096
_CONNECT_TIMEOUT_S = 5.0
_KEEPALIVE_S = 15
#: A connection that ends sooner was hardly one.
_SHORT_S = 10.0

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionState:
    """How the connection stands.

    :ivar problem: what is wrong and what to do, or empty.
    :ivar serious: True when trying again will not help until somebody mends something.
    """

    connected: bool = False
    problem: str = 'not connected yet'
    serious: bool = False
    attempts: int = 0


class MqttConnection:
    """Keep a connection in a thread of its own.

    Each attempt makes a new client with a clean session: paho would send again, after
    a reconnect, what the old connection had not acknowledged.

    :param broker: where and how; secrets are read at :meth:`start`.
    :param will: topic and payload that the broker publishes (retained) when the bridge dies.
    :param on_message: called with topic, payload and whether it was retained, in the thread.
    :param on_connect: called after the subscriptions were sent, in the thread.
    """

    def __init__(self, broker: Broker, *, client_id: str = '', will: tuple[str, str] | None = None,
                 on_message: Callable[[str, bytes, bool], None] = lambda *_: None,
                 on_connect: Callable[[], None] = lambda: None,
                 backoff_s: tuple[float, float] = BACKOFF_S,
                 refused_backoff_s: tuple[float, float] = REFUSED_BACKOFF_S,
                 jitter: Callable[[], float] = random.random):
        self._broker = broker
        self._client_id, self._will = client_id, will
        self._on_message, self._on_connect = on_message, on_connect
        self._backoff_s, self._refused_backoff_s = backoff_s, refused_backoff_s
        self._jitter = jitter
        self._topics: list[str] = []
        self._state = ConnectionState()
        self._denied: dict[str, str] = {}
        # Never held while paho is called: paho calls back while it holds locks of its own.
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client: paho.Client | None = None
        self._thread: threading.Thread | None = None
        self._password: str | None = None
        self._tls: ssl.SSLContext | None = None
        #: What the broker has still to answer, and what it answered before we knew the id, by
        #: kind and message id.
        self._awaited: dict[tuple[str, int], str] = {}
        self._early: dict[tuple[str, int], str] = {}

    @property
    def state(self) -> ConnectionState:
        """How the connection stands."""
        with self._lock:
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
        with self._lock:
            return dict(self._denied)

    def subscribe(self, topic: str) -> None:
        """Subscribe now and after every reconnect; a message that was retained says so."""
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
            self._tls = _tls_context(broker)

    def start(self) -> None:
        """Read the secrets, unless :meth:`prepare` has, and begin.

        :raises ConfigurationError: as :meth:`prepare`.
        """
        self.prepare()
        self._thread = threading.Thread(target=self._run, name='mqtt', daemon=True)
        self._thread.start()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False,
                qos: int = 0, expiry_s: int = 0) -> bool:
        """Publish at once, or not at all; return whether it was handed over.

        What cannot be sent now is dropped: an old command must not come later.

        :param expiry_s: the broker forgets the message after so long, for receivers that are
            away; 0: never. MQTT 3.1.1 knows no such thing.
        """
        data = payload.encode() if isinstance(payload, str) else payload
        if len(data) > MAXIMUM_PAYLOAD:
            raise ValueError(f'{topic}: {len(data)} bytes are more than {MAXIMUM_PAYLOAD}')
        client = self._client
        if client is None or not self.connected:
            return False
        properties = None
        if expiry_s and self._broker.mqtt_version == '5':
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        info = client.publish(topic, data, qos=qos, retain=retain, properties=properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            return False
        if qos:
            self._await('publish', info.mid, topic)
        return True

    def stop(self, farewell: list[tuple[str, str]] = ()) -> None:
        """Say farewell (retained), disconnect and end the thread."""
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
        if self._thread is not None:
            self._thread.join(_CONNECT_TIMEOUT_S + 2.0)
            self._thread = None

    # The thread.

    def _run(self) -> None:
        failures = short = 0
        while not self._stop.is_set():
            started = time.monotonic()
            was_connected, problem, serious = self._session()
            if self._stop.is_set():
                break
            lasted = time.monotonic() - started > _SHORT_S
            if was_connected and lasted and not serious:
                failures = 0
            failures += 1
            short = short + 1 if was_connected and not lasted else 0
            if short >= 3 and not serious:
                # Brokers that do not say why: mosquitto until 2.0.
                problem, serious = (
                    f'{problem} {short} times right after accepting it: if another client uses '
                    f'the id {self._client_id!r}, give each bridge its own base_topic'), True
            low, high = self._refused_backoff_s if serious else self._backoff_s
            pause_s = min(high, low * 2 ** min(failures - 1, 10)) * (0.5 + self._jitter())
            with self._lock:
                self._state = ConnectionState(False, problem, serious, failures)
            _LOGGER.info('%s; next attempt in %.0f s', problem, pause_s)
            self._stop.wait(pause_s)
        with self._lock:
            self._state = ConnectionState(False, 'stopped')

    def _session(self) -> tuple[bool, str, bool]:
        """Connect and stay until the connection ends: was it accepted, what ended it, serious."""
        broker = self._broker
        where = f'broker {broker.host}:{broker.effective_port}'
        version = paho.MQTTv5 if broker.mqtt_version == '5' else paho.MQTTv311
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=self._client_id,
                             protocol=version, reconnect_on_failure=False,
                             **({} if version == paho.MQTTv5 else {'clean_session': True}))
        ended = threading.Event()
        hung_up = f'{where} ended the connection'
        outcome = {'accepted': False, 'problem': hung_up, 'serious': False}
        if broker.username:
            client.username_pw_set(broker.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        client.connect_timeout = _CONNECT_TIMEOUT_S

        def connected(_client, _data, _flags, reason, _properties):
            if reason.is_failure:
                outcome['problem'], outcome['serious'] = _refusal(where, broker, str(reason))
                return
            outcome['accepted'] = True
            with self._lock:
                self._awaited.clear()
                self._early.clear()
                self._denied.clear()
                self._state = ConnectionState(True, '', False, 0)
            self._subscribe(client, self._topics)
            _LOGGER.info('connected to %s%s', where, ' with TLS' if broker.uses_tls else '')
            try:
                self._on_connect()
            except Exception:  # the thread must not die of what others do
                _LOGGER.exception('on_connect')

        def disconnected(_client, _data, _flags, reason, _properties):
            if 'taken over' in str(reason).lower():
                outcome['problem'] = (f'{where}: another client uses the id {self._client_id!r}: '
                                      'give each bridge its own base_topic')
                outcome['serious'] = True
            ended.set()

        def message(_client, _data, received):
            try:
                self._on_message(received.topic, received.payload, bool(received.retain))
            except Exception:  # as above
                _LOGGER.exception('message on %s', received.topic)

        def published(_client, _data, mid, reason, _properties):
            self._answered('publish', mid, str(reason) if reason.is_failure else '')

        def subscribed(_client, _data, mid, reasons, _properties):
            self._answered('subscribe', mid, next((
                str(reason) for reason in reasons if reason.is_failure), ''))

        client.on_connect, client.on_disconnect = connected, disconnected
        client.on_message, client.on_publish = message, published
        client.on_subscribe = subscribed
        try:
            arguments = {'clean_start': True} if version == paho.MQTTv5 else {}
            client.connect(broker.host, broker.effective_port, _KEEPALIVE_S, **arguments)
        except (OSError, ValueError) as error:
            problem, serious = _failure(where, broker, error)
            return False, problem, serious
        self._client = client
        client.loop_start()
        try:
            # A broker may accept the TCP connection and never answer.
            deadline = time.monotonic() + 2 * _CONNECT_TIMEOUT_S
            while not ended.wait(0.2) and not self._stop.is_set():
                if not outcome['accepted'] and time.monotonic() > deadline:
                    outcome['problem'] = (f'{where} does not answer: is it an MQTT broker, and '
                                          f'{"with" if broker.uses_tls else "without"} TLS?')
                    client.disconnect()
                    break
            if ended.is_set() and not outcome['accepted'] and outcome['problem'] == hung_up \
                    and not broker.uses_tls:
                outcome['problem'] = (f'{where} hangs up before it answers: does it want TLS '
                                      '(tls: true, usually port 8883)?')
            if self._stop.is_set():
                client.disconnect()
                ended.wait(1.0)
        finally:
            with self._lock:
                self._state = ConnectionState(False, outcome['problem'], outcome['serious'])
            self._client = None
            client.loop_stop()
        return outcome['accepted'], outcome['problem'], outcome['serious']

    def _subscribe(self, client: paho.Client, topics: list[str]) -> None:
        for topic in topics:
            result, mid = client.subscribe(topic, qos=1)
            if result == paho.MQTT_ERR_SUCCESS:
                self._await('subscribe', mid, topic)

    def _await(self, kind: str, mid: int, topic: str) -> None:
        """Expect the broker's answer, which may have come already."""
        with self._lock:
            refusal = self._early.pop((kind, mid), None)
            if refusal is None:
                self._awaited[kind, mid] = topic
                while len(self._awaited) > 256:
                    self._awaited.pop(next(iter(self._awaited)))
            else:
                self._note(kind, topic, refusal)

    def _answered(self, kind: str, mid: int, refusal: str) -> None:
        """Take the broker's answer; an empty refusal is consent."""
        with self._lock:
            topic = self._awaited.pop((kind, mid), None)
            if topic is None:
                self._early[kind, mid] = refusal
                while len(self._early) > 256:
                    self._early.pop(next(iter(self._early)))
            else:
                self._note(kind, topic, refusal)

    def _note(self, kind: str, topic: str, refusal: str) -> None:
        """Keep what is denied; called with the lock."""
        if not refusal:
            if kind == 'publish':
                self._denied.pop(topic, None)
            return
        broker = self._broker
        what = 'publishing on' if kind == 'publish' else 'subscribing to'
        self._denied[topic] = (
            f'broker {broker.host}:{broker.effective_port} denies {what} {topic} ({refusal}): '
            f"allow it for user {broker.username!r} in the broker's access list")


def _refusal(where: str, broker: Broker, reason: str) -> tuple[str, bool]:
    text = reason.lower()
    if 'user name or password' in text or 'not authorized' in text or 'not authorised' in text:
        if not broker.username:
            return (f'{where} wants a user name and password: set broker.username and '
                    'broker.password', True)
        return (f'{where} refuses user {broker.username!r} ({reason}): check username and '
                'password', True)
    if 'protocol' in text:
        return f"{where} does not speak MQTT 5 ({reason}): set mqtt_version: '3.1.1'", True
    return f'{where} refuses the connection: {reason}', True


def _failure(where: str, broker: Broker, error: Exception) -> tuple[str, bool]:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or str(error)
        lowered = reason.lower()
        if 'hostname' in lowered or 'ip address' in lowered:
            return (f'{where}: the certificate is for another host name ({reason}): use the name '
                    'that stands in it', True)
        if 'expired' in lowered or 'not yet valid' in lowered:
            return f'{where}: the certificate is not valid now ({reason})', True
        return (f'{where}: the certificate is not signed by an authority that is trusted here '
                f"({reason}): set broker.ca_file to that authority's certificate", True)
    if isinstance(error, ssl.SSLError):
        return (f'{where}: no TLS connection ({error.reason or error}): is this the TLS port '
                '(usually 8883)? A broker without TLS needs tls: false', True)
    if isinstance(error, ConnectionResetError) and broker.uses_tls:
        # As brokers without TLS do; one that is just ending does it too, so try again soon.
        return (f'{where} hangs up when TLS is begun: is this the TLS port (usually 8883)? A '
                'broker without TLS needs tls: false', False)
    if isinstance(error, ConnectionRefusedError):
        return f'{where} refuses connections: is it running, and is the port right?', False
    if isinstance(error, socket.gaierror):
        return f'{where}: no host of that name', False
    if isinstance(error, TimeoutError):
        return f'{where} does not answer within {_CONNECT_TIMEOUT_S:g} s', False
    return f'{where}: {error}', False


def _tls_context(broker: Broker) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=broker.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f'broker.ca_file {broker.ca_file}: {error}') from error
    if broker.certificate_file:
        try:
            context.load_cert_chain(broker.certificate_file, broker.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f'broker.certificate_file {broker.certificate_file} and '
                                     f'key_file {broker.key_file}: {error}') from error
    return context

# SPDX-License-Identifier: Apache-2.0
"""Client of Home Assistant's WebSocket: states, their causes, and service calls."""

from collections import deque
from collections.abc import Callable, Iterable
import json
import ssl
import threading
import time
import urllib.parse

from fer_ros.backoff import Backoff
from fer_ros.home.kinds.base import Cause
from fer_ros.home.world.home_assistant_registries import REGISTRIES, Registries
from fer_ros.home.world.home_assistant_states import Origins, States
from fer_ros.home.world.json_answers import read_object
from fer_ros.workers import Faults, Worker
import websocket

TIMEOUT_S = 5.0
#: Ping interval, and timeout after which the connection ends, seconds.
_PING_S, _SILENCE_S = 15.0, 40.0
#: Longest wait for a message, seconds.
_WAIT_S = 0.5
#: Pause after a refused token, seconds.
_REFUSED_S = 60.0
#: A connection that lasted this long resets the pauses, seconds.
_HEALTHY_S = 60.0


class Closed(Exception):
    """The connection cannot be used; the text says why."""


class _Refused(Closed):
    """Home Assistant refuses the token."""


class _Call:
    """A service call that waits for its answer."""

    def __init__(self, entity_ids: Iterable[str]):
        self.entity_ids = frozenset(entity_ids)
        self.answered = threading.Event()
        self.done, self.detail = False, 'Home Assistant does not answer'


class HomeAssistantSocket:
    """Keeps a connection to Home Assistant in a separate thread.

    :param url: address of Home Assistant; ``token``: a long-lived access token.
    :param context: the TLS settings.
    :param entity_ids: gives the entities to hear of.
    :param on_state: called in the thread with an entity's id, its state as of the REST API (None:
        it is not there) and who is behind it.
    :param listed: called in the thread with the registries, when one of them has changed.
    :ivar connected: whether states are pushed now.
    :ivar problem: why they are not, or empty.
    """

    def __init__(self, url: str, token: str, context: ssl.SSLContext, faults: Faults,
                 entity_ids: Callable[[], list[str]],
                 on_state: Callable[[str, dict | None, Cause], None],
                 listed: Callable[[Registries], None] = lambda _: None):
        parts = urllib.parse.urlsplit(url)
        self._url = urllib.parse.urlunsplit((
            'wss' if parts.scheme == 'https' else 'ws', parts.netloc,
            parts.path.rstrip('/') + '/api/websocket', '', ''))
        self._host, self._token, self._context = parts.hostname, token, context
        self._faults, self._entity_ids = faults, entity_ids
        self._on_state, self._listed = on_state, listed
        self._with_registries = False
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._socket: websocket.WebSocket | None = None
        self._backoff = Backoff(1.0)
        self._next_id = 0
        self._calls: dict[int, _Call] = {}
        self._held_back: deque[tuple[str, dict | None]] = deque()
        self._states, self._registries = States(), Registries()
        #: Outlives a connection, as what we called does.
        self._origins = Origins()
        self._known: frozenset[str] = frozenset()
        #: What the answers and events to some of our messages tell of, by their numbers.
        self._subscribed: dict[int, tuple[str, ...]] = {}
        self._lists: dict[int, str] = {}
        self._changes: dict[int, str] = {}
        self.connected, self.problem = False, 'not connected yet'
        self._worker = Worker('home assistant events', self._run, faults, daemon=True)

    def start(self, *, registries: bool = False) -> None:
        """Begin.

        :param registries: list the registries, too.
        """
        self._with_registries = registries
        self._worker.start()

    def stop(self) -> None:
        """End the connection and the thread."""
        self._stop.set()
        if (socket := self._socket) is not None:
            try:
                # Wakes the thread, which waits for a message.
                socket.abort()
            except (OSError, AttributeError):
                # It has ended by itself.
                pass
        self._worker.end(TIMEOUT_S + 2)

    def call(self, service: str, data: dict) -> tuple[bool, str]:
        """Call a service and wait for the answer: was it carried out, and why not.

        :raises Closed: when the connection ends before the answer.
        """
        domain, _, name = service.partition('/')
        entity_id = data.get('entity_id', [])
        call = _Call([entity_id] if isinstance(entity_id, str) else entity_id)
        self._send({'type': 'call_service', 'domain': domain, 'service': name,
                    'service_data': data}, call)
        if not call.answered.wait(TIMEOUT_S):
            return False, call.detail
        if not self.connected and not call.done:
            raise Closed(call.detail)
        return call.done, call.detail

    def called_elsewhere(self) -> None:
        """Expect the effect of a service call that does not go this way."""
        self._origins.untold()

    # The thread.

    def _run(self) -> None:
        while not self._stop.is_set():
            began_s, pause_s = time.monotonic(), None
            try:
                self._session()
            except _Refused as error:
                self.problem, pause_s = str(error), _REFUSED_S
            except (Closed, OSError, ValueError, websocket.WebSocketException) as error:
                self.problem = str(error) or type(error).__name__
            finally:
                self._leave()
            if time.monotonic() - began_s > _HEALTHY_S:
                self._backoff.reset()
            self._stop.wait(self._backoff.pause_s() if pause_s is None else pause_s)

    def _session(self) -> None:
        """Connect, subscribe, and take messages until the connection ends."""
        # No proxies for the local network, and no redirects: they would get the token.
        self._socket = websocket.create_connection(
            self._url, timeout=TIMEOUT_S, sslopt={'context': self._context},
            http_no_proxy=[self._host], redirect_limit=0, enable_multithread=True)
        self._expect('auth_required')
        self._socket.send(json.dumps({'type': 'auth', 'access_token': self._token}))
        self._expect('auth_ok')
        self._next_id = 0
        self._states, self._registries = States(), Registries()
        self._known = frozenset()
        self._subscribed, self._lists, self._changes = {}, {}, {}
        self._subscribe_new()
        for registry in REGISTRIES if self._with_registries else ():
            number = self._send({'type': 'subscribe_events',
                                 'event_type': f'{registry}_registry_updated'})
            self._changes[number] = registry
            self._list(registry)
        # Needs an administrator's token; without it automations by the clock look like switches.
        self._send({'type': 'subscribe_events', 'event_type': 'call_service'})
        self._socket.settimeout(_WAIT_S)
        heard_s = asked_s = time.monotonic()
        while not self._stop.is_set():
            try:
                text = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                text = None
            now_s = time.monotonic()
            self._subscribe_new()
            if text == '':
                raise Closed('Home Assistant ended the connection')
            if text is not None:
                heard_s = now_s
                message = read_object(text)
                if not self._faults.survive('message of Home Assistant', self._take, message):
                    continue
            if now_s - heard_s > _SILENCE_S:
                raise Closed('Home Assistant is silent')
            if now_s - asked_s > _PING_S:
                asked_s = now_s
                self._send({'type': 'ping'})

    def _expect(self, kind: str) -> None:
        message = read_object(self._socket.recv() or '{}')
        if message.get('type') == 'auth_invalid':
            raise _Refused('the token is refused')
        if message.get('type') != kind:
            raise Closed('the answer is not that of its WebSocket')

    def _subscribe_new(self) -> None:
        """Ask for the states of entities that are not asked for yet."""
        wanted = self._entity_ids()
        new = tuple(name for name in wanted if name not in self._known)
        self._known = frozenset(wanted)
        # Without any, all would be sent.
        if new:
            self._subscribed[self._send({'type': 'subscribe_entities', 'entity_ids': new})] = new

    def _list(self, registry: str) -> None:
        self._lists[self._send({'type': f'config/{registry}_registry/list'})] = registry

    def _send(self, message: dict, call: _Call | None = None) -> int:
        with self._lock:
            socket = self._socket
            if socket is None:
                raise Closed('not connected')
            self._next_id += 1
            if call is not None:
                self._calls[self._next_id] = call
            try:
                socket.send(json.dumps({'id': self._next_id, **message}))
            except (OSError, websocket.WebSocketException) as error:
                self._calls.pop(self._next_id, None)
                raise Closed(str(error)) from error
            return self._next_id

    def _take(self, message: dict) -> None:
        number, kind = message.get('id'), message.get('type')
        if kind == 'result':
            if number == 1 and message.get('success') is True:
                self.connected, self.problem = True, ''
            elif number == 1:
                raise Closed('it does not tell the states of entities')
            if isinstance(number, int) and number in self._lists:
                self._take_list(self._lists.pop(number), message)
            self._answer(number, message)
        elif kind == 'event' and isinstance(message.get('event'), dict):
            event = message['event']
            if not isinstance(number, int):
                return
            if number in self._subscribed:
                added = event.get('a')
                for entity_id, entity in self._states.take(event):
                    if entity is not None and isinstance(added, dict) and entity_id in added:
                        self._origins.earlier(entity['context'])
                    self._receive_state(entity_id, entity)
                self._report_missing(event, self._subscribed[number])
            elif number in self._changes:
                self._list(self._changes[number])
            else:
                self._origins.called(event.get('context'))

    def _take_list(self, registry: str, message: dict) -> None:
        """Handle a registry list; it is forwarded once all have arrived."""
        self._registries.take(registry, message.get('result'))
        if self._registries.complete and not self._lists:
            self._listed(self._registries)

    def _report_missing(self, event: dict, entity_ids: tuple[str, ...]) -> None:
        """Tell, after the first message, which entities are not there."""
        if 'a' in event:
            for entity_id in entity_ids:
                if entity_id not in self._states.entities:
                    self._on_state(entity_id, None, Cause.UNKNOWN)

    def _answer(self, number: object, message: dict) -> None:
        with self._lock:
            call = self._calls.pop(number, None) if isinstance(number, int) else None
        if call is None:
            return
        result, error = message.get('result'), message.get('error')
        call.done = message.get('success') is True
        if isinstance(result, dict):
            self._origins.ours(result.get('context'))
        call.detail = '' if call.done else str(
            error.get('message') if isinstance(error, dict) else 'refused')[:200]
        call.answered.set()
        held_back, self._held_back = self._held_back, deque()
        for entity_id, entity in held_back:
            self._receive_state(entity_id, entity)

    def _receive_state(self, entity_id: str, entity: dict | None) -> None:
        """Forward a state, once it is known whether a pending call caused it."""
        with self._lock:
            waits = any(entity_id in call.entity_ids for call in self._calls.values())
        if waits and len(self._held_back) < 1000:
            self._held_back.append((entity_id, entity))
            return
        self._on_state(entity_id, entity, Cause.UNKNOWN if entity is None
                   else self._origins.cause(entity.get('context')))

    def _leave(self) -> None:
        self.connected = False
        with self._lock:
            socket, self._socket = self._socket, None
            calls, self._calls = self._calls, {}
        if calls:
            self._origins.untold()
        for call in calls.values():
            call.detail = self.problem or 'the connection ended'
            call.answered.set()
        self._held_back.clear()
        if socket is not None:
            try:
                socket.close(timeout=1)
            except (OSError, websocket.WebSocketException):
                pass

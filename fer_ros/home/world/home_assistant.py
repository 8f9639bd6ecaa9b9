# SPDX-License-Identifier: Apache-2.0
"""Client of Home Assistant: its WebSocket, or its REST API if that does not work.

Every call is read back: a service call on an entity that does not exist answers success.
"""

from collections.abc import Callable
from http.client import HTTPException
import json
import logging
import ssl
import threading
import time
from typing import Protocol
import urllib.error
import urllib.request

from fer_ros.home.action import AmbientAction
from fer_ros.home.devices.base import ResultCallback
from fer_ros.home.kinds.base import Cause
from fer_ros.home.policy.servers import HomeAssistant
from fer_ros.home.world.home_assistant_registries import Registries
from fer_ros.home.world.json_answers import read_object
from fer_ros.home.world.mqtt_failures import trusting
from fer_ros.workers import Faults, Worker

try:
    from fer_ros.home.world.home_assistant_socket import Closed, HomeAssistantSocket
except ImportError:
    HomeAssistantSocket = None

_TIMEOUT_S = 5.0
_RETRY_S, _REFUSED_RETRY_S = 5.0, 60.0
_MAXIMUM_ANSWER = 1_000_000
#: Timeout of a request on a home network, seconds.
_ROUND_TRIP_S = 0.5
#: Errors of a request.
_ERRORS = (OSError, ValueError, HTTPException)

_LOGGER = logging.getLogger(__name__)


#: Called with the lights of a group and what is wrong with it, or empty.
MembersCallback = Callable[[tuple[str, ...], str], None]


class Watcher(Protocol):
    """A listener for an entity's state.

    :ivar missing: whether the entity does not exist.
    """

    missing: bool

    def update(self, entity: dict, cause: Cause = Cause.UNKNOWN) -> None:
        """Handle a state of the entity and its cause."""


class _Refused(Exception):
    """The server refused the request with the HTTP ``status``."""

    def __init__(self, status: int):
        super().__init__(f'HTTP {status}')
        self.status = status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        # A redirect would carry the token to another host.
        return None


class HomeAssistantClient:
    """Calls services and watches entities in separate threads; only the latest call is sent.

    States are pushed by the WebSocket; if it does not work they are polled.

    :param faults: where errors of the thread are recorded.
    """

    def __init__(self, settings: HomeAssistant, faults: Faults | None = None):
        self._settings = settings
        self._faults = faults or Faults()
        self._token = settings.token.read('home_assistant.token')
        context = trusting(settings.ca_file, 'home_assistant.ca_file')
        self._socket = None if HomeAssistantSocket is None else HomeAssistantSocket(
            settings.url, self._token, context, self._faults, lambda: list(self._watched),
            self._on_pushed, self._regroup)
        # Proxies from the environment are not for a house's own network.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _NoRedirect(),
            urllib.request.HTTPSHandler(context=context))
        self._watched: dict[str, list[Watcher]] = {}
        self._groups: list[tuple[str | None, str | None, MembersCallback]] = []
        self._calls: dict[str, tuple[AmbientAction, str, dict, ResultCallback]] = {}
        self._condition = threading.Condition()
        self._stopped = False
        self._worker: Worker | None = None
        self._problem = 'not connected yet'
        self.serious = False

    @property
    def problem(self) -> str:
        """Why neither states are pushed nor the last request was answered, or empty."""
        return '' if self.pushed else self._problem

    @property
    def connected(self) -> bool:
        """Whether states are pushed, or the last request was answered."""
        return not self.problem

    @property
    def pushed(self) -> bool:
        """Whether states are pushed, not polled."""
        return self._socket is not None and self._socket.connected

    @property
    def delay_s(self) -> float:
        """Maximum delay between a change and its report, seconds."""
        return 0.0 if self.pushed else self._settings.poll_s + _ROUND_TRIP_S

    @property
    def state(self) -> str:
        """State of the connection, in words."""
        if not self.connected:
            return 'not connected'
        if self.pushed:
            return 'connected'
        why = 'install websocket-client' if self._socket is None else self._socket.problem
        return f'connected, polled every {self._settings.poll_s:g} s (no WebSocket: {why})'

    def watch(self, entity_id: str, device: Watcher) -> None:
        """Forward an entity's state to a device."""
        self._watched.setdefault(entity_id, []).append(device)

    def unwatch(self, entity_id: str, device: Watcher) -> None:
        """Tell a device no more."""
        watchers = [one for one in self._watched.get(entity_id, ()) if one is not device]
        if watchers:
            self._watched[entity_id] = watchers
        else:
            self._watched.pop(entity_id, None)

    def watch_lights(self, area: str | None, label: str | None, changed: MembersCallback) -> None:
        """Tell which lights an area or a label has; to be called before the start."""
        self._groups.append((area, label, changed))

    def start(self) -> None:
        """Begin."""
        if self._socket is not None and (self._watched or self._groups):
            self._socket.start(registries=bool(self._groups))
        self._worker = Worker('home assistant', self._run, self._faults, daemon=True).start()

    def stop(self) -> None:
        """Send waiting calls, then stop."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._worker is not None:
            self._worker.end(_TIMEOUT_S + 2)
            self._worker = None
        if self._socket is not None:
            self._socket.stop()

    def call(self, action: AmbientAction, service: str, data: dict,
             result: ResultCallback) -> None:
        """Queue a service call; one of the same entity that still waits is dropped."""
        with self._condition:
            self._calls[data.get('entity_id', service)] = (action, service, data, result)
            self._condition.notify()

    def _run(self) -> None:
        try:
            self._serve()
        except Exception:
            self._set_problem('internal error, see the log', False)
            raise

    def _serve(self) -> None:
        next_poll = 0.0
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._calls or self._stopped,
                                         max(0.0, next_poll - time.monotonic()))
                calls, self._calls = self._calls, {}
                stopped = self._stopped
            for action, service, data, result in calls.values():
                outcome = False, 'internal error, see the log'
                try:
                    outcome = self._carry_out(service, data)
                except Exception as error:  # costs this call only
                    self._faults.add(f'{service} of {data.get("entity_id")}', error)
                result(action, *outcome)
            if stopped:
                return
            if time.monotonic() >= next_poll:
                self._poll()
                pause_s = self._settings.poll_s if self.connected else (
                    _REFUSED_RETRY_S if self.serious else _RETRY_S)
                next_poll = time.monotonic() + pause_s

    def _carry_out(self, service: str, data: dict) -> tuple[bool, str]:
        entity_id = data.get('entity_id')
        try:
            if self.pushed:
                done, detail = self._socket.call(service, data)
                if not done:
                    what = service.replace('/', '.') + (f' of {entity_id}' if entity_id else '')
                    return False, f'Home Assistant refuses {what}: {detail}'
            else:
                if self._socket is not None:
                    self._socket.called_elsewhere()
                self._request(f'/api/services/{service}', data)
            if entity_id is None:
                return True, ''
            state = self._request(f'/api/states/{entity_id}')
        except _Refused as error:
            if entity_id is None and error.status in (400, 404):
                return False, f'Home Assistant has no action {service.replace("/", ".")}'
            if error.status == 404:
                return False, f'Home Assistant has no entity {entity_id}: check entity_id'
            return False, self._explain(error)
        except _ERRORS as error:
            return False, self._explain(error)
        except Closed as error:
            return False, f'Home Assistant at {self._settings.url}: {error}'
        if state.get('state') == 'unavailable':
            return False, f'{entity_id} is unavailable in Home Assistant'
        if not self.pushed:
            self._update(entity_id, state)
        return True, ''

    def _poll(self) -> None:
        if self.pushed:
            self._set_problem('', False)
            return
        for entity_id in list(self._watched) or ['']:
            try:
                state = self._request(f'/api/states/{entity_id}' if entity_id else '/api/')
            except _Refused as error:
                if error.status == 404 and entity_id:
                    for device in self._watched.get(entity_id, ()):
                        device.missing = True
                    continue
                self._set_problem(self._explain(error), error.status in (401, 403))
                return
            except _ERRORS as error:
                self._set_problem(self._explain(error), isinstance(
                    getattr(error, 'reason', error), ssl.SSLCertVerificationError))
                return
            if entity_id:
                self._update(entity_id, state)
        self._set_problem('', False)

    def _on_pushed(self, entity_id: str, entity: dict | None, cause: Cause) -> None:
        """Handle a state from the WebSocket, in its thread."""
        if entity is not None:
            self._update(entity_id, entity, cause)
            return
        for device in self._watched.get(entity_id, ()):
            device.missing = True

    def _regroup(self, registries: Registries) -> None:
        """Take the registries that the WebSocket lists, in its thread."""
        for area, label, changed in self._groups:
            changed(*registries.lights(area, label))

    def _update(self, entity_id: str, state: dict, cause: Cause = Cause.UNKNOWN) -> None:
        for device in self._watched.get(entity_id, ()):
            self._faults.survive(f'state of {entity_id}', device.update, state, cause)

    def _set_problem(self, problem: str, serious: bool) -> None:
        if self.pushed:
            # The WebSocket connected meanwhile.
            problem, serious = '', False
        if problem and problem != self._problem:
            _LOGGER.info('%s', problem)
        self._problem, self.serious = problem, serious

    def _explain(self, error: Exception) -> str:
        where = f'Home Assistant at {self._settings.url}'
        if isinstance(error, _Refused):
            if error.status in (401, 403):
                return f'{where} rejects the token: create a new long-lived access token'
            return f'{where} answers HTTP {error.status}'
        reason = getattr(error, 'reason', error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f'{where}: the certificate is not trusted ({reason.verify_message})'
        if isinstance(reason, ConnectionRefusedError):
            return f'{where} refuses connections: is it running?'
        if isinstance(error, (ValueError, HTTPException)):
            return f'{where} returned an answer that is not of its API: is the url right?'
        return f'{where}: {reason}'

    def _request(self, path: str, data: dict | None = None) -> dict:
        request = urllib.request.Request(
            self._settings.url.rstrip('/') + path,
            data=None if data is None else json.dumps(data).encode(),
            headers={'Authorization': f'Bearer {self._token}',
                     'Content-Type': 'application/json'})
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                body = answer.read(_MAXIMUM_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                raise _Refused(error.code) from error
        return read_object(body or b'{}')

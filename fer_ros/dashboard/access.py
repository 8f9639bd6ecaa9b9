# SPDX-License-Identifier: Apache-2.0
"""Who may look and who may switch: a token, sessions, and guards against other web pages."""

from collections.abc import Callable
import hmac
import ipaddress
import os
import secrets
import threading
import time

from fer_ros.errors import ConfigurationError
from fer_ros.secret_files import read_secret

TOKEN_VARIABLE = 'FER_DASHBOARD_TOKEN'
MINIMUM_TOKEN_LENGTH = 8
SESSION_S = 12 * 3600
#: So many wrong tokens within a minute from one address, then it has to wait.
TRIES = 10
_WINDOW_S = 60.0
_MAXIMUM_SESSIONS = 200


def bind_address(text: str) -> str:
    """Return the IP address to listen on.

    :raises ConfigurationError: when it is none.
    """
    if text == 'localhost':
        return '127.0.0.1'
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ConfigurationError(f'address is {text!r}: expected localhost or an IP address, '
                                 '0.0.0.0 for all of this machine') from error


def read_token(file: str, environment: dict[str, str] | None = None) -> str:
    """Return the token from a file or the environment; empty when there is none.

    :raises ConfigurationError: when the file cannot be read or the token is too short.
    """
    environment = os.environ if environment is None else environment
    if file:
        token = read_secret('token_file', file=file)
        source = f'the token in {file}'
    else:
        token = environment.get(TOKEN_VARIABLE, '').strip()
        source = f'the token in the environment variable {TOKEN_VARIABLE}'
    if (file or token) and len(token) < MINIMUM_TOKEN_LENGTH:
        raise ConfigurationError(f'{source} has {len(token)} characters: expected at least '
                                 f'{MINIMUM_TOKEN_LENGTH}')
    return token


class Access:
    """Decide on requests.

    :param address: the IP address listened on.
    :param token: what viewers must know, or empty for none.
    :param host_names: by which a proxy may call the page, besides the loopback names.
    :raises ConfigurationError: for an address that others reach without a token.
    """

    def __init__(self, address: str, token: str, host_names: tuple[str, ...] = (),
                 clock: Callable[[], float] = time.monotonic):
        self._loopback = ipaddress.ip_address(address).is_loopback
        if not self._loopback and not token:
            raise ConfigurationError(
                f'address {address} can be reached by others: set a token, in the environment '
                f'variable {TOKEN_VARIABLE} or in a file named by token_file, or use 127.0.0.1')
        self._token, self._clock = token.encode(), clock
        self._hosts = {'localhost', '127.0.0.1', '[::1]', address, f'[{address}]', *host_names}
        #: Other pages cannot read it, so a request that has it comes from ours.
        self.csrf = secrets.token_urlsafe(24)
        self._sessions: dict[str, float] = {}
        self._wrong: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @property
    def needs_token(self) -> bool:
        """Whether viewers must know a token."""
        return bool(self._token)

    def host_allowed(self, host: str) -> bool:
        """Return whether a Host header names us: else a foreign name was bent to our address."""
        # With a token a foreign name gets nothing: the session's cookie is not sent to it.
        if self._token and not self._loopback:
            return True
        name = host.rpartition(':')[0] if ':' in host and not host.endswith(']') else host
        return name.lower() in self._hosts

    def blocked(self, client: str) -> bool:
        """Return whether a client has to wait after too many wrong tokens."""
        with self._lock:
            recent = [at for at in self._wrong.get(client, ()) if self._clock() - at < _WINDOW_S]
            if recent:
                self._wrong[client] = recent
            else:
                self._wrong.pop(client, None)
            return len(recent) >= TRIES

    def token_right(self, token: str, client: str) -> bool:
        """Return whether a token is right; a wrong one is counted."""
        if self.blocked(client):
            return False
        if self._token and hmac.compare_digest(token.encode(), self._token):
            return True
        with self._lock:
            if len(self._wrong) > 1000:
                self._wrong.clear()
            self._wrong.setdefault(client, []).append(self._clock())
        return False

    def begin_session(self) -> str:
        """Return the secret of a new session."""
        with self._lock:
            while len(self._sessions) >= _MAXIMUM_SESSIONS:
                del self._sessions[min(self._sessions, key=self._sessions.get)]
            session = secrets.token_urlsafe(32)
            self._sessions[session] = self._clock() + SESSION_S
            return session

    def end_session(self, session: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def session_valid(self, session: str) -> bool:
        """Return whether a session is one of ours and not too old."""
        with self._lock:
            return self._sessions.get(session, float('-inf')) > self._clock()

    def csrf_right(self, given: str) -> bool:
        """Return whether a request carries our page's secret."""
        return hmac.compare_digest(given.encode(), self.csrf.encode())

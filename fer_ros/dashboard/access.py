# SPDX-License-Identifier: Apache-2.0
"""Access control of the page: token, sessions, and protection against other web pages."""

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
#: Wrong tokens per minute from one address, after which it must wait.
TRIES = 10
_WINDOW_S = 60.0
_MAXIMUM_SESSIONS = 200
_MAXIMUM_CLIENTS = 10_000
_MOST_PROXIES = 8


def bind_address(text: str) -> str:
    """Return the IP address to listen on.

    :raises ConfigurationError: when it is not valid.
    """
    if text == 'localhost':
        return '127.0.0.1'
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ConfigurationError(f'address is {text!r}: expected localhost or an IP address, '
                                 '0.0.0.0 for all addresses of this machine') from error


def read_token(file: str, environment: dict[str, str] | None = None) -> str:
    """Return the token from a file or the environment; empty if not set.

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


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigurationError(f'trusted_proxies: {text!r} is not an IP address or network such '
                                 'as 127.0.0.1 or 10.0.0.0/8') from error


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip().strip('"')
    text = text[1:].partition(']')[0] if text.startswith('[') else (
        text.partition(':')[0] if text.count(':') == 1 else text)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, 'ipv4_mapped', None) or address


def _who(text: str) -> str:
    """Return the key of a client: its IPv4 address, or the /64 network of an IPv6 address."""
    address = _address(text)
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or text)


class Access:
    """Authenticates and authorizes requests.

    :param address: the IP address that the server listens on.
    :param token: token that viewers must enter, or empty for none.
    :param host_names: names by which a proxy may call the page, besides the loopback names.
    :param trusted_proxies: addresses and networks, as text, of proxies that are trusted to report
        the client's address and whether its connection is encrypted.
    :raises ConfigurationError: for a page that others can reach without a token, and for invalid
        addresses.
    """

    def __init__(self, address: str, token: str, host_names: tuple[str, ...] = (),
                 trusted_proxies: tuple[str, ...] = (),
                 clock: Callable[[], float] = time.monotonic):
        self._loopback = ipaddress.ip_address(address).is_loopback
        if not self._loopback and not token:
            raise ConfigurationError(
                f'address {address} can be reached by others: set a token, in the environment '
                f'variable {TOKEN_VARIABLE} or in a file set by token_file, or use 127.0.0.1')
        if not token and (host_names or trusted_proxies):
            raise ConfigurationError(
                f'{"host_names" if host_names else "trusted_proxies"} is set: a proxy shows the '
                f'page to others, so set a token, in the environment variable {TOKEN_VARIABLE} or '
                'in a file set by token_file')
        self._proxies = tuple(_network(text) for text in trusted_proxies)
        self._token, self._clock = token.encode(), clock
        self._hosts = {'localhost', '127.0.0.1', '[::1]', address, f'[{address}]', *host_names}
        #: Other pages cannot read it, so a request with it comes from this page.
        self.csrf = secrets.token_urlsafe(24)
        self._sessions: dict[str, float] = {}
        self._wrong: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @property
    def needs_token(self) -> bool:
        """Whether viewers must enter a token."""
        return bool(self._token)

    def host_allowed(self, host: str) -> bool:
        """Return whether a Host header is one of ours; protects against DNS rebinding."""
        # With a token a foreign name gets nothing: the session cookie is not sent to it.
        if self._token and not self._loopback:
            return True
        name = host.rpartition(':')[0] if ':' in host and not host.endswith(']') else host
        return name.lower() in self._hosts

    def is_proxy(self, peer: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        if not self._proxies:
            return False
        address = _address(peer)
        return address is not None and any(address in network for network in self._proxies)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the client's address: the peer's, or the one that trusted proxies report.

        :param forwarded_for: the header X-Forwarded-For; each proxy appends the address that it
            saw, entries further left may be forged.
        """
        if not self.is_proxy(peer):
            return _who(peer)
        for text in reversed(forwarded_for.split(',')[-_MOST_PROXIES:]):
            address = _address(text)
            if address is None:
                break
            if not self.is_proxy(str(address)):
                return _who(str(address))
        return _who(peer)

    def encrypted(self, peer: str, forwarded_scheme: str) -> bool:
        """Return whether a trusted proxy reports an https connection."""
        return self.is_proxy(peer) \
            and forwarded_scheme.rpartition(',')[2].strip().lower() == 'https'

    def blocked(self, client: str) -> bool:
        """Return whether a client must wait after too many wrong tokens."""
        with self._lock:
            recent = [at for at in self._wrong.get(client, ()) if self._clock() - at < _WINDOW_S]
            if recent:
                self._wrong[client] = recent
            else:
                self._wrong.pop(client, None)
            return len(recent) >= TRIES

    def token_right(self, token: str, client: str) -> bool:
        """Return whether a token is correct; wrong ones are counted."""
        if self.blocked(client):
            return False
        if self._token and hmac.compare_digest(token.encode(), self._token):
            return True
        with self._lock:
            # The latest last; the client inactive for longest is forgotten.
            self._wrong[client] = [*self._wrong.pop(client, ())[1 - TRIES:], self._clock()]
            if len(self._wrong) > _MAXIMUM_CLIENTS:
                del self._wrong[next(iter(self._wrong))]
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
        """Return whether a session exists and has not expired."""
        with self._lock:
            return self._sessions.get(session, float('-inf')) > self._clock()

    def csrf_valid(self, received: str) -> bool:
        """Return whether a request has this page's CSRF token."""
        return hmac.compare_digest(received.encode(), self.csrf.encode())

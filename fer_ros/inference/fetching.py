# SPDX-License-Identifier: Apache-2.0
"""Fetch published weights, on the user's word only, into the user's folder.

No part of the package calls this at start, and nodes do not load it: its libraries for the network
take 4 MiB.
"""

import base64
import http.client
import os
from pathlib import Path
import socket
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from fer_ros.errors import FerError
from fer_ros.inference.published_models import data_folder, flaw, PublishedFile
from fer_ros.masking import mask

#: Longest silence of a server, and longest time for a whole file, seconds.
SILENCE_S, WHOLE_S = 20.0, 120.0


class FetchError(FerError, OSError):
    """A file could not be fetched; the message says why and what to do."""


def fetch(file: PublishedFile, *, url: str = '', path: str | os.PathLike = '',
          folder: Path | None = None, silence_s: float = SILENCE_S,
          whole_s: float = WHOLE_S) -> tuple[Path, bool]:
    """Get a file, check it, and put it into the folder whole or not at all.

    :param url: a mirror; empty: the publisher's address. Not used where the file is there already.
    :param path: a local file to take instead.
    :param folder: where to; None: :func:`data_folder`.
    :returns: where it lies now, and whether it was there before.
    :raises FerError: naming what went wrong and what to do; then nothing has changed.
    """
    target = (data_folder() if folder is None else folder) / file.file_name
    if _is_whole(file, target):
        return target, True
    if path:
        content, origin = _read(path, file.size), str(path)
    else:
        origin = _shown(url or file.url)
        content = _download(url or file.url, file.size, silence_s, whole_s)
    problem = flaw(file, content)
    if problem:
        raise FetchError(f'{origin} {problem}')
    _write(target, content)
    return target, False


def _is_whole(file: PublishedFile, path: Path) -> bool:
    try:
        return not flaw(file, path.read_bytes())
    except OSError:
        return False


def _read(path: str | os.PathLike, size: int) -> bytes:
    try:
        with open(Path(path).expanduser(), 'rb') as stream:
            return stream.read(size + 1)
    except OSError as error:
        raise FetchError(f'{path} cannot be read ({error.strerror}): give the path of the '
                         'downloaded file') from error


def _download(url: str, size: int, silence_s: float, whole_s: float) -> bytes:
    shown = _shown(url)
    if not url.lower().startswith(('https://', 'http://')):
        raise FetchError(f'{shown} is not an http or https address: for a local file use --file')
    end_s = time.monotonic() + whole_s
    content = bytearray()
    try:
        request = _request(url)
        with urllib.request.urlopen(request, timeout=silence_s) as answer:
            # One byte more than expected tells that it is another file; no more is read.
            while len(content) <= size:
                part = answer.read1(min(65536, size + 1 - len(content)))
                if not part:
                    break
                content += part
                if time.monotonic() > end_s:
                    raise TimeoutError
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FetchError(f'{shown}: {_reason(error, silence_s)}') from error
    return bytes(content)


def _request(url: str) -> urllib.request.Request:
    """Return the request for an address that may hold a user name and password."""
    parts = urllib.parse.urlsplit(url)
    user, _, host = parts.netloc.rpartition('@')
    request = urllib.request.Request(parts._replace(netloc=host, fragment='').geturl(),
                                     headers={'User-Agent': 'fer_ros'})
    if user:
        token = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
        # A redirect to somebody else does not carry it along.
        request.add_unredirected_header('Authorization', f'Basic {token}')
    return request


def _shown(url: str) -> str:
    """Return an address without its secrets: a password, or a signature in the query."""
    return mask(url.partition('?')[0])


def _reason(error: Exception, silence_s: float) -> str:
    """Say what went wrong with a transfer, and what to do."""
    offline = 'On a machine without network, copy the file there and use --file'
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (401, 403, 407):
            return f'access is denied (HTTP {error.code}): check the address, or a proxy login'
        if error.code in (404, 410):
            return f'no such file there (HTTP {error.code}): check the address, or use --url'
        return f'the server answers HTTP {error.code}: try again later, or use --url'
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, ssl.SSLError):
        return (f'no secure connection ({getattr(error, "verify_message", "") or error.reason}): '
                "check this machine's clock and certificates, or a proxy in between")
    if isinstance(error, socket.gaierror):
        return f'host not found: is the network up? {offline}'
    if isinstance(error, ConnectionRefusedError):
        return f'connection refused: check the address. {offline}'
    if isinstance(error, TimeoutError):
        return f'the server is too slow or silent ({silence_s:g} s): try again. {offline}'
    if isinstance(error, (http.client.IncompleteRead, ConnectionError)):
        return 'the transfer was cut off: try again'
    if isinstance(error, OSError) and error.strerror:
        return f'{error.strerror}: check the address and the network. {offline}'
    # Its text may hold the whole address, with what is secret in it.
    return f'{type(error).__name__}: check the address'


def _write(target: Path, content: bytes) -> None:
    folder = target.parent
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f'.{target.name}.', dir=folder)
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp's file is for its owner only; a model is not a secret.
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise FetchError(f'{target} cannot be written ({error.strerror}): make the folder '
                         'writable, free some space, or set XDG_DATA_HOME to another folder') \
            from error

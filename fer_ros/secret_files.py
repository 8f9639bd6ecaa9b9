# SPDX-License-Identifier: Apache-2.0
"""Passwords and tokens from where they belong: an environment variable or a file."""

from collections.abc import Mapping
import logging
import os
from pathlib import Path
import re
import stat
import urllib.parse

from fer_ros.errors import ConfigurationError
from fer_ros.files import read_text

#: Longer than any token.
_MAXIMUM_BYTES = 65536
_PLACEHOLDER = re.compile(r'\$\{(env|file):([^}]*)\}')
#: Other names of variables may be secrets that were written in the wrong place.
_VARIABLE = re.compile(r'[A-Z_][A-Z0-9_]*')

_LOGGER = logging.getLogger(__name__)
_told: set[str] = set()


def read_secret(what: str, *, env: str = '', file: str = '',
                environment: Mapping[str, str] | None = None) -> str:
    """Return a secret from an environment variable or a file of one line.

    A file that others on this machine can read or change is told once, in the log.

    :param what: is named in messages, such as ``broker.password``.
    :raises ConfigurationError: when it is not there; the message never holds it.
    """
    if env:
        value = (os.environ if environment is None else environment).get(env, '').strip()
        where = f'the environment variable {env if _VARIABLE.fullmatch(env) else "under env"}'
        if not value:
            raise ConfigurationError(f'{what}: {where} is not set')
    else:
        where = file
        try:
            value = read_text(file, _MAXIMUM_BYTES).strip()
        except ConfigurationError as error:
            raise ConfigurationError(f'{what}: {error}') from error
        if not value:
            raise ConfigurationError(f'{what}: {file} is empty')
        problem = exposure(file)
        if problem and problem not in _told:
            _told.add(problem)
            _LOGGER.warning('%s: %s', what, problem)
    if not value.isprintable():
        raise ConfigurationError(f'{what}: {where} holds more than one line, or what is not text')
    return value


def exposure(file: str | Path) -> str:
    """Return that others on this machine can read or change a file of secrets, and the cure."""
    try:
        path = Path(file).expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError):
        return ''
    if not mode & (stat.S_IROTH | stat.S_IWOTH) or path.parent == Path('/run/secrets'):
        # Container engines mount secrets there, readable by all within the container.
        return ''
    return (f'{file} can be {"changed" if mode & stat.S_IWOTH else "read"} by everybody on this '
            f"machine: 'chmod o= {file}' closes it")


def with_secrets(text: str, what: str) -> str:
    """Return a text with ``${env:NAME}`` and ``${file:PATH}`` replaced by what they hold.

    Within a URL the secret is percent-encoded, so it may hold any character; a text that is one
    placeholder becomes what that holds.

    :raises ConfigurationError: when one is not there.
    """
    alone = _PLACEHOLDER.fullmatch(text) is not None

    def value(match: re.Match) -> str:
        kind, name = match.groups()
        if not name:
            raise ConfigurationError(f'{what}: ${{{kind}:}} names nothing')
        secret = read_secret(what, **{kind: name})
        return secret if alone else urllib.parse.quote(secret, safe='')
    return _PLACEHOLDER.sub(value, text)

# SPDX-License-Identifier: Apache-2.0
"""Read passwords and tokens from environment variables or files."""

from collections.abc import Mapping
import logging
import os
from pathlib import Path
import re
import stat
import urllib.parse

from fer_ros.errors import ConfigurationError
from fer_ros.files import read_text

#: Longer than any token, bytes.
_MAXIMUM_BYTES = 65536
_PLACEHOLDER = re.compile(r'\$\{(env|file):([^}]*)\}')
#: Any other text may be a secret written in the wrong place.
_VARIABLE = re.compile(r'[A-Z_][A-Z0-9_]*')

_LOGGER = logging.getLogger(__name__)
_reported: set[str] = set()


def read_secret(what: str, *, env: str = '', file: str = '',
                environment: Mapping[str, str] | None = None) -> str:
    """Return a secret from an environment variable or a file of one line.

    A file that others on this machine can read or change is reported once, in the log.

    :param what: its name in messages, such as ``broker.password``.
    :raises ConfigurationError: when it is missing; the message never contains the secret.
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
        if problem and problem not in _reported:
            _reported.add(problem)
            _LOGGER.warning('%s: %s', what, problem)
    if not value.isprintable():
        raise ConfigurationError(f'{what}: {where} has more than one line, or is not text')
    return value


def exposure(file: str | Path) -> str:
    """Return a warning with its fix if others on this machine can read or change a secret file."""
    try:
        path = Path(file).expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError):
        return ''
    if not mode & (stat.S_IROTH | stat.S_IWOTH) or path.parent == Path('/run/secrets'):
        # Container engines mount secrets here, readable by all inside the container.
        return ''
    return (f'{file} can be {"changed" if mode & stat.S_IWOTH else "read"} by everyone on this '
            f"machine: run 'chmod o= {file}'")


def with_secrets(text: str, what: str) -> str:
    """Return a text with ``${env:NAME}`` and ``${file:PATH}`` replaced by their values.

    Within a URL the secret is percent-encoded, so it may contain any character; a text that is
    one placeholder becomes its value.

    :raises ConfigurationError: when one is missing.
    """
    alone = _PLACEHOLDER.fullmatch(text) is not None

    def value(match: re.Match) -> str:
        kind, name = match.groups()
        if not name:
            raise ConfigurationError(f'{what}: ${{{kind}:}} has no name')
        secret = read_secret(what, **{kind: name})
        return secret if alone else urllib.parse.quote(secret, safe='')
    return _PLACEHOLDER.sub(value, text)

# SPDX-License-Identifier: Apache-2.0
"""Explain failures of a broker, and whether a retry helps.

Each explanation comes with True if retries cannot help until something is fixed.
"""

import logging
import socket
import ssl

from fer_ros.errors import ConfigurationError
from fer_ros.files import read_bytes, read_text
from fer_ros.home.policy.servers import Broker
from fer_ros.secret_files import exposure

CONNECT_TIMEOUT_S = 5.0
#: Maximum size of a certificate, key or CA file, bytes.
_MAXIMUM_FILE = 4_000_000

_LOGGER = logging.getLogger(__name__)


def refusal(where: str, broker: Broker, reason: str) -> tuple[str, bool]:
    """Explain why the broker refuses the connection."""
    text = reason.lower()
    if 'user name or password' in text or 'not authorized' in text or 'not authorised' in text:
        if not broker.username:
            return (f'{where} requires a user name and password: set broker.username and '
                    'broker.password', True)
        return (f'{where} rejects user {broker.username!r} ({reason}): check username and '
                'password', True)
    if 'protocol' in text:
        return f"{where} does not support MQTT 5 ({reason}): set mqtt_version: '3.1.1'", True
    return f'{where} refuses the connection: {reason}', True


def failure(where: str, broker: Broker, error: Exception) -> tuple[str, bool]:
    """Explain why connecting failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or str(error)
        lowered = reason.lower()
        if 'hostname' in lowered or 'ip address' in lowered:
            return (f'{where}: the certificate is for another host name ({reason}): use the name '
                    'in the certificate', True)
        if 'expired' in lowered or 'not yet valid' in lowered:
            return f'{where}: the certificate is not valid now ({reason})', True
        return (f'{where}: the certificate is not signed by a trusted authority '
                f"({reason}): set broker.ca_file to that authority's certificate", True)
    if isinstance(error, ssl.SSLError):
        return (f'{where}: no TLS connection ({error.reason or error}): is this the TLS port '
                '(usually 8883)? A broker without TLS requires tls: false', True)
    if isinstance(error, ConnectionResetError) and broker.uses_tls:
        # As brokers without TLS do; one that is just ending does it too, so try again soon.
        return (f'{where} closes the connection during the TLS handshake: is this the TLS port '
                '(usually 8883)? A broker without TLS requires tls: false', False)
    if isinstance(error, ConnectionRefusedError):
        return f'{where} refuses connections: is it running, and is the port right?', False
    if isinstance(error, socket.gaierror):
        return f'{where}: host not found', False
    if isinstance(error, TimeoutError):
        return f'{where} does not answer within {CONNECT_TIMEOUT_S:g} s', False
    return f'{where}: {error}', False


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Return the TLS settings of a broker.

    :raises ConfigurationError: when a certificate or key cannot be read.
    """
    context = trusting(broker.ca_file, 'broker.ca_file')
    if broker.certificate_file:
        for name in ('certificate_file', 'key_file'):
            # OpenSSL would block on a pipe.
            try:
                read_bytes(getattr(broker, name), _MAXIMUM_FILE)
            except ConfigurationError as error:
                raise ConfigurationError(f'broker.{name} {error}') from error
        problem = exposure(broker.key_file)
        if problem:
            _LOGGER.warning('broker.key_file: %s', problem)
        try:
            context.load_cert_chain(broker.certificate_file, broker.key_file,
                                    password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise ConfigurationError(f'broker.certificate_file {broker.certificate_file} and '
                                     f'key_file {broker.key_file}: {error}') from error
    return context


def trusting(ca_file: str, what: str) -> ssl.SSLContext:
    """Return TLS settings that trust the authorities in a file, or the system's without one.

    :raises ConfigurationError: when the file cannot be read or has no certificate.
    """
    try:
        return ssl.create_default_context(
            cadata=read_text(ca_file, _MAXIMUM_FILE) if ca_file else None)
    except ConfigurationError as error:
        raise ConfigurationError(f'{what} {error}') from error
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(f'{what}: {ca_file} contains no certificate in PEM format '
                                 f'({error})') from error


def _no_password() -> str:
    # OpenSSL would ask for it on the terminal.
    raise ValueError('the key is encrypted: use one without a passphrase')

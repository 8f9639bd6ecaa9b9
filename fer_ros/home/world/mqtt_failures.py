# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a broker, in words, and whether trying again helps.

Each explanation comes with True when trying again will not help until somebody mends something.
"""

import logging
import socket
import ssl

from fer_ros.errors import ConfigurationError
from fer_ros.files import read_bytes, read_text
from fer_ros.home.policy.servers import Broker
from fer_ros.secret_files import exposure

CONNECT_TIMEOUT_S = 5.0
#: No certificate, key or list of authorities is larger.
_MAXIMUM_FILE = 4_000_000

_LOGGER = logging.getLogger(__name__)


def refusal(where: str, broker: Broker, reason: str) -> tuple[str, bool]:
    """Return what it means that the broker refuses the connection."""
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


def failure(where: str, broker: Broker, error: Exception) -> tuple[str, bool]:
    """Return what it means that connecting fails."""
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
        return f'{where} does not answer within {CONNECT_TIMEOUT_S:g} s', False
    return f'{where}: {error}', False


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Return the TLS settings of a broker.

    :raises ConfigurationError: when a certificate or key cannot be read.
    """
    context = trusting(broker.ca_file, 'broker.ca_file')
    if broker.certificate_file:
        for name in ('certificate_file', 'key_file'):
            # OpenSSL would wait for a pipe.
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

    :raises ConfigurationError: when the file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(
            cadata=read_text(ca_file, _MAXIMUM_FILE) if ca_file else None)
    except ConfigurationError as error:
        raise ConfigurationError(f'{what} {error}') from error
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(f'{what}: {ca_file} holds no certificate in PEM ({error})') \
            from error


def _no_password() -> str:
    # OpenSSL would ask for it on the terminal.
    raise ValueError('the key is encrypted: use one without a passphrase')

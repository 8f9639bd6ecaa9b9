# SPDX-License-Identifier: Apache-2.0
"""The parts of a policy about servers: addresses, and where secrets are found."""

import ipaddress
import re
from typing import Annotated, Literal
import urllib.parse

from fer_ros.home.fields import Part, Topic
from fer_ros.secret_files import read_secret
from pydantic import (
    AfterValidator,
    Field,
    field_validator,
    model_validator,
    StringConstraints,
)


class Secret(Part):
    """Where a password or token is found; never the secret itself."""

    env: str = ''
    file: str = ''

    @model_validator(mode='after')
    def _one(self):
        if bool(self.env) == bool(self.file):
            raise ValueError('give one of env (name of an environment variable) and file')
        return self

    def read(self, what: str) -> str:
        """Return the secret.

        :raises ConfigurationError: when it is missing; the message never contains it.
        """
        return read_secret(what, env=self.env, file=self.file)


def _host(value: str) -> str:
    """Check a host name; a text that may contain a password is not shown."""
    if '://' in value:
        raise ValueError('is a complete address: write only the host, without scheme, user and '
                         'port')
    if '@' in value or '/' in value:
        raise ValueError('is more than a host: user, password and path have separate keys')
    bare = value[1:-1] if value.startswith('[') and value.endswith(']') else value
    try:
        ipaddress.ip_address(bare)
        return bare
    except ValueError:
        pass
    if ':' in value:
        raise ValueError('is a host with a port: write the number under port')
    try:
        encoded = value.encode('idna').decode()
    except UnicodeError:
        encoded = ''
    if not re.fullmatch(r'[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?', encoded):
        raise ValueError('is not a host name or IP address')
    return value


def _is_local(host: str) -> bool:
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Broker(Part):
    """The MQTT broker."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253), AfterValidator(_host)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal['auto'] | bool = 'auto'
    ca_file: str = ''
    certificate_file: str = ''
    key_file: str = ''
    username: str = ''
    password: Secret | None = None
    mqtt_version: Literal['5', '3.1.1'] = '5'
    client_id: Annotated[str, StringConstraints(max_length=64)] = ''
    base_topic: Topic = 'fer_ros'
    discovery: bool = True
    discovery_prefix: Topic = 'homeassistant'
    expire_after_s: Annotated[int, Field(ge=5, le=3600)] = 30

    @field_validator('mqtt_version', mode='before')
    @classmethod
    def _version(cls, value):
        return str(value)

    @model_validator(mode='after')
    def _consistent(self):
        if self.password is not None and not self.username:
            raise ValueError('a password requires a username')
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError('certificate_file and key_file belong together')
        if not self.uses_tls and (self.ca_file or self.certificate_file):
            raise ValueError('ca_file and certificate_file require tls: true')
        return self

    @property
    def is_local(self) -> bool:
        """Whether the broker is on this machine, by the name alone."""
        return _is_local(self.host)

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted; by default unless the broker is local."""
        if self.tls == 'auto':
            return not self.is_local or bool(self.ca_file or self.certificate_file)
        return self.tls

    @property
    def effective_port(self) -> int:
        """The port, by default 8883 with TLS and 1883 without."""
        return self.port or (8883 if self.uses_tls else 1883)


class HomeAssistant(Part):
    """Home Assistant's API, for devices without MQTT."""

    url: Annotated[str, StringConstraints(max_length=1000)]
    token: Secret
    ca_file: str = ''
    poll_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0

    @field_validator('url')
    @classmethod
    def _url(cls, value):
        try:
            parts = urllib.parse.urlsplit(value)
            good = parts.scheme in ('http', 'https') and parts.port != 0 \
                and not re.search(r'[^!-~]', value)
            if '@' in parts.netloc or (good and '@' in value):
                raise ValueError('contains a user or password: Home Assistant accepts only a '
                                 'token, which has a separate key')
            _host(parts.hostname or '')
        except ValueError as error:
            if 'user or password' in str(error):
                raise
            good = False
        if not good:
            raise ValueError("is not a url: write 'http://homeassistant.local:8123'")
        if parts.query or parts.fragment:
            raise ValueError('ends in a query (? or #): write only the address of Home Assistant')
        return value

    @property
    def is_exposed(self) -> bool:
        """Whether the token is sent to another machine in plain text."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.scheme == 'http' and not _is_local(parts.hostname or '')


class Privacy(Part):
    """What may leave this machine besides the room's summary."""

    per_person: bool = False

# SPDX-License-Identifier: Apache-2.0
"""Check a policy file and, when allowed, the connections to the home that it names."""

from collections.abc import Iterator
import time

from fer_ros.doctor.finding import Finding, Level, Request

#: Timeout of a connection attempt, seconds.
_PATIENCE_S = 15.0
_POLL_S = 0.05


def check(request: Request) -> Iterator[Finding]:
    """Check the policy and its secrets; connect only when allowed."""
    if request.policy:
        yield from _check_policy(request)
    if request.broker:
        yield from _check_broker(request.broker)


def _check_policy(request: Request) -> Iterator[Finding]:
    from fer_ros.errors import ConfigurationError
    from fer_ros.home.policy import load_policy
    from fer_ros.secret_files import exposure
    try:
        policy = load_policy(request.policy)
    except ConfigurationError as error:
        for line in str(error).splitlines():
            yield Finding('policy', Level.ERROR, line)
        return
    targets = sum(len(room.targets) for room in policy.rooms.values())
    yield Finding('policy', Level.OK, f'{request.policy} can be used: {len(policy.rooms)} rooms, '
                  f'{targets} targets', values={'rooms': len(policy.rooms), 'targets': targets})
    # Imported here, since it requires more than a policy does.
    from fer_ros.home.world.connections import check_secrets
    try:
        check_secrets(policy)
    except ConfigurationError as error:
        yield Finding('policy', Level.ERROR, str(error))
        return
    broker, home_assistant = policy.broker, policy.home_assistant
    if broker is not None and not broker.uses_tls and not broker.is_local:
        yield Finding('policy', Level.WARN, f'the connection to {broker.host} is not encrypted',
                      'set tls: true under broker, if the broker supports it')
    for file in policy.secret_files:
        problem, _, fix = exposure(file).partition(': ')
        if problem:
            yield Finding('policy', Level.WARN, problem, fix)
    if home_assistant is not None and home_assistant.is_exposed:
        yield Finding('policy', Level.WARN, f'the token is sent to {home_assistant.url} in plain '
                      'text', 'use an https: url')
    if broker is not None:
        yield _connect_broker(broker) if request.connect else _not_connected(
            'broker', f'{broker.host}:{broker.effective_port}')
    if home_assistant is not None:
        yield _connect_home_assistant(home_assistant) if request.connect else _not_connected(
            'home assistant', home_assistant.url)


def _check_broker(address: str) -> Iterator[Finding]:
    from fer_ros.home.policy import Broker
    from pydantic import ValidationError
    host, colon, port = address.rpartition(':')
    try:
        yield _connect_broker(Broker(host=host, port=port) if colon else Broker(host=address))
    except ValidationError:
        yield Finding('broker', Level.ERROR, f'{address!r} is not the address of a broker',
                      'write HOST or HOST:PORT, such as localhost:1883')


def _not_connected(subject: str, where: str) -> Finding:
    return Finding(subject, Level.OK, f'{where}: not connected (--connect does)')


def _connect_broker(broker) -> Finding:
    """Connect as an unnamed client and disconnect without publishing."""
    from fer_ros.home.world.mqtt import ConnectionState, MqttConnection
    connection = MqttConnection(broker)
    unknown = ConnectionState().problem
    connection.start()
    try:
        _wait(lambda: connection.connected or connection.state.problem != unknown)
        state = connection.state
    finally:
        connection.stop()
    where = f'{broker.host}:{broker.effective_port}'
    if state.connected:
        return Finding('broker', Level.OK, f'{where} accepts the connection'
                       f'{" with TLS" if broker.uses_tls else ""}')
    return Finding('broker', Level.ERROR, state.problem if state.problem != unknown
                   else f'{where} does not answer within {_PATIENCE_S:g} s')


def _connect_home_assistant(settings) -> Finding:
    """Ask Home Assistant whether it accepts the token."""
    from fer_ros.home.world.home_assistant import HomeAssistantClient
    client = HomeAssistantClient(settings)
    unknown = client.problem
    client.start()
    try:
        _wait(lambda: client.problem != unknown)
    finally:
        client.stop()
    if client.connected:
        return Finding('home assistant', Level.OK, f'{settings.url} answers and accepts the token')
    return Finding('home assistant', Level.ERROR, client.problem if client.problem != unknown
                   else f'{settings.url} does not answer within {_PATIENCE_S:g} s')


def _wait(condition) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not condition() and time.monotonic() < end_s:
        time.sleep(_POLL_S)

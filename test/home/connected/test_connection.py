# SPDX-License-Identifier: Apache-2.0
"""The connection against real brokers with passwords, access lists and certificates."""

import re
import socket
import threading

from fer_ros.errors import ConfigurationError
from fer_ros.home.policy import Broker
from fer_ros.home.world.mqtt import MqttConnection
from mosquitto import BINARY, free_port, wait_for, WHY_NOT
import pytest


@pytest.fixture
def connect():
    """Make and start connections."""
    made = []

    def make(**fields):
        options = {key: fields.pop(key) for key in list(fields) if key in (
            'on_message', 'on_connect', 'backoff_s', 'refused_backoff_s', 'jitter')}
        options.setdefault('backoff_s', (0.1, 0.2))
        connection = MqttConnection(Broker(**{'host': '127.0.0.1', **fields}), client_id='test',
                                    will=('test/availability', 'offline'), **options)
        made.append(connection)
        connection.start()
        return connection
    yield make
    for connection in made:
        connection.stop()


def problem(connection, words):
    """Wait for a problem and return the state."""
    wait_for(lambda: words in connection.state.problem,
             what=f'{words!r}; now {connection.state}')
    return connection.state


def test_a_broker_that_refuses_is_tried_again_until_it_is_there(broker, connect):
    if BINARY is None:
        pytest.skip(WHY_NOT)
    port = free_port()
    connection = connect(port=port)
    assert not problem(connection, 'refuses connections').serious
    broker(port=port)
    wait_for(lambda: connection.connected, what='the connection')
    assert not connection.state.problem


def test_the_pauses_grow_with_jitter_up_to_their_limit(connect, monkeypatch):
    connection = MqttConnection(Broker(host='127.0.0.1', port=free_port()),
                                backoff_s=(1.0, 8.0), jitter=lambda: 0.25)
    pauses = []

    def wait(pause_s):
        pauses.append(pause_s)
        if len(pauses) == 6:
            connection._stop.set()
    monkeypatch.setattr(connection._stop, 'wait', wait)
    connection._run()
    assert pauses == [1.0, 1.25, 2.5, 5.0, 5.0, 5.0]


def test_a_right_password_is_accepted(guarded, connect, login):
    connection = connect(port=guarded.port, **login)
    wait_for(lambda: connection.connected)


@pytest.mark.parametrize('version', ['5', '3.1.1'])
def test_a_wrong_password_is_serious_and_not_hammered(guarded, connect, monkeypatch, caplog,
                                                      version):
    caplog.set_level('INFO')
    monkeypatch.setenv('BRIDGE_PASSWORD', 'wrong')
    connection = connect(port=guarded.port, username='bridge', mqtt_version=version,
                         password={'env': 'BRIDGE_PASSWORD'})
    state = problem(connection, "rejects user 'bridge'")
    assert state.serious and 'wrong' not in state.problem.replace('wrong password', '')
    wait_for(lambda: connection.state.attempts == 1)
    # Half a minute on average, though an unreachable broker is tried ten times per second.
    pause_s, = wait_for(lambda: re.findall(r'next attempt in (\d+) s', caplog.text))
    assert int(pause_s) >= 15 and 'wrong' not in caplog.text
    assert guarded.log().count('New connection from') <= 2


def test_no_password_where_one_is_wanted(guarded, connect):
    assert problem(connect(port=guarded.port), 'requires a user name and password').serious


def test_a_missing_secret_is_reported_before_anything_is_tried(connect, monkeypatch):
    monkeypatch.delenv('BRIDGE_PASSWORD', raising=False)
    with pytest.raises(ConfigurationError, match='BRIDGE_PASSWORD is not set'):
        connect(port=1, username='bridge', password={'env': 'BRIDGE_PASSWORD'})


def test_what_the_access_list_denies_is_named(guarded, connect, login):
    connection = connect(port=guarded.port, **login)
    wait_for(lambda: connection.connected)
    assert connection.publish('allowed/x', 'y', qos=1)
    assert connection.publish('forbidden/x', 'y', qos=1)
    wait_for(lambda: connection.denied)
    assert list(connection.denied) == ['forbidden/x']
    assert 'denies publishing on forbidden/x' in connection.denied['forbidden/x']
    assert connection.connected


def test_a_good_certificate_is_taken(encrypted, connect, certificates):
    connection = connect(host='localhost', port=encrypted.port,
                         ca_file=str(certificates / 'ca.pem'))
    wait_for(lambda: connection.connected)


def test_another_authority_is_refused_and_nothing_goes_in_plain(encrypted, connect,
                                                                certificates):
    connection = connect(host='localhost', port=encrypted.port,
                         ca_file=str(certificates / 'other.pem'))
    assert problem(connection, 'not signed by a trusted authority').serious
    assert not connection.publish('test/x', 'y')


def test_another_host_name_is_refused(encrypted, connect, certificates):
    connection = connect(host='127.0.0.1', port=encrypted.port,
                         ca_file=str(certificates / 'ca.pem'))
    assert problem(connection, 'the certificate is for another host name').serious


def test_tls_to_a_broker_without_is_reported(broker, connect):
    connection = connect(host='localhost', port=broker().port, tls=True)
    problem(connection, 'A broker without TLS requires tls: false')
    assert not connection.connected


def test_no_tls_to_a_broker_with_is_reported(encrypted, connect):
    connection = connect(port=encrypted.port, tls=False)
    problem(connection, 'closes the connection before it answers: does it require TLS')
    assert not connection.connected


def test_a_host_that_nobody_knows_is_reported(connect):
    problem(connect(host='no-such-host.invalid', tls=False), 'host not found')


def test_a_missing_authority_file_is_named(connect):
    with pytest.raises(ConfigurationError, match='ca_file /nowhere.pem'):
        connect(host='localhost', port=1, ca_file='/nowhere.pem')


def test_a_server_that_is_not_a_broker_is_reported(connect, monkeypatch):
    from fer_ros.home.world import mqtt_failures
    monkeypatch.setattr(mqtt_failures, 'CONNECT_TIMEOUT_S', 0.3)
    with socket.socket() as mute:
        mute.bind(('127.0.0.1', 0))
        mute.listen()
        connection = connect(port=mute.getsockname()[1])
        problem(connection, 'does not answer')
        connection.stop()


def test_nothing_larger_than_4_kib_leaves(broker, connect):
    connection = connect(port=broker().port)
    wait_for(lambda: connection.connected)
    with pytest.raises(ValueError, match='4097 bytes'):
        connection.publish('test/x', 'x' * 4097)


@pytest.mark.parametrize('version', ['5', '3.1.1'])
def test_two_bridges_of_one_name_do_not_fight(broker, connect, monkeypatch, version):
    monkeypatch.setattr('fer_ros.home.world.mqtt._SHORT_S', 1.5)
    one = broker()
    both = [connect(port=one.port, mqtt_version=version, backoff_s=(0.05, 0.1))
            for _ in range(2)]
    told = wait_for(lambda: next((
        one.state for one in both if 'another client uses' in one.state.problem), None))
    # Where the broker says no reason it goes on under another id; it says what to do.
    assert told.serious and 'base_topic' in told.problem
    wait_for(lambda: any(one.connected for one in both))
    assert version == '5' or told.connected


def test_short_drops_of_a_broker_are_not_another_client(broker, connect):
    one = broker()
    connection = connect(port=one.port, backoff_s=(0.05, 0.2))
    for _ in range(5):
        wait_for(lambda: connection.connected, what='the connection')
        assert 'another client' not in connection.state.problem
        one.kill()
        wait_for(lambda: not connection.connected)
        assert not connection.state.serious, connection.state
        one.start()
    wait_for(lambda: connection.connected)


@pytest.fixture
def old_broker(broker):
    """Return the port of a broker that closes on MQTT 5 without a word."""
    behind = broker().port
    listener = socket.create_server(('127.0.0.1', 0))

    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            head = client.recv(65536)
            # Behind the type, the length and the name MQTT is the level.
            if head[head.index(b'MQTT') + 4] == 5:
                client.close()
                continue
            server = socket.create_connection(('127.0.0.1', behind))
            server.sendall(head)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=carry, args=pair, daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_broker_that_closes_on_mqtt_5_is_spoken_to_in_3(old_broker, connect, spy):
    connection = connect(port=old_broker)
    wait_for(lambda: connection.connected, what='the connection')
    assert "set mqtt_version: '3.1.1'" in connection.state.note and not connection.state.problem
    # What only MQTT 5 knows is left out.
    assert connection.publish('test/x', 'y', qos=1, expiry_s=5)


def test_what_is_not_a_broker_is_tried_in_both_versions(connect, monkeypatch):
    tried = []
    with socket.create_server(('127.0.0.1', 0)) as listener:
        connection = connect(port=listener.getsockname()[1])
        for _ in range(4):
            client, _ = listener.accept()
            head = client.recv(65536)
            tried.append(head[head.index(b'MQTT') + 4])
            client.close()
        problem(connection, 'closes the connection before it answers')
    assert tried == [5, 4, 5, 4]


def test_what_is_not_connected_publishes_nothing_and_keeps_nothing(broker, connect, spy):
    port = free_port()
    connection = connect(port=port, backoff_s=(0.1, 0.1))
    assert not connection.publish('test/x', 'old', qos=1)
    one = broker(port=port)
    watcher = spy(one.port)
    wait_for(lambda: connection.connected)
    assert connection.publish('test/x', 'new', qos=1)
    wait_for(lambda: watcher.of('test/x'))
    assert watcher.of('test/x') == ['new']


def test_publishing_while_answers_come_never_stands_still(guarded, connect, login):
    connection = connect(port=guarded.port, **login)
    wait_for(lambda: connection.connected)
    done = []

    def publish():
        for index in range(1500):
            connection.publish(('allowed/x', 'forbidden/x')[index % 2], 'y', qos=1)
            connection.subscribe(f'allowed/{index % 20}')
            if index % 100 == 0:
                wait_for(lambda: not connection._answers.awaited, what='the answers')
        done.append(True)
    # In a thread, so that a deadlock fails the test instead of ending all tests.
    threading.Thread(target=publish, daemon=True).start()
    wait_for(lambda: done, what='the last publish')
    wait_for(lambda: list(connection.denied) == ['forbidden/x'])
    # Every answer has found its question.
    wait_for(lambda: not connection._answers.awaited)
    assert not connection._answers.early

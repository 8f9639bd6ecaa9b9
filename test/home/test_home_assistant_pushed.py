# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant pushes: states at once, what its lights can do, and who changed them."""

import contextlib
import json
import time

from fer_ros.backoff import Backoff
from fer_ros.habits.events import Actor
from fer_ros.habits.log import EventLog
from fer_ros.home.kinds.base import Cause
from fer_ros.home.world.home_assistant_states import Origins, States
from ha_server import Server, TOKEN
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import kill
import pytest
from test_home_assistant import POLICY, Running


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('HA_TOKEN', TOKEN)
    one = Server()
    yield one
    one.shutdown()
    one.server_close()


class Attribute(Running):
    """A home whose holds are of attributes."""

    def __init__(self, port, policy=POLICY):
        super().__init__(port, text=policy.replace('scope: room', 'scope: attribute').replace(
            'poll_s: 0.2', 'poll_s: 30'))

    def settle(self):
        desk = self.home._engine.room('study').targets['desk']
        self.see('happy', lambda: self.of('desk') and not desk.in_window and desk.confirmed)


@pytest.fixture
def running(server):
    one = Attribute(server.server_port)
    one.see('', lambda: one.client.pushed and one.home.snapshot('study').devices[0].known)
    yield one
    one.home.close(time.time())


def test_a_manual_change_is_noticed_at_once_without_polling(server, running):
    running.settle()
    polls = server.polls
    server.change('light.desk', server.context(user='me'), brightness=10)
    # On an idle machine this takes some 50 ms.
    running.see('happy', lambda: running.held == ('brightness',))
    assert server.polls == polls
    assert running.client.delay_s == 0
    assert running.home.connections['home assistant'] == 'connected'


@pytest.mark.parametrize('user, parent, called, admin, held', [
    ('me', None, False, True, True), ('me', 'a', True, True, True),
    # A switch on the wall, or the lamp's own app.
    (None, None, False, True, True),
    # An automation with a trigger; one by the clock, known only by its call.
    (None, 'a', False, True, False), (None, None, True, True, False),
    # Without an administrator's token that cannot be known, and a person goes before.
    (None, None, True, False, True), (None, 'a', True, False, False)])
def test_who_changed_it_is_known_by_its_context(server, monkeypatch, user, parent, called, admin,
                                               held):
    server.admin = admin
    running = Attribute(server.server_port)
    try:
        running.see('', lambda: running.client.pushed)
        running.settle()
        context = server.context(user, parent)
        if called:
            server.call('light/turn_on', {'entity_id': 'light.desk', 'brightness': 10}, context)
        else:
            server.change('light.desk', context, brightness=10)
        running.see('happy', lambda: running.home.snapshot(
            'study').devices[0].reported.brightness == pytest.approx(10 / 255))
        assert running.held == (('brightness',) if held else ())
    finally:
        running.home.close(time.time())


def test_the_log_of_habits_has_it_too(server, tmp_path):
    log = EventLog(tmp_path / 'habits')
    running = Attribute(server.server_port, POLICY.replace(
        'policies:', f"habits: {{{{log: true, folder: '{log.folder}'}}}}\npolicies:"))

    def told():
        return [(one.actor, round(one.light.brightness * 255)) for one in
                log.read(now_s=time.time()).events if one.target == 'desk'
                and one.actor in (Actor.PERSON, Actor.AUTOMATION)]
    try:
        running.see('', lambda: running.client.pushed)
        running.settle()
        server.change('light.desk', server.context(None, 'a'), brightness=99)
        running.see('happy', lambda: told() == [(Actor.AUTOMATION, 99)])
        server.change('light.desk', server.context('me'), brightness=10)
        running.see('happy', lambda: told()[1:] == [(Actor.PERSON, 10)])
    finally:
        running.home.close(time.time())


def test_what_we_called_ourselves_is_not_an_override_whatever_comes_of_it(server, running):
    running.settle()
    assert not running.held and not running.home.snapshot('study').on_hold
    # The light cannot go beyond its whites.
    assert running.home._engine.room('study').targets['desk'].limits.kelvin == (2200, 4000)


def test_a_light_that_comes_back_is_not_an_override_and_is_asked_again(server, running):
    running.settle()
    server.change('light.desk', server.context(), 'unavailable')
    running.see('happy', lambda: running.complains('light.desk is unavailable'))
    server.change('light.desk', server.context(), 'on', brightness=255, color_mode='color_temp',
                  color_temp_kelvin=2700)
    running.see('happy', lambda: len(running.of('desk')) == 2)
    assert not running.held


def test_a_connection_that_ends_is_made_again_and_polled_meanwhile(server, running):
    running.settle()
    server.pushes = False
    server.drop()
    running.see('happy', lambda: not running.client.pushed)
    assert running.client.delay_s > 30
    server.pushes = True
    running.see('happy', lambda: running.client.pushed)
    server.change('light.desk', server.context(user='me'), brightness=10)
    running.see('happy', lambda: running.held == ('brightness',))


def test_the_thread_of_the_websocket_is_killed_and_works_again(server, running):
    running.settle()
    thread = kill('home assistant events')
    # It waits in the system; a message wakes it.
    server.change('light.desk', server.context(), brightness=180)
    running.see('happy', lambda: 'MadeUp' in running.home._connections.faults.problem)
    running.see('happy', lambda: running.client.pushed and server.links)
    server.change('light.desk', server.context(user='me'), brightness=10)
    running.see('happy', lambda: running.held == ('brightness',))
    assert thread.is_alive()


def test_odd_messages_end_the_connection_and_nothing_else(server, running):
    running.settle()
    running.client._socket._backoff = Backoff(0.05, 0.1)
    for odd in ('{', '[1', '"x"', '1e999', '{"id": 1, "type": "event", "event": {"c": {"a": 1}}}',
                '[' * 100_000, '{"id": 1, "type": "event", "event": {"a": {"light.desk": null}}}',
                '{"id": [], "type": "result"}', '{"type": "event", "event": {"context": 3}}'):
        running.see('happy', lambda: running.client.pushed and server.links)
        for link in list(server.links):
            # The one before may just be ending it.
            with contextlib.suppress(OSError):
                link.send(odd)
    running.see('happy', lambda: running.client.pushed and server.links)
    server.change('light.desk', server.context(user='me'), brightness=10)
    running.see('happy', lambda: running.held == ('brightness',))
    assert running.home.snapshot('study').devices[0].reported is not None


def test_a_websocket_that_drops_again_and_again_moves_no_lamp(server, running):
    running.settle()
    running.client._socket._backoff = Backoff(0.05, 0.1)
    for _ in range(6):
        # The server's links are new ones then; between them it may be back before one looks.
        server.drop()
        running.see('happy', lambda: running.client.pushed and server.links)
    assert len(running.of('desk')) == 1 and not running.home.snapshot('study').on_hold
    # What a person does meanwhile is seen all the same.
    server.drop()
    server.change('light.desk', server.context(user='me'), brightness=10)
    running.see('happy', lambda: running.held == ('brightness',))


def test_a_refused_token_is_not_tried_again_and_again(server, monkeypatch):
    monkeypatch.setenv('HA_TOKEN', 'another')
    one = Running(server.server_port)
    try:
        one.see('happy', lambda: one.complains('rejects the token'))
        one.see('happy', lambda: 'refused' in one.client._socket.problem)
        assert not one.client.pushed
    finally:
        one.home.close(time.time())


# Whose a change is that we asked for in another way, or before the connection.

@pytest.fixture
def reconnecting(server, monkeypatch):
    """Return a home that tries the WebSocket again at once."""
    monkeypatch.setattr('fer_ros.home.world.home_assistant_socket.Backoff',
                        lambda *_: Backoff(0.05, 0.1))
    server.pushes = False
    # A window longer than it takes to connect: changes after it are judged by their value.
    one = Attribute(server.server_port, POLICY.replace('settle_s: 0.4', 'settle_s: 30'))
    one.see('', lambda: one.client.connected and one.home.snapshot('study').devices[0].known)
    yield one
    one.home.close(time.time())


def fade(server, running):
    """Let the light fade for the last call, seen on its way and at the end."""
    context = server.context_of_call
    for brightness in (160, 191):
        server.change('light.desk', context, brightness=brightness)
        running.see('happy', lambda: running.home.snapshot(
            'study').devices[0].reported.brightness == pytest.approx(brightness / 255))
        assert not running.held


def test_a_call_by_rest_is_ours_when_the_websocket_tells_what_it_did(server, reconnecting):
    running, origins = reconnecting, reconnecting.client._socket._origins
    origins._clock, server.slow = lambda: 100.0, True
    running.see('happy', lambda: running.of('desk') and server.context_of_call)
    server.pushes = True
    running.see('happy', lambda: running.client.pushed and server.links)
    fade(server, running)
    # Later it is a person.
    origins._clock = lambda: 120.0
    server.change('light.desk', server.context(user='of the token'), brightness=10)
    running.see('happy', lambda: running.held == ('brightness',))


def test_what_we_called_before_the_connection_ended_is_ours_after_it(server, reconnecting):
    running = reconnecting
    server.slow = server.pushes = True
    running.see('', lambda: running.client.pushed and server.links)
    running.see('happy', lambda: running.of('desk') and server.context_of_call)
    server.drop()
    running.see('happy', lambda: running.client.pushed and server.links)
    fade(server, running)


def test_the_first_states_say_of_nobody_that_it_was_they(server, reconnecting):
    # The bridge was away while it was changed, perhaps by itself.
    server.change('light.desk', server.context(user='of the token'), brightness=50)
    causes = []
    reconnecting.client._socket._on_state = lambda _, entity, cause: causes.append(cause)
    server.pushes = True
    reconnecting.see('', lambda: causes)
    server.change('light.desk', server.context(user='me'), brightness=10)
    reconnecting.see('', lambda: len(causes) > 1)
    assert causes[:2] == [Cause.UNKNOWN, Cause.PERSON]


def test_a_context_is_in_doubt_for_some_time_after_a_call_that_nobody_told():
    now_s = [100.0]
    origins = Origins(lambda: now_s[0])
    first, second, ours = ({'id': name, 'user_id': 'me'} for name in ('a', 'b', 'c'))
    assert origins.cause(first) is Cause.PERSON
    origins.untold()
    origins.ours(ours)
    assert origins.cause(first) is Cause.UNKNOWN and origins.cause(ours) is Cause.OURS
    now_s[0] += 20
    assert origins.cause(first) is Cause.UNKNOWN and origins.cause(second) is Cause.PERSON


VALUES = st.recursive(st.one_of(st.none(), st.integers(-3, 3), st.text(max_size=2)), lambda inner:
                      st.one_of(st.lists(inner, max_size=2), st.dictionaries(
                          st.sampled_from(['a', 'c', 'r', '+', '-', 's', 'light.x', 'id']), inner,
                          max_size=3)), max_leaves=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from('acr'), VALUES, max_size=3), max_size=3))
def test_states_survive_any_event(events):
    states, origins = States(), Origins()
    for event in events:
        for _, entity in states.take(json.loads(json.dumps(event))):
            assert entity is None or isinstance(entity['attributes'], dict)
            assert origins.cause((entity or {}).get('context')) in Cause


def test_states_are_complete_after_each_change():
    states = States()
    (name, entity), = states.take({'a': {'light.x': {'s': 'on', 'a': {'brightness': 3, 'b': 1},
                                                     'c': {'id': '1', 'user_id': 'me'}}}})
    assert name == 'light.x' and entity['attributes'] == {'brightness': 3, 'b': 1}
    (_, entity), = states.take({'c': {'light.x': {'+': {'a': {'brightness': 5}, 'c': '2'},
                                                  '-': {'a': ['b']}}}})
    assert entity == {'state': 'on', 'attributes': {'brightness': 5},
                      'context': {'id': '2', 'user_id': 'me'}}
    (_, entity), = states.take({'c': {'light.x': {'+': {'s': 'off', 'c': {
        'id': '3', 'user_id': None}}}}})
    assert entity['state'] == 'off' and entity['context'] == {'id': '3', 'user_id': None}
    assert list(states.take({'c': {'light.y': {}}, 'r': ['light.x']})) == [('light.x', None)]

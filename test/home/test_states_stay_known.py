# SPDX-License-Identifier: Apache-2.0
"""Outside states that a server tells as soon as it is back are not lost to its absence."""

import threading
import time

from fer_ros.backoff import Backoff
from fer_ros.home.conditions.states import StateSource, UnknownState
from fer_ros.home.world.states import OutsideStates
from ha_server import Server, TOKEN
import pytest
from test_home_assistant import POLICY, Running
from waiting import wait_for

OUTSIDE = POLICY.replace('policies:\n', """policies:
  party: {{rules: [{{name: guests, emotion: happy, brightness: 0.5,
                    when: {{state: {{entity: input_boolean.guests, equals: 'on'}}}}}}]}}
""").replace('policy: mirror', 'policy: party')


def test_a_request_that_fails_late_makes_nothing_unknown_that_was_pushed(monkeypatch):
    monkeypatch.setenv('HA_TOKEN', TOKEN)
    monkeypatch.setattr('fer_ros.home.world.home_assistant_socket.Backoff',
                        lambda *_: Backoff(0.05, 0.1))
    server = Server(pushes=False)
    server.change('input_boolean.guests', server.context(), 'off')
    running = Running(server.server_port, text=OUTSIDE)
    states, told = running.home._engine._surroundings.states, []

    def guests():
        return next(iter(states.values()), {}).get('state')
    try:
        running.see('', lambda: running.client.connected and guests() == 'off')
        server.gate.clear()
        polls = server.polls
        running.see('', lambda: server.polls > polls)
        server.change('input_boolean.guests', server.context(), 'on')
        server.pushes = True
        running.see('', lambda: running.client.pushed and guests() == 'on')
        handle = running.client._set_problem
        running.client._set_problem = lambda *problem: (handle(*problem), told.append(problem))
        server.broken = True
        server.gate.set()
        running.see('', lambda: told)
        ticks = iter(range(3))
        running.see('', lambda: next(ticks, None) is None)
        assert told[0][0] and running.client.connected and guests() == 'on'
    finally:
        server.gate.set()
        running.home.close(time.time())
        server.shutdown()
        server.server_close()


class Connection:
    """A connection that comes back while somebody asks whether it is there.

    :ivar returns: what is done as it is back, by another thread.
    """

    denied, problem = {}, ''

    def __init__(self):
        self.away, self.returns, self.watchers = False, None, []

    def subscribe(self, topic, optional=False):
        """Subscribe."""

    def watch(self, _, watcher):
        """Watch an entity."""
        self.watchers.append(watcher)

    @property
    def connected(self):
        if self.away:
            self.away = False
            thread = threading.Thread(target=self.returns)
            thread.start()
            # Done at once, unless it has to wait for its turn.
            thread.join(0.05)
            return False
        return True


@pytest.mark.parametrize('kind', ['mqtt', 'entity'])
def test_what_is_told_while_the_absence_is_noticed_is_kept(kind):
    source, heard, connection = StateSource(**{kind: 'a.b'}), [], Connection()
    states = OutsideStates([source], lambda _, value: heard.append(value),
                           *((connection, None) if kind == 'mqtt' else (None, connection)))
    states.tick(0.0)
    connection.away = True
    connection.returns = (lambda: states.receive('a.b', b'on')) if kind == 'mqtt' \
        else lambda: connection.watchers[0].update('on')
    states.tick(0.1)
    wait_for(lambda: len(heard) == 2, what='both')
    assert isinstance(heard[0], UnknownState) and heard[1] == 'on'

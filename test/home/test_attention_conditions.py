# SPDX-License-Identifier: Apache-2.0
"""A home that acts only on who looks, and what it says where nobody tells."""

import json

from fer_ros.home.conditions import Moment
from fer_ros.home.policy import parse_policy, When
from fer_ros.home.policy.servers import Broker
from fer_ros.home.world.discovery import HomeAssistantDiscovery, state_payload
from fer_ros.types import PersonAttention
from home_support import emotion, POLICY, Sim
import pytest
from test_conditions import moment

LOOKED = POLICY.replace('happy: {strategy: mirror}',
                        'happy: {brightness: 0.9, when: {attention: camera}}', 1)


def people(*states):
    return tuple(PersonAttention(i, *state.split(':')) for i, state in enumerate(states, 1))


@pytest.mark.parametrize('when, attention, holds', [
    ({'attention': 'camera'}, people('camera:camera'), True),
    ({'attention': 'camera'}, people('away:tablet', 'camera:camera'), True),
    ({'attention': 'camera'}, people('away:tablet'), False),
    ({'attention': 'camera'}, people('unknown'), False),
    ({'attention': 'camera'}, (), False),
    ({'attention': 'away'}, people('away:tablet', 'down:elsewhere'), True),
    ({'attention': 'away'}, people('away:tablet', 'camera:camera'), False),
    ({'attention': ['down', 'away']}, people('down:elsewhere'), True),
    ({'attention': 'closed'}, people('camera:camera', 'closed:camera'), True),
    ({'looks_at': 'tablet'}, people('away:tablet'), True),
    ({'looks_at': ['door', 'tablet']}, people('away:elsewhere'), False),
    ({'looks_at': 'tablet'}, people('unknown:tablet'), False)])
def test_whom_a_rule_waits_for(when, attention, holds):
    finding, = When.model_validate(when).judge(moment(attention=attention))
    assert finding.holds is holds and not finding.unknown and 'wanted' in finding.words


@pytest.mark.parametrize('when', [{'attention': 'away'}, {'looks_at': 'tablet'}])
def test_where_nobody_tells_nothing_is_known(when):
    finding, = When.model_validate(when).judge(moment())
    assert not finding.holds and finding.unknown and 'node attention' in finding.words
    assert isinstance(moment(), Moment) and moment().attention is None


@pytest.mark.parametrize('wide, narrow, covers', [
    ({'attention': ['camera', 'down']}, {'attention': 'camera'}, True),
    ({'attention': 'camera'}, {'attention': ['camera', 'down']}, False),
    ({'attention': ['away', 'down']}, {'attention': 'down'}, False),
    ({'looks_at': ['door', 'tablet']}, {'looks_at': 'door'}, True)])
def test_which_rule_hides_which(wide, narrow, covers):
    assert When.model_validate(wide).covers(When.model_validate(narrow)) is covers


def watched(sim, seconds, *states):
    begin = len(sim.actions)
    for _ in range(round(seconds * 10)):
        if states:
            sim.engine.attend('emotions', people(*states), now_s=sim.now_s)
        sim.step([emotion('happy')])
    return sim.actions[begin:]


def test_a_smile_that_looks_away_changes_nothing():
    sim = Sim(LOOKED)
    assert not watched(sim, 4)
    assert any('node attention' in text
               for text in sim.engine.room('study').unknown_conditions)
    assert not watched(sim, 4, 'away:tablet')
    assert sim.engine.snapshot('study').attentive == 0
    acted = watched(sim, 4, 'camera:camera')
    assert [action.request.light.brightness for action in acted] == [0.9]
    snapshot = sim.engine.snapshot('study')
    assert (snapshot.attentive, snapshot.eyes_closed) == (1, False)
    watched(sim, 4, 'closed:camera')
    payload = state_payload(sim.engine.snapshot('study'))
    assert (payload['attentive'], payload['eyes_closed']) == (0, 'ON')


def test_only_a_policy_that_asks_costs_attention():
    assert parse_policy(LOOKED).asks_attention and not parse_policy(POLICY).asks_attention


@pytest.mark.parametrize('asks', [True, False])
def test_home_assistant_learns_of_it_where_it_is_known(asks):
    discovery = HomeAssistantDiscovery(Broker(host='localhost'), {'study': ('a',)}, '1',
                                       lambda *_: None, attention=asks)
    keys = {key for _, payload in discovery.discovery() for key in json.loads(payload)['cmps']}
    assert ({'attentive', 'eyes_closed'} <= keys) is asks

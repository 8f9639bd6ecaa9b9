# SPDX-License-Identifier: Apache-2.0
"""A home that acts only on people who look, and its status without attention data."""

import json

from fer_ros.emotions.labels import LABELS
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.aggregation import aggregate
from fer_ros.home.decisions.attentiveness import Attentiveness
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.explain import explain, Feeling
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
    assert finding.holds is holds and not finding.unknown and 'expected' in finding.words


@pytest.mark.parametrize('when', [{'attention': 'away'}, {'looks_at': 'tablet'}])
def test_where_nobody_tells_nothing_is_known(when):
    finding, = When.model_validate(when).judge(moment())
    assert not finding.holds and finding.unknown and 'attention node' in finding.words
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
    assert any('attention node' in text
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


def test_attention_is_read_only_for_a_policy_that_uses_it():
    assert parse_policy(LOOKED).asks_attention and not parse_policy(POLICY).asks_attention


@pytest.mark.parametrize('asks', [True, False])
def test_home_assistant_learns_of_it_where_it_is_known(asks):
    discovery = HomeAssistantDiscovery(Broker(host='localhost'), {'study': ('a',)}, '1',
                                       lambda *_: None, attention=asks)
    keys = {key for _, payload in discovery.discovery() for key in json.loads(payload)['cmps']}
    assert ({'attentive', 'eyes_closed'} <= keys) is asks


@pytest.mark.parametrize('method', ['confidence_weighted', 'max_confidence', 'majority',
                                    'primary_person', 'abstain_on_conflict'])
@pytest.mark.parametrize('weight, felt', [(1.0, 'sad'), (0.1, 'happy'), (0.0, 'happy')])
def test_faces_that_look_away_weigh_less_when_asked(method, weight, felt):
    clock = RoomClock()
    attention = Attentiveness(clock, 2.0, weight)
    attention.add('hall', people('camera', 'away'))
    faces = [(('hall', 1), emotion('happy', 0.7, side_px=80)),
             (('hall', 2), emotion('sad', 0.95, side_px=120))]
    reading = aggregate(method, faces, weight_of=attention.weight_of)
    if reading.abstains:
        assert (method, weight) in (('majority', 1.0), ('abstain_on_conflict', 1.0),
                                    ('abstain_on_conflict', 0.1))
    else:
        assert LABELS[int(reading.probabilities.argmax())] == felt


def test_whoever_alone_looks_away_with_no_weight_is_not_asked_and_the_room_says_so():
    clock = RoomClock()
    attention = Attentiveness(clock, 2.0, 0.0)
    faces = [(('hall', 1), emotion('happy'))]
    assert not aggregate('majority', faces, weight_of=attention.weight_of).abstains, 'not told'
    attention.add('hall', people('down'))
    reading = aggregate('majority', faces, weight_of=attention.weight_of)
    assert reading.why == 'everybody looks away'
    attention.add('hall', people('unknown'))
    assert not aggregate('majority', faces, weight_of=attention.weight_of).abstains
    attention.add('hall', people('away'))
    clock.s += 3.0
    assert not aggregate('majority', faces, weight_of=attention.weight_of).abstains, 'long ago'


def test_a_room_that_weighs_by_attention_asks_for_it_and_explains_it():
    policy = parse_policy(POLICY.replace('    policy:', '    away_weight: 0.2\n    policy:', 1))
    assert policy.asks_attention and not parse_policy(POLICY).asks_attention
    room = next(name for name, one in policy.rooms.items() if one.away_weight < 1)
    lines = list(explain(policy, room, policy.rooms[room].policy, Feeling('happy'), moment()))
    assert any('counts 0.2 of one that looks at the camera (away_weight)' in line
               for line in lines)

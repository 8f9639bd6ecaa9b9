# SPDX-License-Identifier: Apache-2.0
"""Conditions of rules, each by itself: what holds, what does not, and what cannot be known."""

from datetime import datetime
import json

from fer_ros.errors import ConfigurationError
from fer_ros.home.conditions import Moment, StateSource
from fer_ros.home.conditions.states import UnknownState
from fer_ros.home.policy import parse_policy, When
from fer_ros.home.policy.shadow import never_win
from fer_ros.home.sun import elevation_deg, is_up
from home_support import POLICY
import pytest

LUX = {'mqtt': 'zigbee2mqtt/lux', 'path': 'illuminance', 'below': 40}
TV = {'entity': 'media_player.tv', 'equals': 'playing'}


def entity(state, **attributes):
    return {'state': state, 'attributes': attributes}


def moment(at='2026-01-05 19:30', states=None, **fields):
    """Return a moment; the date is a Monday."""
    return Moment(local=datetime.fromisoformat(at), states={
        StateSource(**({'entity': name} if isinstance(raw, dict) else {'mqtt': name})): raw
        for name, raw in (states or {}).items()}, **fields)


@pytest.mark.parametrize('when, now, holds', [
    ({'time': {'from': '19:00', 'to': '23:00'}}, moment(), True),
    ({'time': {'from': '19:00', 'to': '23:00'}}, moment('2026-01-05 18:59'), False),
    ({'time': {'from': '19:00', 'to': '23:00'}}, moment('2026-01-05 23:00'), False),
    ({'time': {'from': '22:00', 'to': '06:00'}}, moment('2026-01-05 05:59'), True),
    # One end alone: from or until midnight.
    ({'time': {'from': '19:00'}}, moment('2026-01-05 23:59'), True),
    ({'time': {'from': '19:00'}}, moment('2026-01-05 00:00'), False),
    ({'time': {'to': '06:00'}}, moment('2026-01-05 00:00'), True),
    ({'time': [{'to': '06:00'}, {'from': '19:00'}]}, moment(), True),
    # Daylight saving: the hour that comes twice is in twice, that which is skipped never comes.
    ({'time': {'from': '02:00', 'to': '03:00'}}, moment('2026-10-25 02:30+01:00'), True),
    ({'time': {'from': '02:00', 'to': '03:00'}}, moment('2026-03-29 03:00+02:00'), False),
    ({'sun': 'down'}, moment(sun_up=False), True),
    ({'sun': 'down'}, moment(sun_up=True), False),
    ({'sun': 'up'}, moment(sun_up=True), True),
    ({'weekday': 'mon'}, moment(), True),
    ({'weekday': ['tue', 'weekend']}, moment(), False),
    ({'weekday': ['workday']}, moment(), True),
    ({'people': 'alone'}, moment(people=1), True),
    ({'people': 'alone'}, moment(people=2), False),
    ({'people': {'at_least': 2}}, moment(people=2), True),
    ({'people': {'at_least': 2}}, moment(people=1), False),
    ({'people': {'at_most': 2}}, moment(people=3), False),
    ({'lasted_s': 60}, moment(lasted_s=60.0), True),
    ({'lasted_s': 60}, moment(lasted_s=59.9), False),
    ({'state': LUX}, moment(states={'zigbee2mqtt/lux': '{"illuminance": 39.9}'}), True),
    ({'state': LUX}, moment(states={'zigbee2mqtt/lux': '{"illuminance": "12"}'}), True),
    ({'state': LUX}, moment(states={'zigbee2mqtt/lux': '{"illuminance": 40}'}), False),
    ({'state': {'mqtt': 'a', 'path': 'b.1.c', 'above': 0}},
     moment(states={'a': '{"b": [0, {"c": 1}]}'}), True),
    ({'state': {'mqtt': 'a', 'equals': 'open'}}, moment(states={'a': 'open'}), True),
    ({'state': {'mqtt': 'a', 'equals': True}}, moment(states={'a': 'ON'}), True),
    ({'state': {'mqtt': 'a', 'equals': False}}, moment(states={'a': 'ON'}), False),
    ({'state': {'mqtt': 'a', 'equals': 'true'}}, moment(states={'a': 'true'}), True),
    ({'state': {'mqtt': 'a', 'equals': 1}}, moment(states={'a': '1.0'}), True),
    ({'state': {'mqtt': 'a', 'equals': 1}}, moment(states={'a': 'true'}), False),
    ({'state': {'mqtt': 'a', 'differs_from': 'off'}}, moment(states={'a': 'on'}), True),
    ({'state': TV}, moment(states={'media_player.tv': entity('playing')}), True),
    ({'state': {'entity': 'sun.sun', 'path': 'attributes.elevation', 'above': 5, 'below': 10}},
     moment(states={'sun.sun': entity('above_horizon', elevation=7.5)}), True),
    ({'state': [TV, LUX]}, moment(states={'media_player.tv': entity('playing'),
                                          'zigbee2mqtt/lux': '{"illuminance": 90}'}), False),
    # All must hold.
    ({'sun': 'down', 'people': 'alone'}, moment(sun_up=False, people=2), False),
])
def test_what_holds(when, now, holds):
    findings = When.model_validate(when).judge(now)
    assert all(finding.holds for finding in findings) == holds
    assert not any(finding.unknown for finding in findings)
    assert all('expected' in finding.words for finding in findings)


@pytest.mark.parametrize('when, states, words', [
    ({'sun': 'up'}, {}, 'the location of the home'),
    ({'state': LUX}, {}, 'zigbee2mqtt/lux illuminance has no value yet'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"ill'}, 'is not JSON'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '[' * 100_000}, 'is not JSON'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"temperature": 3}'}, 'has no illuminance'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '7'}, 'has no illuminance'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"illuminance": null}'}, 'is empty'),
    # A sensor that changes its type.
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"illuminance": "dark"}'}, "'dark', not a number"),
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"illuminance": true}'}, 'not a number'),
    ({'state': LUX}, {'zigbee2mqtt/lux': '{"illuminance": [1]}'}, 'not a single value'),
    ({'state': TV}, {'media_player.tv': entity('unavailable')}, 'is unavailable'),
    ({'state': {'entity': 'a.b', 'differs_from': 'off'}}, {'a.b': entity('unknown')},
     'is unknown'),
    ({'state': {'entity': 'a.b', 'path': 'attributes.x', 'equals': 1}}, {'a.b': entity('on')},
     'has no attributes.x'),
])
def test_what_cannot_be_known_does_not_hold_and_is_reported(when, states, words):
    finding, = When.model_validate(when).judge(moment(states=states))
    assert not finding.holds and finding.unknown and words in finding.words


def test_a_source_that_says_why_it_is_silent_is_quoted():
    when = When.model_validate({'state': TV})
    source, = when.sources
    finding, = when.judge(Moment(local=datetime(2026, 1, 5), states={
        source: UnknownState('is unavailable: Home Assistant is not connected')}))
    assert finding.unknown and finding.words.endswith('tv is unavailable: Home Assistant is not '
                                                      'connected')


# The sun of the astral library, 3.2, to the minute: rise and set, UTC.
@pytest.mark.parametrize('place, rise, sunset', [
    ((52.5, 13.4), '2026-01-05 07:16', '2026-01-05 15:07'),
    ((52.5, 13.4), '2026-06-21 02:43', '2026-06-21 19:33'),
    ((-33.87, 151.21), '2026-03-20 19:59', '2026-03-20 08:07'),
])
def test_the_sun_rises_and_sets_when_it_does(place, rise, sunset):
    for at, before, after in ((rise, False, True), (sunset, True, False)):
        at_s = datetime.fromisoformat(at + '+00:00').timestamp()
        assert (is_up(*place, at_s - 180), is_up(*place, at_s + 180)) == (before, after)
    assert elevation_deg(90, 0, datetime(2026, 6, 21).timestamp()) == pytest.approx(23.44, abs=.02)


# Rules in a file.

def policy(rules, more=''):
    lines = '\n'.join(f'      - {json.dumps(rule)}' for rule in rules)
    return (f'version: 1\n{more}\npolicies:\n  p:\n    rules:\n{lines}\n'
            'rooms: {study: {policy: p, targets: {lamp: {type: terminal}}}}')


def rule(name='one', **fields):
    return {'name': name, 'emotion': 'sad', 'brightness': 0.5, **fields}


@pytest.mark.parametrize('fields, words', [
    ({'when': {}}, 'rules.0.when: when names no condition'),
    ({'when': {'moon': 'full'}}, 'rules.0.when.moon: unknown key'),
    ({'when': {'time': '19:00'}}, 'when.time'),
    ({'when': {'time': {'from': '25:00'}}}, "'25:00' is not a time of day"),
    ({'when': {'weekday': 'monday'}}, "when.weekday: 'monday': expected 'mon'"),
    ({'when': {'people': 'many'}}, "when.people: 'many' is not a number of people"),
    ({'when': {'people': {'at_least': 3, 'at_most': 2}}}, 'at_least is above at_most'),
    ({'when': {'sun': 'down'}}, 'requires the location of the home'),
    ({'when': {'state': LUX}}, 'when.state: an mqtt topic requires a broker'),
    ({'when': {'state': TV}}, 'when.state: an entity requires home_assistant'),
    ({'when': {'state': {'mqtt': 'a', 'entity': 'b.c', 'above': 1}}}, 'give one of mqtt'),
    ({'when': {'state': {'mqtt': 'a'}}}, 'add a comparison'),
    ({'when': {'state': {'mqtt': 'a', 'above': 5, 'below': 5}}}, 'no value is both'),
    ({'when': {'lasted_s': 0}}, 'when.lasted_s'),
    ({'for_s': 20, 'then': 'keep'}, 'for_s ends what the rule does'),
    ({'then': 'explode'}, "then: 'explode': expected 'restore' or 'keep'"),
    ({'brightness': None, 'strategy': 'restore', 'for_s': 5}, 'takes no for_s'),
    ({'strategy': 'restore'}, 'strategy restore has no brightness'),
    ({'emotion': 'melancholy'}, 'rules.0.emotion'),
    ({'emotion': []}, 'rules.0.emotion'),
    ({'name': 'sad'}, 'names of rules and regions must'),
])
def test_a_broken_rule_is_refused_with_its_place(fields, words):
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(policy([rule(**fields)]), 'house.yaml')
    message = str(caught.value)
    assert words in message, message
    # Named once.
    assert message.count('house.yaml:') == 1, message


ALONE, PAIR = {'people': 'alone'}, {'people': {'at_least': 2}}


@pytest.mark.parametrize('earlier, later, hidden', [
    ({}, {}, True),
    ({}, {'when': ALONE}, True),
    ({'when': ALONE}, {}, False),
    ({'when': ALONE}, {'when': ALONE}, True),
    ({'when': PAIR}, {'when': ALONE}, False),
    ({'when': PAIR}, {'when': {'people': {'at_least': 3}}}, True),
    ({'when': ALONE}, {'when': {**ALONE, 'lasted_s': 5}}, True),
    ({'when': {**ALONE, 'lasted_s': 5}}, {'when': ALONE}, False),
    ({'when': {'lasted_s': 5}}, {'when': {'lasted_s': 60}}, True),
    ({'when': {'lasted_s': 60}}, {'when': {'lasted_s': 5}}, False),
    ({'when': {'time': {'from': '19:00', 'to': '02:00'}}},
     {'when': {'time': {'from': '20:00', 'to': '01:00'}}}, True),
    ({'when': {'time': {'from': '19:00', 'to': '02:00'}}},
     {'when': {'time': {'from': '20:00', 'to': '03:00'}}}, False),
    ({'when': {'weekday': 'workday'}}, {'when': {'weekday': 'fri'}}, True),
    ({'when': {'weekday': 'fri'}}, {'when': {'weekday': 'workday'}}, False),
    ({'when': {'state': {**LUX, 'below': 40}}}, {'when': {'state': {**LUX, 'below': 20}}}, True),
    ({'when': {'state': {**LUX, 'below': 20}}}, {'when': {'state': {**LUX, 'below': 40}}}, False),
    ({'when': {'state': LUX}}, {'when': {'state': [TV, LUX]}}, True),
    ({'emotion': ['sad', 'fear']}, {'emotion': 'fear'}, True),
    ({'emotion': 'fear'}, {'emotion': ['sad', 'fear']}, False),
    ({'emotion': None}, {'emotion': 'fear'}, True),
    ({'emotion': 'fear'}, {'emotion': None}, False),
    ({'valence': [-1, 0]}, {'valence': [-1, -0.5]}, True),
    ({'valence': [-1, 0]}, {}, False),
])
def test_rules_that_can_never_win_are_found(earlier, later, hidden):
    servers = ('broker: {host: localhost}\nhome_assistant: {url: "http://localhost", '
               'token: {env: X}}')
    found = never_win(parse_policy(policy(
        [rule('first', **earlier), rule('second', **later)], servers)).policies['p'])
    assert [(late.name, [one.name for one in before]) for late, before in found] \
        == ([('second', ['first'])] if hidden else [])


def test_a_region_behind_all_emotions_never_wins():
    labels = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
    rules = parse_policy(POLICY.replace('  warm:', '  all:\n    by_emotion:\n' + ''.join(
        f'      {label}: {{brightness: 0.5}}\n' for label in labels) +
        '    by_valence_arousal: [{name: tense, brightness: 0.1}]\n  warm:')).policies['all']
    (late, before), = never_win(rules)
    assert late.name == 'tense' and len(before) == 7

# SPDX-License-Identifier: Apache-2.0
"""What each kind of device makes of a rule and of a report, at the exact bounds."""

from fer_ros.home.devices.terminal import TerminalTarget
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Attempt, Report, Situation
from fer_ros.home.kinds.blind import BLIND, BlindRequest, BlindState
from fer_ros.home.kinds.light import LIGHT, LightRequest
from fer_ros.home.kinds.scene import SCENE, SceneRequest
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import LightState, Tolerance
from fer_ros.home.policy import Rule
import pytest

JOY = (0.8, 0.5)
ON = LightState(True, 0.6, color_temperature_k=2700)
OFF = LightState(False)


def lamp(**fields):
    return TerminalTarget(type='terminal', **fields)


def asked(rule, spec=None, cap=None, reported=ON):
    return LIGHT.request(Rule(**rule), JOY, spec or lamp(), Situation(reported), cap).light


@pytest.mark.parametrize('rule, spec, light', [
    ({'brightness': 0.5}, {}, LightState(True, 0.5)),
    ({'brightness': 0.0}, {}, LightState(True, 0.02)),
    ({'brightness': 1.0}, {'brightness_max': 0.7}, LightState(True, 0.7)),
    ({'brightness': 0.1}, {'brightness_min': 0.3}, LightState(True, 0.3)),
    ({'color_temperature_k': 9000}, {}, LightState(True, None, None, 6500)),
    ({'color_temperature_k': 1500}, {}, LightState(True, None, None, 2000)),
    ({'color_temperature_k': 3000}, {'color_temperature_min_k': 3500},
     LightState(True, None, None, 3500)),
    ({'color': '#00ff00'}, {}, LightState(True, None, (0.0, 1.0, 0.0))),
    ({'color': '#00ff00', 'brightness': 0.4}, {'has_color': False}, LightState(True, 0.4)),
    ({'strategy': 'off'}, {}, OFF),
    # What a rule says itself goes before what its strategy says.
    ({'strategy': 'energise', 'color': '#ff0000'}, {}, LightState(True, 0.8, (1.0, 0.0, 0.0))),
    ({'strategy': 'mirror', 'color_temperature_k': 3000}, {},
     LightState(True, 0.7, None, 3000)),
    ({'strategy': 'mirror', 'brightness': 0.25, 'color': '#0000ff'}, {},
     LightState(True, 0.25, (0.0, 0.0, 1.0)))])
def test_a_light_is_asked_for_what_it_can_do(rule, spec, light):
    assert asked(rule, lamp(**spec)) == light


def test_a_range_may_be_a_single_value_but_not_turned_round():
    assert asked({'brightness': 0.9}, lamp(brightness_min=0.5, brightness_max=0.5)) == LightState(
        True, 0.5)
    assert asked({'color_temperature_k': 5000}, lamp(
        color_temperature_min_k=3000, color_temperature_max_k=3000)).color_temperature_k == 3000
    for wrong in ({'brightness_min': 0.6, 'brightness_max': 0.5},
                  {'color_temperature_min_k': 3001, 'color_temperature_max_k': 3000}):
        with pytest.raises(ValueError, match='is above'):
            lamp(**wrong)


@pytest.mark.parametrize('brightness, reported, level', [
    (0.8, ON, 0.2), (0.1, ON, 0.1), (None, ON, 0.2),
    # No lamp is made brighter for the night.
    (None, LightState(True, 0.2), None), (None, LightState(True, 0.21), 0.2),
    (None, LightState(True), 0.2), (None, OFF, 0.2), (None, None, 0.2)])
def test_quiet_hours_cap_the_brightness(brightness, reported, level):
    rule = {'color': '#00ff00', **({} if brightness is None else {'brightness': brightness})}
    assert asked(rule, cap=0.2, reported=reported).brightness == level


@pytest.mark.parametrize('request_, reported, expected', [
    (LightState(True, 0.3), ON, LightState(True, 0.3, None, 2700)),
    (LightState(True, 0.3), OFF, LightState(True, 0.3)),
    (LightState(True, 0.3), None, LightState(True, 0.3)), (OFF, ON, OFF)])
def test_what_is_not_asked_for_stays(request_, reported, expected):
    assert LIGHT.completed(LightRequest(request_), reported).expected == expected


@pytest.mark.parametrize('a, b, same', [
    (LightState(True, 0.5), LightState(True, 0.503), True),
    (LightState(True, 0.5), LightState(True, 0.506), False),
    (LightState(True, 0.5), OFF, False), (OFF, OFF, True),
    (LightState(True, color_temperature_k=2700), LightState(True, color_temperature_k=2702), True),
    (LightState(True, color_temperature_k=2700), LightState(True, color_temperature_k=2710),
     False)])
def test_lights_are_asked_again_only_for_something_else(a, b, same):
    assert LIGHT.same(LightRequest(a), LightRequest(b)) == same
    assert not LIGHT.same(None, LightRequest(a)) and LIGHT.same(None, None)


@pytest.mark.parametrize('request_, turn_on, situation, refusal', [
    (LightState(True, 0.3), False, Situation(ON), ''),
    (LightState(True, 0.3), False, Situation(None), ''),
    (LightState(True, 0.3), False, Situation(OFF), 'off, and turn_on is false'),
    (LightState(True, 0.3), True, Situation(OFF), ''), (OFF, False, Situation(OFF), ''),
    # What we turned off we may turn on.
    (LightState(True, 0.3), False, Situation(OFF, request=LightRequest(OFF)), ''),
    (LightState(True, 0.3), False, Situation(OFF, request=LightRequest(ON)),
     'off, and turn_on is false'),
    # What a person turned off stays so, whatever the policy says.
    (LightState(True, 0.3), True, Situation(OFF, chosen=OFF),
     'turned off manually, and so never turned on'),
    (LightState(True, 0.3), True, Situation(OFF, chosen=ON), '')])
def test_which_lights_are_turned_on(request_, turn_on, situation, refusal):
    assert LIGHT.refusal(LightRequest(request_), lamp(turn_on=turn_on), situation) == refusal


def judged(state, before=ON, *, in_window=True, moved=True, start=ON, just_on=False, lost=None,
           ask=LightState(True, 0.9, (1.0, 0.0, 0.0)), previous=None, matched=False):
    attempt = None if ask is None else Attempt(
        LightRequest(ask), 0.0, 1.0, start, previous, moved, matched)
    verdict = LIGHT.judge(Report(state, before, attempt, lost, in_window, just_on, Tolerance()))
    return verdict.event, verdict.words


HALF = LightState(True, 0.75, (1.0, 0.5, 0.3))
ASKED = LightState(True, 0.9, (1.0, 0.0, 0.0))
GREEN = LightState(True, 0.75, (0.0, 1.0, 0.0))
BOTH = (Event.CHANGED_MANUALLY, 'was changed manually (brightness, color)')


@pytest.mark.parametrize('state, fields, verdict', [
    (ASKED, {}, (Event.MATCHED, '')), (HALF, {}, (Event.MOVED, '')),
    (ON, {'moved': False}, (None, '')), (GREEN, {}, BOTH),
    (OFF, {}, (Event.CHANGED_MANUALLY, 'was turned off manually')),
    # Echoed before: what lies between is on the way.
    (ON, {'moved': False, 'matched': True}, (Event.MOVED, '')),
    # From the request before this one, too.
    (GREEN, {'start': HALF, 'previous': LightRequest(GREEN)}, (Event.MOVED, '')),
    # How it was is not known, so that nothing is off the way.
    (GREEN, {'start': None}, (Event.MOVED, '')),
    # Its time is over.
    (HALF, {'in_window': False}, BOTH),
    (ON, {'in_window': False, 'moved': False}, (Event.UNMOVED, '')),
    (ASKED, {'in_window': False, 'moved': False}, (Event.MATCHED, '')),
    # Called lost, and carried out.
    (GREEN, {'lost': LightRequest(GREEN)}, (Event.LATE, '')),
    (HALF, {'lost': LightRequest(GREEN)}, (Event.MOVED, '')),
    # On: by us within our time, else by a person.
    (ASKED, {'before': OFF}, (Event.MATCHED, '')),
    (ASKED, {'before': OFF, 'in_window': False}, (Event.TURNED_ON_MANUALLY, '')),
    (ASKED, {'before': OFF, 'ask': OFF}, (Event.TURNED_ON_MANUALLY, '')),
    (ASKED, {'before': OFF, 'ask': None}, (Event.TURNED_ON_MANUALLY, '')),
    # Nothing is asked of it.
    (ON, {'ask': None}, (None, '')), (ON, {'ask': None, 'before': None}, (None, '')),
    (LightState(True, 0.1, None, 2700), {'ask': None}, (
        Event.CHANGED_MANUALLY, 'was changed manually (brightness)')),
    (LightState(True, 0.1, None, 2700), {'ask': None, 'just_on': True}, (None, '')),
    (OFF, {'ask': None}, (Event.CHANGED_MANUALLY, 'was turned off manually'))])
def test_what_a_lights_report_means(state, fields, verdict):
    assert judged(state, **fields) == verdict


@pytest.mark.parametrize('moved, reported, event', [
    (False, ON, Event.UNMOVED), (True, ASKED, Event.MATCHED),
    (True, HALF, Event.CHANGED_MANUALLY)])
def test_what_it_means_that_a_lights_time_is_over(moved, reported, event):
    attempt = Attempt(LightRequest(ASKED), 0.0, 1.0, ON, None, moved)
    assert LIGHT.overdue(attempt, reported, Tolerance()).event is event


@pytest.mark.parametrize('start, state, left', [
    (None, ON, True), (ON, ON, False), (ON, LightState(True, 0.605, None, 2700), False),
    (ON, LightState(True, 0.62, None, 2700), True), (ON, OFF, True)])
def test_a_lamp_that_has_done_something(start, state, left):
    assert LIGHT.has_left(start, state) == left


def test_blinds_and_scenes():
    assert BLIND.request(Rule(blind=0.5), JOY, None, Situation(), None) == BlindRequest(0.5)
    assert BLIND.request(Rule(brightness=1), JOY, None, Situation(), None) is None
    assert BLIND.same(BlindRequest(0.5), BlindRequest(0.509))
    assert not BLIND.same(BlindRequest(0.5), BlindRequest(0.511))
    assert not BLIND.same(None, BlindRequest(0.5)) and BLIND.same(None, None)
    assert BLIND.undo(BlindState(0.2)) == BlindRequest(0.2)
    assert BLIND.kept(BlindState(0.2), BlindRequest(0.6)) == BlindState(0.6)
    assert BLIND.merged(BlindState(0.1), BlindState(0.2)) == BlindState(0.2)
    assert SCENE.same(SceneRequest('a'), SceneRequest('a'))
    assert not SCENE.same(None, SceneRequest('a'))
    for kind in (BLIND, SCENE):
        assert kind.off() is None and not kind.is_off(None) and not kind.refusal(None, None, None)
    assert [one.describe() for one in (
        BlindState(0.25), BlindRequest(0.5), SceneRequest('party'), LightRequest(OFF))] == [
            '25% open', '50% open', 'scene party', 'off']


@pytest.mark.parametrize('asked_, before, position, in_window, event', [
    (0.0, 1.0, 0.05, False, Event.MATCHED), (0.0, 1.0, 0.06, False, Event.CHANGED_MANUALLY),
    # Where it stood it still stands; where it was is not known.
    (1.0, 0.0, 0.02, False, Event.MOVED), (1.0, 0.0, 0.03, False, Event.CHANGED_MANUALLY),
    (1.0, None, 0.5, False, Event.MOVED), (1.0, 0.0, 0.5, True, Event.MOVED),
    (None, 0.0, 0.5, False, None)])
def test_what_a_blinds_report_means(asked_, before, position, in_window, event):
    attempt = None if asked_ is None else Attempt(BlindRequest(asked_), 0.0, 1.0)
    report = Report(BlindState(position), None if before is None else BlindState(before), attempt,
                    None, in_window, False, Tolerance())
    assert BLIND.judge(report).event is event


@pytest.mark.parametrize('moved, position, event', [
    (False, 0.05, Event.UNMOVED), (True, 0.05, Event.MATCHED), (True, 0.06, None),
    (True, None, None)])
def test_what_it_means_that_a_blinds_time_is_over(moved, position, event):
    attempt = Attempt(BlindRequest(0.0), 0.0, 1.0, moved=moved)
    state = None if position is None else BlindState(position)
    assert BLIND.overdue(attempt, state, Tolerance()).event is event
    assert not BLIND.same(BlindRequest(0.0), BlindRequest(0.01))


def test_each_kind_knows_its_name_and_the_keys_of_its_rules():
    keys = [key for kind in KINDS.values() for key in kind.rule_keys.model_fields]
    assert len(keys) == len(set(keys)) and set(keys) < set(Rule.model_fields)
    assert all(name == kind.name for name, kind in KINDS.items())
    assert LIGHT.is_off(OFF) and not LIGHT.is_off(ON) and not LIGHT.is_off(None)
    assert LIGHT.kept(ON, LightRequest(LightState(True, 0.2))) == LightState(True, 0.2, None, 2700)

# SPDX-License-Identifier: Apache-2.0
"""What each kind of device makes of a rule and of a report, at the exact bounds."""

from fer_ros.home.devices.terminal import TerminalTarget
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Attempt, Cause, Report, Situation
from fer_ros.home.kinds.blind import BLIND, BlindRequest, BlindState
from fer_ros.home.kinds.light import LIGHT, LightRequest
from fer_ros.home.kinds.light_keys import wanted_light
from fer_ros.home.kinds.scene import SCENE, SceneRequest
from fer_ros.home.kinds.switch import SWITCH, SwitchRequest, SwitchState
from fer_ros.home.kinds.volume import VOLUME, VolumeRequest, VolumeState
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import LightState, Limits, Tolerance
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


FREE, PERSON, CLOCK, BACK, OURS = (Cause.UNKNOWN, Cause.PERSON, Cause.AUTOMATION, Cause.RECOVERED,
                                   Cause.OURS)
CHANGED = Event.CHANGED_MANUALLY


def judged_value(kind, asked_, before, value, *, start=1.0, in_window=False, moved=True,
                 matched=False, cause=FREE, returned=None):
    attempt = None if asked_ is None else Attempt(
        kind.request_type(asked_), 0.0, 1.0, None if start is None else kind.state_type(start),
        moved=moved, matched=matched)
    return kind.judge(Report(
        kind.state_type(value), None if before is None else kind.state_type(before), attempt,
        None, in_window, False, Tolerance(), cause,
        returned=None if returned is None else kind.request_type(returned)))


@pytest.mark.parametrize('asked_, before, position, fields, event', [
    (0.0, 1.0, 0.05, {}, Event.MATCHED), (0.0, 0.0, 0.06, {'matched': True}, CHANGED),
    # A blind takes longer than its time, and reports its position on the way.
    (0.0, 1.0, 0.6, {}, Event.MOVED), (0.0, 0.6, 0.3, {}, Event.MOVED),
    (0.0, 0.3, 0.6, {}, CHANGED), (0.0, 0.0, 0.5, {'matched': True}, CHANGED),
    # A person, where that is known, is one wherever it goes.
    (0.0, 1.0, 0.6, {'cause': PERSON}, CHANGED),
    (0.0, 1.0, 0.6, {'cause': CLOCK}, Event.ADJUSTED), (0.0, 1.0, 0.6, {'cause': BACK},
                                                      Event.RECOVERED),
    # Where it stood it still stands; where it was is not known.
    (1.0, 0.0, 0.02, {'moved': False}, Event.UNMOVED), (1.0, None, 0.5, {}, Event.MOVED),
    (1.0, 0.0, 0.5, {'in_window': True, 'start': None}, Event.MOVED),
    (0.5, 1.0, 0.9, {'in_window': True}, Event.MOVED),
    (0.5, 1.0, 0.3, {'in_window': True}, CHANGED),
    (0.5, 1.0, 0.3, {'in_window': True, 'cause': OURS}, Event.MOVED),
    (0.0, 0.5, 0.5, {'matched': True}, Event.MOVED),
    # A little beyond its start, as motors do.
    (0.25, 0.75, 0.765, {'in_window': True, 'start': 0.75}, Event.MOVED),
    (0.25, 0.75, 0.8, {'in_window': True, 'start': 0.75}, CHANGED),
    (0.75, 0.25, 0.235, {'in_window': True, 'start': 0.25}, Event.MOVED),
    (0.75, 0.25, 0.2, {'in_window': True, 'start': 0.25}, CHANGED),
    # Nothing is asked of it.
    (None, 0.0, 0.02, {}, None), (None, 0.0, 0.03, {}, CHANGED),
    (None, None, 0.5, {}, None), (None, 0.5, 0.51, {}, None), (None, 0.0, 0.5, {}, CHANGED),
    (None, 0.0, 0.5, {'cause': CLOCK}, Event.ADJUSTED), (None, 0.0, 0.5, {'cause': OURS}, None),
    (None, 0.0, 0.5, {'cause': BACK}, Event.ADJUSTED),
    # Still on its way back.
    (None, 0.0, 0.5, {'returned': 1.0}, None), (None, 0.5, 0.2, {'returned': 1.0}, CHANGED)])
def test_what_a_blinds_report_means(asked_, before, position, fields, event):
    assert judged_value(BLIND, asked_, before, position, **fields).event is event


@pytest.mark.parametrize('kind, asked_, before, value, fields, event', [
    (SWITCH, True, False, True, {'start': False, 'in_window': True}, Event.MATCHED),
    (SWITCH, True, False, False, {'start': False, 'in_window': True, 'moved': False}, None),
    (SWITCH, True, False, False, {'start': False, 'moved': False}, Event.UNMOVED),
    (SWITCH, True, True, False, {'start': False, 'matched': True}, CHANGED),
    (SWITCH, True, True, False, {'start': False, 'matched': True, 'cause': BACK},
     Event.RECOVERED),
    (SWITCH, None, True, False, {}, CHANGED), (SWITCH, None, None, False, {}, None),
    (SWITCH, None, True, False, {'cause': CLOCK}, Event.ADJUSTED),
    (VOLUME, 0.2, 0.5, 0.22, {'start': 0.5}, Event.MATCHED),
    (VOLUME, 0.2, 0.2, 0.4, {'start': 0.5, 'matched': True}, CHANGED),
    # A volume is there at once: what lies between is a person's.
    (VOLUME, 0.2, 0.5, 0.4, {'start': 0.5}, CHANGED),
    (VOLUME, 0.2, 0.5, 0.4, {'start': 0.5, 'in_window': True}, Event.MOVED),
    (VOLUME, None, 0.5, 0.3, {}, CHANGED)])
def test_what_a_switchs_and_a_players_report_means(kind, asked_, before, value, fields, event):
    verdict = judged_value(kind, asked_, before, value, **fields)
    assert verdict.event is event
    if event is CHANGED:
        assert verdict.attributes == kind.attributes and 'manually' in verdict.words


@pytest.mark.parametrize('kind, moved, value, event', [
    (BLIND, False, 0.05, Event.UNMOVED), (BLIND, True, 0.05, Event.MATCHED),
    # It may still be on its way.
    (BLIND, True, 0.06, None), (BLIND, True, None, None),
    (VOLUME, True, 0.2, CHANGED), (VOLUME, True, 0.02, Event.MATCHED),
    (SWITCH, True, True, CHANGED), (SWITCH, False, False, Event.UNMOVED)])
def test_what_it_means_that_the_time_of_a_value_is_over(kind, moved, value, event):
    attempt = Attempt(kind.request_type(0.0), 0.0, 1.0, moved=moved)
    state = None if value is None else kind.state_type(value)
    assert kind.overdue(attempt, state, Tolerance()).event is event


def test_switches_and_players_are_asked_and_brought_back():
    assert SWITCH.request(Rule(switch='on'), JOY, None, Situation(), None) == SwitchRequest(True)
    assert SWITCH.request(Rule(brightness=1), JOY, None, Situation(), None) is None
    assert SWITCH.off() == SwitchRequest(False) == SWITCH.undo(SwitchState(False))
    assert SWITCH.is_off(SwitchState(False)) and not SWITCH.is_off(None)
    assert SWITCH.is_so(SwitchRequest(True), SwitchState(True))
    assert not SWITCH.is_so(SwitchRequest(True), None)
    assert SWITCH.narrowed(SwitchRequest(True), SWITCH.attributes) is None
    assert VOLUME.request(Rule(volume=0.3), JOY, None, Situation(), 0.2) == VolumeRequest(0.3)
    assert VOLUME.same(VolumeRequest(0.3), VolumeRequest(0.309))
    # Nothing gets louder in quiet hours; what is not heard may go back, or not.
    same = VolumeRequest(0.3)
    assert VOLUME.quieted(same, VolumeState(0.3), None) == same
    assert SCENE.quieted(SceneRequest('a'), None, None) is None
    assert SCENE.quieted(SceneRequest('a'), None, 0.2) == SceneRequest('a')
    assert SCENE.has_left(None, None)
    louder, softer = VolumeRequest(0.5), VolumeRequest(0.1)
    for cap in (None, 0.2):
        assert VOLUME.quieted(louder, VolumeState(0.3), cap) is None
        assert VOLUME.quieted(softer, VolumeState(0.3), cap) == softer
    assert [one.describe() for one in (
        SwitchState(True), SwitchRequest(False), VolumeState(0.4), VolumeRequest(0.25))] == [
            'on', 'off', 'volume 40%', 'volume 25%']


@pytest.mark.parametrize('wanted, got', [(0.3, 0.0), (0.5, 1.0), (1.0, 1.0)])
def test_a_cover_without_positions_is_opened_or_closed(wanted, got):
    rule, ends = Rule(blind=wanted), Situation(limits=Limits(dimmable=False))
    assert BLIND.request(rule, JOY, None, ends, None) == BlindRequest(got)
    assert BLIND.request(rule, JOY, None, Situation(), None) == BlindRequest(wanted)


def test_each_kind_knows_its_name_and_the_keys_of_its_rules():
    keys = [key for kind in KINDS.values() for key in kind.rule_keys.model_fields]
    assert len(keys) == len(set(keys)) and set(keys) < set(Rule.model_fields)
    assert all(name == kind.name for name, kind in KINDS.items())
    assert LIGHT.is_off(OFF) and not LIGHT.is_off(ON) and not LIGHT.is_off(None)
    assert LIGHT.kept(ON, LightRequest(LightState(True, 0.2))) == LightState(True, 0.2, None, 2700)


@pytest.mark.parametrize('kind, asked_, start, state, expected', [
    (BLIND, 0.3, 1.0, BlindState(0.6), True), (BLIND, 0.3, 0.4, BlindState(0.6), False),
    (BLIND, 0.3, None, BlindState(0.6), False),
    (SWITCH, True, False, SwitchState(False), True)])
def test_what_may_be_seen_on_the_way_from_a_known_start(kind, asked_, start, state, expected):
    attempt = Attempt(kind.request_type(asked_), 0.0, 1.0,
                      None if start is None else kind.state_type(start))
    assert kind.on_its_way(attempt, state, Tolerance()) == expected


@pytest.mark.parametrize('key, value', [
    ('scene', 'film'), ('blind', 0.5), ('message', 'hello'), ('switch', 'on'), ('volume', 0.3)])
def test_a_rule_for_a_kind_needs_a_target_of_it(key, value):
    kind = KINDS[key]
    found = kind.fault(kind.rule_keys(**{key: value}), [])
    assert found is not None and found[0] == key
    assert kind.fault(kind.rule_keys(), []) is None
    if key != 'scene':
        assert kind.fault(kind.rule_keys(**{key: value}), [object()]) is None


def test_what_a_kind_is_not_asked_for_says_so():
    message = KINDS['message']
    assert message.each_episode(None, None) and not BLIND.each_episode(None, None)
    assert not BLIND.is_added(BlindRequest(0.5)) and not BLIND.is_off(BlindState(0.0))
    assert BLIND.distance(BlindState(0.5), BlindState(0.5), Tolerance()) == 0
    assert BLIND.distance(BlindState(0.5), BlindState(0.6), Tolerance()) == float('inf')


def test_a_blind_in_time_and_one_that_has_left():
    attempt = Attempt(BlindRequest(0.5), 0.0, 1.0, BlindState(1.0), moved=True)
    assert BLIND.overdue(attempt, BlindState(0.5), Tolerance()).event is Event.MATCHED
    assert BLIND.has_left(None, BlindState(0.5))
    assert BLIND.has_left(BlindState(0.5), BlindState(0.6))
    assert not BLIND.has_left(BlindState(0.5), BlindState(0.51))


def test_a_white_is_added_only_to_a_white():
    rule = Rule(color_temperature_k='-400')
    assert wanted_light(rule, JOY, LightState(True, 0.5, None, 3000)).color_temperature_k == 2600
    assert wanted_light(rule, JOY, LightState(True, 0.5, None, 3000, effect='rainbow')) is None
    assert wanted_light(rule, JOY, LightState(True, 0.5, (1.0, 0.0, 0.0))) is None

# SPDX-License-Identifier: Apache-2.0
"""What lights are asked for and what their reports mean, case by case."""

from fer_ros.home.devices.terminal import TerminalTarget
from fer_ros.home.kinds.base import Attempt, Cause, Report, Situation
from fer_ros.home.kinds.light import LIGHT, LightRequest
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import LightState, Limits, Tolerance
from fer_ros.home.policy import Rule
import pytest

ON = LightState(True, 0.6, color_temperature_k=2700)
OFF = LightState(False)
RED = (1.0, 0.0, 0.0)


def judged(state, before=ON, *, in_window=True, moved=True, start=ON, just_on=False, lost=None,
           ask=LightState(True, 0.9, (1.0, 0.0, 0.0)), previous=None, matched=False, passed=(),
           baseline=None, **report):
    attempt = None if ask is None else Attempt(
        LightRequest(ask), 0.0, 1.0, start, previous, moved, matched, passed=passed,
        baseline=baseline)
    return LIGHT.judge(Report(state, before, attempt, lost, in_window, just_on, Tolerance(),
                              **report))


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
    found = judged(state, **fields)
    assert (found.event, found.words) == verdict


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


OURS, PERSON, CLOCK, BACK = Cause.OURS, Cause.PERSON, Cause.AUTOMATION, Cause.RECOVERED
ADJUSTED, CHANGED = Event.ADJUSTED, Event.CHANGED_MANUALLY
LEVEL, COLOR = frozenset({'brightness'}), frozenset({'color'})
NONE = frozenset()
LATE = {'in_window': False}


@pytest.mark.parametrize('state, fields, event, attributes', [
    # An automation, however little it changes; within the time of a request it may be ours.
    (HALF, {'cause': CLOCK, **LATE}, ADJUSTED, LEVEL | COLOR),
    (LightState(True, 0.88, RED), {'cause': CLOCK, 'before': ASKED, **LATE}, ADJUSTED, LEVEL),
    (ASKED, {'cause': CLOCK, 'before': ASKED, **LATE}, Event.MATCHED, NONE),
    (ASKED, {'cause': CLOCK, 'before': None, **LATE}, Event.MATCHED, NONE),
    (HALF, {'cause': CLOCK}, Event.MOVED, NONE),
    (OFF, {'cause': CLOCK, **LATE}, CHANGED, {'power'}),
    (OFF, {'cause': CLOCK, 'ask': OFF, 'before': OFF, **LATE}, Event.MATCHED, NONE),
    # A power cut.
    (GREEN, {'cause': BACK}, Event.RECOVERED, NONE),
    (GREEN, {'cause': BACK, 'ask': None}, ADJUSTED, NONE),
    # It reacts late, and is on.
    (ASKED, {'before': OFF, 'left_now': True, **LATE}, Event.MATCHED, NONE),
    (HALF, {'left_now': True, **LATE}, Event.MOVED, NONE),
    (GREEN, {'left_now': True, **LATE}, CHANGED, LEVEL | COLOR),
    # A person is one on the way too; what the bridge's own call did is ours off the way.
    (HALF, {'cause': PERSON}, CHANGED, LEVEL | COLOR),
    (GREEN, {'cause': OURS}, Event.MOVED, NONE), (OFF, {'cause': OURS}, CHANGED, {'power'}),
    (GREEN, {'cause': OURS, **LATE}, CHANGED, LEVEL | COLOR),
    # Lamps go on as they are set; what is asked to go off does not.
    (GREEN, {'just_on': True}, Event.MOVED, NONE),
    (GREEN, {'just_on': True, 'moved': False}, None, NONE),
    (GREEN, {'before': OFF}, Event.MOVED, NONE),
    (GREEN, {'just_on': True, 'ask': OFF, 'start': ON}, CHANGED, {'power'}),
    (OFF, {'just_on': True}, CHANGED, {'power'}),
    # What it has come from, or may have.
    (GREEN, {'passed': (GREEN,)}, Event.MOVED, NONE),
    (GREEN, {'start': None, 'passed': (HALF,)}, CHANGED, LEVEL | COLOR),
    # How it is by now, where that is not what was asked.
    (HALF, {'baseline': HALF, **LATE}, Event.MATCHED, NONE),
    (ASKED, {'baseline': HALF, **LATE}, CHANGED, LEVEL | COLOR),
    # Nobody changes it as slowly as that.
    (GREEN, {'matched': True, 'reference': GREEN, **LATE}, ADJUSTED, LEVEL | COLOR),
    (GREEN, {'matched': True, 'reference': HALF, **LATE}, CHANGED, LEVEL | COLOR),
    (GREEN, {'matched': True, 'reference': None, **LATE}, CHANGED, LEVEL | COLOR),
    (GREEN, {'reference': GREEN, **LATE}, CHANGED, LEVEL | COLOR),
    (GREEN, {'matched': True, 'reference': GREEN}, CHANGED, LEVEL | COLOR),
    (GREEN, {'matched': True, 'reference': GREEN, 'cause': PERSON, **LATE}, CHANGED,
     LEVEL | COLOR),
    # Nothing is asked of it.
    (HALF, {'ask': None, 'cause': CLOCK}, ADJUSTED, LEVEL | COLOR),
    (OFF, {'ask': None, 'cause': CLOCK}, CHANGED, {'power'}),
    (HALF, {'ask': None, 'returned': LightRequest(HALF)}, None, NONE),
    (HALF, {'ask': None, 'returned': LightRequest(GREEN)}, CHANGED, LEVEL | COLOR),
    (OFF, {'ask': None, 'just_on': True}, CHANGED, {'power'}),
    (ON, {'ask': None, 'reference': HALF}, CHANGED, LEVEL | COLOR),
    (HALF, {'ask': None, 'reference': HALF}, None, NONE)])
def test_what_a_report_means_by_its_cause_and_its_time(state, fields, event, attributes):
    found = judged(state, **fields)
    assert (found.event, found.attributes) == (event, attributes)


def white(level, kelvin=2700):
    return LightState(True, level, None, kelvin)


@pytest.mark.parametrize('first, before, reported, event', [
    # Up to the level that it had, or that is not known.
    (white(0.1), white(0.6), white(0.6), None), (white(0.1), None, white(0.6), None),
    (white(0.1), LightState(True), white(0.6), None),
    (white(0.1), white(0.3), white(0.6), CHANGED),
    (white(0.1), white(0.6), white(0.1), None), (white(0.6), white(0.1), white(0.1), CHANGED),
    (white(0.6), None, white(0.1), CHANGED), (white(0.1), white(0.6), white(0.6, 6000), CHANGED)])
def test_what_becomes_of_a_light_right_after_it_was_turned_on(first, before, reported, event):
    assert LIGHT.woken(first, before, reported, Tolerance()).event is event


BLUE, BLUISH = (0.0, 0.0, 1.0), (0.15, 0.1, 1.0)


@pytest.mark.parametrize('reported, fields, event, attributes', [
    (OFF, {}, CHANGED, {'power'}),
    # The nearest that its colors and whites allow, on its way; or somebody takes it from there.
    (white(0.6, 4000), {}, Event.MATCHED, COLOR),
    (white(0.6, 4000), {'nearest': white(0.6, 4000)}, Event.MATCHED, COLOR),
    (white(0.6, 4000), {'nearest': white(0.6, 6000)}, CHANGED, COLOR),
    (white(0.6, 4000), {'start': None}, CHANGED, COLOR),
    (white(0.6, 2000), {}, CHANGED, COLOR), (white(0.3, 4000), {}, CHANGED, LEVEL | COLOR)])
def test_what_is_not_as_asked_when_its_time_is_over(reported, fields, event, attributes):
    attempt = Attempt(LightRequest(white(0.6, 6500)), 0.0, 1.0,
                      **{'start': white(0.6), 'moved': True, **fields})
    found = LIGHT.overdue(attempt, reported, Tolerance())
    assert (found.event, found.attributes) == (event, attributes)


@pytest.mark.parametrize('reached, reported, asked, event', [
    (True, ON, OFF, Event.TURNED_ON_MANUALLY), (False, ON, OFF, CHANGED),
    (True, OFF, ON, CHANGED), (True, white(0.1), ON, CHANGED), (True, OFF, OFF, Event.MATCHED)])
def test_a_light_that_was_off_as_asked_is_turned_on_by_a_person(reached, reported, asked, event):
    attempt = Attempt(LightRequest(asked), 0.0, 1.0, ON, moved=True, reached=reached)
    assert LIGHT.overdue(attempt, reported, Tolerance()).event is event


@pytest.mark.parametrize('start, state, expected', [
    (ON, HALF, True), (ON, GREEN, False), (None, HALF, False), (None, GREEN, False)])
def test_on_its_way_is_known_only_from_a_known_start(start, state, expected):
    attempt = Attempt(LightRequest(ASKED), 0.0, 1.0, start)
    assert LIGHT.on_its_way(attempt, state, Tolerance()) == expected


@pytest.mark.parametrize('nearest, asked, state, expected', [
    (None, ASKED, HALF, HALF), (HALF, ASKED, GREEN, HALF), (GREEN, ASKED, HALF, HALF),
    (HALF, LightState(True, 0.5), GREEN, HALF), (HALF, ASKED, LightState(True, 0.5), HALF),
    (HALF, ASKED, LightState(False, 0.5, RED), HALF)])
def test_what_came_nearest_to_the_color_that_was_asked(nearest, asked, state, expected):
    attempt = Attempt(LightRequest(asked), 0.0, 1.0, nearest=nearest)
    assert LIGHT.nearer(attempt, state) == expected


@pytest.mark.parametrize('undo, reported, cap, level', [
    # With a cap, down to it; without one, nothing gets brighter than it is.
    (0.8, 0.1, 0.3, None), (0.8, 0.3, 0.3, None), (0.8, 0.6, 0.3, 0.3), (0.2, 0.1, 0.3, 0.2),
    (0.3, 0.1, 0.3, 0.3), (0.8, 0.1, None, None), (0.1, 0.8, None, 0.1), (0.8, 0.8, None, 0.8),
    # What is not known does not matter.
    (0.8, None, None, 0.8), (0.8, None, 0.3, 0.3)])
def test_how_far_a_light_goes_back_in_quiet_hours(undo, reported, cap, level):
    for known in (LightState(True, reported), *([None] if reported is None else [])):
        found = LIGHT.quieted(LightRequest(LightState(True, undo)), known, cap)
        assert (None if found is None else found.light.brightness) == level


def test_what_quiet_hours_have_to_do_with_off_and_with_unknown_levels():
    off, some = LightRequest(OFF), LightRequest(LightState(True))
    assert LIGHT.quieted(off, ON, None) is off and LIGHT.quieted(some, ON, 0.3) is some
    assert LIGHT.quieted(LightRequest(ON), OFF, 0.9) is None
    assert LIGHT.quieted(off, OFF, 0.9) is off


FULL = LightState(True, 0.5, RED, None, 'rainbow')


@pytest.mark.parametrize('light, held, rest', [
    (FULL, (), FULL), (FULL, ('power',), None), (OFF, ('power',), None),
    (OFF, ('brightness',), None), (OFF, ('color',), OFF),
    (FULL, ('brightness',), LightState(True, None, RED, None, 'rainbow')),
    (FULL, ('color',), LightState(True, 0.5)), (FULL, ('brightness', 'color'), None),
    (LightState(True, 0.5), ('color',), LightState(True, 0.5)),
    (LightState(True, 0.5), ('brightness',), None), (white(None), ('color',), None),
    (white(None), ('brightness',), white(None))])
def test_what_is_left_of_a_request_that_leaves_some_attributes_alone(light, held, rest):
    request = LightRequest(light, FULL)
    found = LIGHT.narrowed(request, frozenset(held))
    assert (None if found is None else found.light) == rest
    # What the light will be is kept only with the whole request.
    assert found is None or found.result == (FULL if rest == light else None)


def test_what_others_changed_is_part_of_the_light_to_go_back_to():
    origin, other = LightState(False, 0.2, None, 2700, ''), FULL
    assert LIGHT.adjusted(origin, other, NONE) == origin
    assert LIGHT.adjusted(origin, other, LEVEL) == LightState(False, 0.5, None, 2700, '')
    assert LIGHT.adjusted(origin, other, frozenset({'power'})) == LightState(
        True, 0.2, None, 2700, '')
    assert LIGHT.adjusted(origin, other, COLOR) == LightState(False, 0.2, RED, None, 'rainbow')


def test_an_effect_is_not_waited_for_where_a_color_is_asked():
    playing = LightState(True, 0.5, RED, effect='rainbow')
    for light, effect in ((LightState(True, None, BLUE), None), (LightState(True, 0.9), 'rainbow'),
                          (LightState(True, None, BLUE, None, 'fire'), 'fire')):
        assert LIGHT.completed(LightRequest(light), playing).expected.effect == effect


SPEC = TerminalTarget(type='terminal', brightness_min=0.3, brightness_max=0.8)
PLAIN = TerminalTarget(type='terminal', has_color=False)


@pytest.mark.parametrize('state, day, spec, limits, held, light', [
    (white(0.5), white(0.6, 4000), SPEC, Limits(), (), white(0.6, 4000)),
    (white(0.5), white(0.1, 9000), SPEC, Limits(), (), white(0.3, 6500)),
    (white(0.5), white(0.9, 1500), SPEC, Limits(), (), white(0.8, 2000)),
    (white(0.5), white(0.6, 4000), SPEC, Limits(), ('brightness',), white(0.5, 4000)),
    (white(0.5), white(0.6, 4000), SPEC, Limits(), ('color',), white(0.6)),
    (OFF, white(0.6, 4000), SPEC, Limits(), (), OFF),
    (white(0.5), LightState(True, 0.6), SPEC, Limits(), (), white(0.6)),
    (white(0.5), white(None, 4000), SPEC, Limits(), (), white(0.5, 4000)),
    (white(0.5), white(0.6, 4000), SPEC, Limits(kelvin=(2200, 3000)), (), white(0.6, 3000)),
    # A white that a lamp mixes from its colors is a color; some have neither.
    (white(0.5), white(0.6, 2700), PLAIN, Limits(white=False), (), white(0.6)),
    # An effect ends with it.
    (FULL, white(0.6, 4000), SPEC, Limits(), (), LightState(True, 0.6, None, 4000, ''))])
def test_what_the_day_makes_of_a_light(state, day, spec, limits, held, light):
    assert LIGHT.led(state, day, spec, limits, frozenset(held)) == light


def test_a_white_is_mixed_where_a_lamp_has_only_colors():
    mixed = LIGHT.led(white(0.5), white(0.6, 2700), SPEC, Limits(white=False), NONE)
    assert mixed.color is not None and mixed.color_temperature_k is None


@pytest.mark.parametrize('start, goal, whole, light', [
    (white(0.5), white(0.9), False, white(0.53, None)), (white(0.5), white(0.9), True,
                                                         white(0.9, None)),
    (white(0.5), white(0.1), False, white(0.47, None)),
    (white(0.5), white(0.52), False, white(0.52, None)),
    (white(0.5), white(0.51), False, None), (white(0.5), white(0.51), True, None),
    # 12 mired at most: 370 to 358.
    (white(0.5), white(0.5, 5000), False, white(None, 2790)),
    (white(0.5), white(0.5, 2500), False, white(None, 2615)),
    (white(0.5), white(0.5, 5000), True, white(None, 5000)),
    (white(0.5), white(0.5, 2720), False, None),
    (white(0.5), white(0.9, 5000), False, white(0.53, 2790)),
    # From a color, or to one, there is no small step.
    (LightState(True, 0.5, RED), white(0.5, 5000), False, white(None, 5000)),
    (white(0.5), LightState(True, 0.5, RED), False, LightState(True, None, RED))])
def test_steps_of_the_day(start, goal, whole, light):
    found = LIGHT.step(start, goal, whole=whole)
    if light is None or found is None:
        assert light is found
    else:
        assert (found.light.color, found.light.color_temperature_k) == (
            light.color, light.color_temperature_k)
        assert found.light.brightness == (
            None if light.brightness is None else pytest.approx(light.brightness))


@pytest.mark.parametrize('rule, base, spec, light', [
    # A relative value may leave the limits as far as the light already does.
    ({'brightness': '+10%'}, white(0.9), {'brightness_max': 0.7}, white(0.9, None)),
    ({'brightness': '+10%'}, white(0.5), {'brightness_max': 0.7}, white(0.6, None)),
    ({'brightness': '-10%'}, white(0.1), {'brightness_min': 0.3}, white(0.1, None)),
    ({'color_temperature_k': '-400'}, white(0.5, 1800), {}, white(None, 1800)),
    ({'color_temperature_k': '+400'}, white(0.5, 6400), {}, white(None, 6500)),
    ({'brightness': 0.9}, white(0.9), {'brightness_max': 0.7}, white(0.7, None))])
def test_what_is_added_to_a_light_stays_within_its_limits(rule, base, spec, light):
    found = LIGHT.request(Rule(**rule), (0.8, 0.5), TerminalTarget(type='terminal', **spec),
                          Situation(base, base=base), None)
    assert found.light.color_temperature_k == light.color_temperature_k
    assert found.light.brightness == (
        None if light.brightness is None else pytest.approx(light.brightness))
    assert found.added == isinstance(next(iter(rule.values())), str)
    assert (LIGHT.added(Rule(**rule)) != '') == found.added

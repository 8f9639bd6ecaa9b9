# SPDX-License-Identifier: Apache-2.0
"""Something that changes a lamp again and again is distinguished from a person."""

from fer_ros.home.decisions.trail import SLOW_S, ThirdWriter, Trail
from fer_ros.home.kinds.light import LIGHT
from fer_ros.home.light import LightState, Tolerance
import pytest

BRIGHTNESS, COLOR = frozenset({'brightness'}), frozenset({'color'})


def light(level, kelvin=2700, on=True):
    return LightState(on, level, None, kelvin)


def written(times, step=0.02, attributes=BRIGHTNESS, start=0.5):
    """Return a writer that was seen at some times, and whether it was recognized at each."""
    writer, level, recognized = ThirdWriter(LIGHT, Tolerance()), start, []
    for at_s in times:
        level += step
        state = light(level)
        recognized.append(writer.add(at_s, state, attributes,
                                     expected=writer.expected(at_s, state, attributes)))
    return writer, recognized


@pytest.mark.parametrize('times, recognized', [
    ((0, 90, 180, 270), True),
    ((0, 88, 181, 270), True),
    ((0, 90, 180), False),
    # Not even: people.
    ((0, 90, 200, 270), False),
    ((0, 60, 150, 240), False),
    # Not even either, for all that it is a small part of the time between.
    ((0, 3600, 7300, 10900), False),
    ((0, 3600, 7205, 10800), True),
    # Every 25 hours: not one writer that is remembered.
    ((0, 90_000, 180_000, 270_000), False),
    # A dial.
    ((0, 7, 14, 21), False),
    ((0, 8, 16, 24), True),
    # Parts of the same change are one.
    ((0, 90, 92, 180, 182, 270), True),
    ((0, 90, 93, 180, 270), True),
    ((0, 90, 94, 180, 270), False),
    ((0, 1, 2, 3, 4, 5), False),
])
def test_four_at_even_distances_are_not_a_person(times, recognized):
    assert any(written(times)[1]) == recognized


def test_it_is_recognized_once():
    assert written(range(0, 900, 90))[1] == [False] * 3 + [True] + [False] * 6


#: After writes at 0, 90, 180 and 270 s up to 58 %: when, to what, what else moved, is it the next?
NEXT = [
    (360, light(0.60), BRIGHTNESS, True),
    (362, light(0.60), BRIGHTNESS, True),
    (358, light(0.60), BRIGHTNESS, True),
    (450, light(0.62), BRIGHTNESS, True),
    (540, light(0.66), frozenset(), True),
    # At another time, of another size, or of another part: a person.
    (365, light(0.60), BRIGHTNESS, False),
    (315, light(0.60), BRIGHTNESS, False),
    (271, light(0.60), BRIGHTNESS, False),
    (360, light(0.64), BRIGHTNESS, False),
    (360, light(0.30), BRIGHTNESS, False),
    (360, light(0.60, 4000), BRIGHTNESS | COLOR, False),
    (360, light(0.58, 4000), COLOR, False),
    # It leaves the color alone, whatever that is by now.
    (360, light(0.60, 4000), BRIGHTNESS, True),
    # It was not seen for long, so that its time is not known any more.
    (270 + 90 * 30, light(0.60), BRIGHTNESS, False),
]


@pytest.mark.parametrize('at_s, state, moved, expected', NEXT)
def test_the_next_is_known_by_its_time_its_part_and_its_size(at_s, state, moved, expected):
    writer, _ = written((0, 90, 180, 270))
    assert writer.expected(at_s, state, moved) == expected


def test_nothing_is_expected_of_what_is_not_known():
    assert not written((0, 90, 180))[0].expected(270, light(0.58), BRIGHTNESS)


def test_the_longer_it_is_known_the_longer_it_may_be_away():
    writer, _ = written(range(0, 90 * 40, 90), step=0.002)
    at_s = 90 * 39
    for turns, expected in ((30, True), (200, True), (400, False)):
        assert writer.expected(at_s + turns * 90, light(0.58), BRIGHTNESS) == expected
    # And the exacter is the time of its next.
    assert not writer.expected(at_s + 30 * 90 + 5, light(0.58), BRIGHTNESS)


@pytest.mark.parametrize('step, far', [(0.01, 0.04), (0.05, 0.07), (0.1, 0.14)])
def test_it_may_take_steps_as_large_as_before(step, far):
    writer, _ = written((0, 90, 180, 270), step, start=0.1)
    last = 0.1 + 4 * step
    assert writer.expected(360, light(last + far), BRIGHTNESS)
    assert not writer.expected(360, light(last + far + 0.05), BRIGHTNESS)


def test_what_a_person_changes_in_between_is_not_its():
    writer, _ = written((0, 90, 180, 270))
    assert not writer.add(300, light(0.1), BRIGHTNESS)
    assert writer.expected(360, light(0.6), BRIGHTNESS)
    assert not writer.expected(360, light(0.1), BRIGHTNESS)


def test_it_is_named_with_what_it_changes_until_it_has_been_silent_for_an_hour():
    writer, _ = written((0, 90, 180))
    assert writer.problem(200) == ''
    writer, _ = written((0, 90, 180, 270), attributes=BRIGHTNESS | COLOR)
    assert 'changes its brightness and color about every 90 s' in writer.problem(3800)
    assert writer.problem(270 + 3600) != '' and writer.problem(3900) == ''
    # After a day it is somebody else.
    assert not writer.add(270 + 86401, light(0.5), BRIGHTNESS)
    assert not writer.expected(270 + 86401 + 90, light(0.5), BRIGHTNESS)


def test_its_interval_does_not_depend_on_when_it_began():
    writer, _ = written(range(5000, 5360, 90))
    assert writer.expected(5360, light(0.60), BRIGHTNESS)
    assert 'about every 90 s' in writer.problem(5300)


@pytest.mark.parametrize('silent_s, recognized', [(86400, False), (86401, True)])
def test_after_a_day_of_silence_it_is_somebody_else(silent_s, recognized):
    writer, _ = written((0, 90, 180, 270))
    again = [writer.add(270 + silent_s + later_s, light(0.1 + later_s / 1000), BRIGHTNESS)
             for later_s in (0, 90, 180, 270)]
    assert again == [False] * 3 + [recognized]


def test_a_change_is_compared_with_the_state_before_a_person_could_have_begun_it():
    trail = Trail()
    assert trail.reference(0.0) is None
    for at_s, level in ((100, 0.1), (105, 0.2), (112, 0.3), (114, 0.4)):
        trail.add(at_s, light(level))
    assert trail.reference(107) == trail.reference(114) == light(0.1)
    assert trail.reference(105 + SLOW_S) == light(0.2)
    assert trail.reference(500) == light(0.4)
    trail.restart(500, light(0.9))
    assert trail.reference(500) == light(0.9)
    trail.restart(501, None)
    assert trail.reference(501) is None


def test_the_parts_of_one_change_lead_to_its_last_state():
    writer, _ = written((0, 90, 180, 270))
    assert not writer.add(272, light(0.70), BRIGHTNESS)
    assert writer.expected(360, light(0.72), BRIGHTNESS)
    assert not writer.expected(360, light(0.20), BRIGHTNESS)

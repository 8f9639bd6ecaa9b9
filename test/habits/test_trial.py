# SPDX-License-Identifier: Apache-2.0
"""Made-up residents are as they are documented; a home that learns bothers them less."""

from fer_ros.habits.residents import DRIFT_DAY, FIRST_S, LAMP, Residents
from fer_ros.habits.sequence import DAY_S
from fer_ros.habits.trial import run_trial
import pytest


def test_the_same_seed_gives_the_same_residents_and_another_one_others():
    assert list(Residents(3, 10).events()) == list(Residents(3, 10).events())
    assert list(Residents(3, 10).events()) != list(Residents(4, 10).events())


def test_what_they_want_changes_once():
    residents = Residents()
    evening_s = FIRST_S + 20 * 3600
    assert residents.wanted('sad', evening_s).brightness == 0.3
    assert residents.wanted('sad', evening_s + DRIFT_DAY * DAY_S).brightness == 0.6
    assert residents.wanted('sad', evening_s - 10 * 3600) is None
    assert residents.wanted('neutral', evening_s) is None
    assert residents.wanted('neutral', evening_s + 2 * 3600).color_temperature_k == 4000


def test_they_set_the_lamp_to_what_they_want_but_for_noise():
    residents = Residents(0, 40, drift_day=40)
    set_to = [(one.emotion, one.light.brightness) for one in residents.events()
              if one.by_person and one.target == LAMP]
    sad = [level for emotion, level in set_to if emotion == 'sad']
    assert len(sad) > 40
    assert sum(abs(level - 0.3) < 0.1 for level in sad) / len(sad) > 0.85


def test_a_home_that_learns_is_overridden_less(tmp_path):
    results = []
    for habits in (False, True):
        folder = tmp_path / str(habits)
        folder.mkdir()
        results.append(run_trial(Residents(0, 9), folder, habits=habits))
    alone, learning = results
    assert alone.suggestions == [] and len(learning.suggestions) >= 2
    assert all(wanted for _, _, wanted in learning.suggestions)
    assert max(learning.before.values()) <= 10
    assert alone.overrides[:2] == learning.overrides[:2]
    assert learning.mean(5, 9) <= alone.mean(5, 9) / 2
    assert learning.false_per_week == pytest.approx(0)

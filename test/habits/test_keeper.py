# SPDX-License-Identifier: Apache-2.0
"""Suggestions, consent and rules, in a real home on a simulated clock."""

from datetime import datetime, timezone

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import parse_event
from fer_ros.habits.log import EventLog
from fer_ros.habits.views import HabitAnswer, HabitStatus
from fer_ros.home.controller import HomeController
from fer_ros.home.policy import load_policy
from habits_home import Evenings, POLICY, suggested
from habits_support import DAY_S, MONDAY_S
import pytest


@pytest.fixture
def home(tmp_path):
    """Return a home that does what people say yes to."""
    return Evenings(tmp_path)


def test_from_overrides_to_a_rule_and_back(home):
    assert suggested(home) == 4
    asked = home.habits.suggestion
    assert asked.sentence == ('Evenings when sad, the lamp was set to 30 % in 4 of 4 times; '
                              'shall the policy do so?')
    policy = home.policy_file.read_text()
    assert home.evening(None) == pytest.approx(0.8)  # not accepted yet
    assert 'was added to' in home.answer()
    text = home.rules_file.read_text()
    assert '# 2026-01-09 19:3' in text and ': Evenings when sad, the lamp was set to 30 %' in text
    assert home.policy_file.read_text() == policy
    # The next evening the room does so, the other lamp follows the policy.
    home.actions.clear()
    assert home.evening(None) == pytest.approx(0.3)
    (done,) = home.actions  # the floor lamp is as the policy has it already
    assert (done.target, done.habit) == ('lamp', asked.habit) and asked.habit in done.reason
    assert home.home.snapshot('study').devices[1].reported.brightness == pytest.approx(0.8)
    # In the morning, and when happy, it does not.
    home.day -= 1
    assert home.evening(None, hour=22.9, label='happy') == pytest.approx(1.0)
    assert home.evening(None, hour=8) == pytest.approx(0.8)
    # Deleted from the file, it is no longer done.
    home.rules_file.unlink()
    assert home.evening(None) == pytest.approx(0.8)


def test_three_overrides_in_a_row_suspend_a_habit_and_say_so(home):
    suggested(home)
    home.answer()
    for _ in range(2):
        assert home.evening(0.9) == pytest.approx(0.3)
    assert home.evening(None) == pytest.approx(0.3)
    assert (home.habits.habits[0].right, home.habits.habits[0].times) == (0, 2)
    for _ in range(3):
        assert home.statuses[0] is HabitStatus.ADOPTED
        home.evening(0.9)
    assert home.statuses[0] is HabitStatus.SUSPENDED
    assert "suspended: '2026-01-14: overridden 3 times in a row'" in home.rules_file.read_text()
    home.answer(HabitAnswer.NEVER)  # to what would take its place
    assert home.evening(None) == pytest.approx(0.8)
    # A person takes the note out: it is tried again.
    lines = home.rules_file.read_text().splitlines()
    home.rules_file.write_text('\n'.join(one for one in lines if 'suspended' not in one) + '\n')
    home.evening(None)
    assert home.evening(None) == pytest.approx(0.3)


def test_an_override_holds_the_room_and_what_people_choose_instead_takes_its_place(home):
    suggested(home)
    home.answer()
    for _ in range(3):
        home.evening(0.9)
    assert 'set to 90 % in 3 of 4 times' in home.habits.suggestion.sentence
    home.answer()
    assert home.evening(None) == pytest.approx(0.9)


@pytest.mark.parametrize('answer, again', [(HabitAnswer.NO, True), (HabitAnswer.NEVER, False)])
def test_no_is_respected(home, answer, again):
    suggested(home)
    home.answer(answer)
    assert not home.rules_file.exists()
    for _ in range(3):
        home.evening()
        assert home.habits.suggestion is None
    assert HabitStatus.REFUSED in home.statuses
    home.day += 14
    for _ in range(3):
        home.evening()
    assert (home.habits.suggestion is not None) == again


@pytest.mark.parametrize('answer, soon', [(HabitAnswer.YES, True), (HabitAnswer.NO, False)])
def test_who_says_yes_is_asked_about_the_next_one_sooner(home, answer, soon):
    for _ in range(4):
        home.evening(0.3, 'sad', 18.5)
        home.day -= 1
        first = home.habits.suggestion
        if first is not None:
            home.answer(answer)
        home.evening(0.5, 'happy', 20.5)
    assert 'when sad' in first.sentence
    assert (home.habits.suggestion is not None) == soon
    home.evening(0.5, 'happy', 20.5)
    assert 'when happy' in home.habits.suggestion.sentence


def test_not_again_is_respected_where_it_is_asked_when_due(tmp_path):
    home = Evenings(tmp_path, 'ask')
    for _ in range(5):
        home.evening()
    home.now_s = MONDAY_S + home.day * DAY_S + 19 * 3600
    home.pass_(8, 'sad')
    assert home.habits.suggestion.now
    home.answer(HabitAnswer.NEVER)
    home.day += 1
    home.evening(None)
    assert home.habits.suggestion is None and HabitStatus.REFUSED in home.statuses


def test_a_suggestion_that_nobody_answers_is_over_after_three_days(home):
    suggested(home)
    habit = home.habits.suggestion.habit
    home.day += 4
    home.evening(None)
    assert home.habits.suggestion is None
    with pytest.raises(ConfigurationError, match='has expired'):
        home.answer(habit=habit)


def test_suggest_writes_the_rule_and_leaves_it_at_that(tmp_path):
    home = Evenings(tmp_path, 'suggest')
    suggested(home)
    assert 'with habits: apply' in home.answer()
    assert home.rules_file.exists() and home.evening(None) == pytest.approx(0.8)


def test_ask_offers_it_when_it_is_due_and_does_it_once(tmp_path):
    home = Evenings(tmp_path, 'ask')
    for _ in range(5):
        home.evening()
    home.now_s = MONDAY_S + home.day * DAY_S + 19 * 3600
    home.pass_(8, 'sad')
    asked = home.habits.suggestion
    assert asked.now and 'shall it be done now?' in asked.sentence
    home.answer()
    home.pass_(5, 'sad')
    assert home.lamp.brightness == pytest.approx(0.3) and home.actions[-1].habit
    home.pass_(20)
    home.day += 1
    assert home.evening(None) == pytest.approx(0.8)
    assert not home.rules_file.exists()


def test_off_nothing_is_recorded(tmp_path):
    home = Evenings(tmp_path, 'off')
    home.evening()
    assert home.habits is None and not home.folder.exists()
    with pytest.raises(ConfigurationError, match='habits are off in the policy'):
        home.answer()


def test_the_switch_stops_everything_and_survives_a_restart(home):
    suggested(home)
    home.answer()
    assert home.home.switch_habits('study', False, home.now_s) == 'study: habits off'
    before = sum(len(path.read_text()) for path in EventLog(home.folder).files)
    assert home.evening() == pytest.approx(0.8)
    home.home.close(home.now_s)
    home.start()
    assert home.evening(None) == pytest.approx(0.8) and not home.habits.enabled
    assert sum(len(path.read_text()) for path in EventLog(home.folder).files) - before < 400
    home.home.switch_habits('study', True, home.now_s)
    assert home.evening(None) == pytest.approx(0.3)


def test_after_a_restart_it_goes_on_where_it_was(home):
    for _ in range(3):
        home.evening()
    home.home.close(home.now_s)
    home.start()
    home.evening()
    assert '4 of 4' in home.habits.suggestion.sentence


def test_what_is_forgotten_is_unlearned_while_it_runs(home):
    suggested(home)
    assert EventLog(home.folder).forget(room='study') > 10
    home.evening()
    assert home.habits.suggestion is None and home.statuses == []
    events = EventLog(home.folder).read(now_s=home.now_s).events
    assert {datetime.fromtimestamp(one.time_s, timezone.utc).day for one in events} == {9}


def test_conditions_of_rules_are_in_the_log(tmp_path):
    home = Evenings(tmp_path, policy=POLICY.replace(
        'sad: {{brightness: 0.8}}', "sad: {{brightness: 0.8, when: {{time: {{from: '18:00', "
        "to: '20:00'}}, people: alone, lasted_s: 2}}}}"))
    home.evening(None, hour=19.998)
    told = [one.value for one in EventLog(home.folder).read(now_s=home.now_s).events
            if one.kind.value == 'condition']
    assert told == ['sad: time = yes', 'sad: people = no', 'sad: people = yes', 'sad: time = no',
                    'sad: people = no']


def test_the_log_says_who_did_what(home):
    suggested(home)
    home.answer()
    home.evening(None)
    lines = EventLog(home.folder).files[0].read_text().splitlines()[1:]
    events = [parse_event(line) for line in lines]
    actors = {one.actor.value for one in events if one.kind.value == 'action'}
    assert actors == {'rule', 'person', 'habit'}
    assert [one.value for one in events if one.kind.value == 'suggestion'] == ['shown', 'yes']


def test_other_policies_than_those_of_a_file_have_their_rules_beside_the_log(tmp_path):
    home = Evenings(tmp_path)
    home.home = HomeController(load_policy(home.policy_file), clock=lambda: home.now_s)
    suggested(home)
    home.answer()
    assert (home.folder / 'adopted.yaml').is_file()


def test_the_light_of_the_day_is_nothing_to_learn_from(tmp_path):
    home = Evenings(tmp_path, policy=POLICY.replace(
        'habits: {mode}',
        "habits: {mode}\n    base: {{times: [{{at: '06:00', brightness: 0.2}}]}}"))
    home.pass_(100, 'neutral', 1.0)
    home.pass_(10, 'sad')
    home.home.close(home.now_s)
    lamp = [action for action in home.actions if action.target == 'lamp']
    assert [action.daily for action in lamp] == [True] * (len(lamp) - 2) + [False, False]
    assert len(lamp) > 4
    events = EventLog(home.folder).read(now_s=home.now_s).events
    actions = [one.light.brightness for one in events
               if one.kind.value == 'action' and one.target == 'lamp']
    assert actions[0] == 0.8 and len(actions) <= 2

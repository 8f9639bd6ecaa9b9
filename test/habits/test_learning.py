# SPDX-License-Identifier: Apache-2.0
"""What is learned from events: preferences, habits, outcomes; its file; and the commands."""

from datetime import time
import json

from fer_ros.cli import habits as command
from fer_ros.errors import ConfigurationError
from fer_ros.habits.finder import find_habits, majority
from fer_ros.habits.log import EventLog
from fer_ros.habits.model import HabitModel
from fer_ros.habits.preferences import Preferences, Situation
from fer_ros.habits.storage import load_model, save_model
from fer_ros.habits.words import evidence
from fer_ros.home.light import LightState
from habits_support import DAY_S, evening, event, MONDAY_S, POLICY_LIGHT, WANTED
import pytest

EVENING_S = MONDAY_S + 19.5 * 3600


def learnt(*days, **more):
    """Return what a model knows of the study after evenings, and the local time after them."""
    model = HabitModel()
    for events in days:
        for one in events:
            model.learn(one)
    return model.room('study')


def found(room, day, **more):
    """Return the habits of the room at the end of a day."""
    return room.habits(MONDAY_S + (day + 1) * DAY_S, **more)


# Habits.

def test_what_is_done_in_seven_of_eight_times_is_a_habit():
    room = learnt(*(evening(day, None if day == 2 else WANTED) for day in range(8)))
    (habit,) = found(room, 8)
    assert (habit.hits, habit.chances, habit.part) == (7, 8, 'evenings')
    assert evidence(habit) == 'Evenings when sad, the lamp was set to 30 % in 7 of 8 times'
    assert habit.light == LightState(True, 0.3) and habit.start == time(17)
    assert habit.probability == pytest.approx(majority(7, 8)) and habit.probability > 0.95


@pytest.mark.parametrize('chosen', [
    [WANTED] * 3,                                                  # too few
    [WANTED, None] * 6,                                            # half of the times
    [WANTED] * 5 + [None] * 4,                                     # no longer
    [LightState(True, level) for level in (0.1, 0.9, 0.3, 0.6, 0.2, 0.8)],
    [None] * 10])
def test_what_is_not_the_rule_is_not_a_habit(chosen):
    room = learnt(*(evening(day, light) for day, light in enumerate(chosen)))
    assert found(room, len(chosen)) == []


def test_many_times_in_one_evening_are_one_evening():
    room = learnt(*(evening(0, hour=17.2 + i, lasts_s=600) for i in range(5)))
    assert found(room, 1) == []


def test_several_times_a_day_count_where_they_are_of_several_days():
    two_days = [evening(day, hour=hour, lasts_s=600) for day in (0, 1) for hour in (17.5, 20)]
    assert found(learnt(*two_days), 1) == []
    (habit,) = found(learnt(*two_days, evening(2, hour=17.5, lasts_s=600)), 2)
    assert (habit.hits, habit.chances) == (5, 5)


def test_what_was_found_is_looked_for_again_when_it_changes():
    room = learnt(*(evening(day) for day in range(5)))
    assert found(room, 5)[0].hits == 5
    for one in evening(5):
        room.learn(one)
    assert found(room, 5)[0].hits == 6
    for day in range(6, 12):
        for one in evening(day, None):
            room.learn(one)
    assert found(room, 5) == []


def test_a_change_of_mind_is_found_though_the_old_habit_was_long():
    new = LightState(True, 0.9, POLICY_LIGHT.color)
    room = learnt(*(evening(day) for day in range(20)),
                  *(evening(day, new) for day in range(20, 25)))
    (habit,) = found(room, 25)
    assert habit.light.brightness == pytest.approx(0.9) and habit.hits == 5


def test_a_lamp_that_is_so_already_is_not_a_chance():
    room = learnt(*(evening(day) for day in range(5)),
                  *(evening(day, None, set_to=WANTED) for day in range(5, 15)))
    # The newest chance is still the fifth evening.
    assert found(room, 15)[0].chances == 5


def test_a_routine_begins_when_it_begins():
    # Neutral all evening; only at half past nine the lamp is set.
    days = []
    for day in range(5):
        events = evening(day, None, emotion='neutral', hour=18, lasts_s=4.5 * 3600)
        late_s = MONDAY_S + day * DAY_S + 21.5 * 3600
        days.append([*events[:-1], *evening(day, emotion='neutral', hour=21.5, set_to=None)[1:2],
                     events[-1]])
        assert days[-1][-2].time_s == late_s + 60
    (habit,) = found(learnt(*days), 5)
    assert habit.start == time(21, 15) and habit.end == time(0)
    assert evidence(habit).startswith('Evenings from 21:15 when neutral, the lamp')


def test_what_ended_before_anybody_ever_acted_was_not_a_chance():
    # Until twenty past nine nobody sets the lamp; from half past nine they do.
    (habit,) = found(learnt(*(
        evening(day, light, hour=hour, lasts_s=1440) for day in range(4)
        for hour, light in ((20.9, None), (21.6, WANTED)))), 4)
    assert (habit.hits, habit.chances, habit.start) == (4, 4, time(21, 15))


def test_an_odd_choice_is_no_evidence_for_what_was_chosen_before():
    # Brightness alone, and near what the policy does: it resembles both, but is neither.
    policy, reading = LightState(True, 0.5, None, 3000), LightState(True, 0.6, None, 4000)
    days = [evening(day, light, hour=hour, set_to=policy, lasts_s=1200) for day in range(3)
            for hour, light in ((18, None), (22, reading))]
    assert found(learnt(*days), 3) == []
    odd = evening(3, LightState(True, 0.56, None, 3000), hour=20, set_to=policy)
    assert found(learnt(*days, odd), 3) == []


def test_a_habit_of_weekdays_is_found_as_one():
    room = learnt(*(evening(day, None if day % 7 >= 5 else WANTED) for day in range(18)))
    (habit,) = found(room, 18)
    assert habit.days == 'weekdays' or habit.hits / habit.chances > 0.6


def test_off_is_a_habit_too():
    room = learnt(*(evening(day, LightState(False)) for day in range(5)))
    (habit,) = found(room, 5)
    assert not habit.light.on and 'turned off' in evidence(habit)


def test_a_color_counts_only_where_people_changed_it():
    red = LightState(True, 0.7, (1.0, 0.1, 0.1))
    (habit,) = found(learnt(*(evening(day, red) for day in range(5))), 5)
    assert habit.light.color == pytest.approx((1.0, 0.1, 0.1)) and habit.light.brightness is None


@pytest.mark.parametrize('hits, chances, low, high', [
    (4, 4, 0.96, 0.98), (5, 6, 0.93, 0.95), (7, 8, 0.97, 0.99), (3, 6, 0.49, 0.51)])
def test_majority_is_the_posterior_of_the_share(hits, chances, low, high):
    assert low < majority(hits, chances) < high


# Preferences.

def test_preferences_follow_emotion_and_time_of_day_and_forget():
    known = Preferences(half_life_days=10)
    for day in range(10):
        known.learn(Situation(EVENING_S + day * DAY_S, 'sad'), LightState(True, 0.3, None, 2200))
        known.learn(Situation(EVENING_S + day * DAY_S, 'happy'), LightState(True, 0.9))
        known.learn(Situation(EVENING_S + (day - 0.5) * DAY_S, 'sad'), LightState(False))
    sad = known.want(Situation(EVENING_S + 11 * DAY_S, 'sad'))
    assert sad.brightness == 0.3 and sad.on > 0.8 and sad.color_temperature_k == 2200
    assert known.want(Situation(EVENING_S + 11 * DAY_S, 'happy')).brightness == 0.9
    assert known.want(Situation(EVENING_S + 10.5 * DAY_S, 'sad')).on < 0.3
    for day in range(40, 43):
        known.learn(Situation(EVENING_S + day * DAY_S, 'sad'), LightState(True, 0.6))
    later = known.want(Situation(EVENING_S + 43 * DAY_S, 'sad'))
    assert later.brightness == 0.6 and later.brightness_range[0] <= 0.6


def test_nothing_is_wanted_where_nothing_was_chosen():
    assert Preferences().want(Situation(EVENING_S, 'sad')) is None


# Outcomes of adopted habits.

def test_overridden_three_times_in_a_row_a_habit_is_suspended():
    def done(day, chosen):
        return evening(day, chosen, set_to=WANTED, habit='habit_3')
    other = LightState(True, 0.8, WANTED.color)
    room = learnt(done(0, None), done(1, other), done(2, None), done(3, other), done(4, other))
    record = room.records['habit_3']
    assert list(record.outcomes) == [False, True, False, False][-4:] or record.outcomes[0]
    assert not record.suspended and record.overridden_in_a_row == 2
    for one in done(5, other):
        room.learn(one)
    assert record.suspended and record.words == 'right 2 of 6 times lately'
    assert room.habits_seen == 3


def test_a_revert_counts_against_a_habit():
    events = evening(0, None, set_to=WANTED, habit='habit_1')
    events.insert(2, event(events[1].time_s + 9, 'command', value='revert'))
    room = learnt(events, evening(1, None, set_to=POLICY_LIGHT))
    assert list(room.records['habit_1'].outcomes) == [False]


# Sequences.

def test_what_comes_next_is_said_with_its_time():
    room = learnt(*(evening(day, emotion='sad') for day in range(12)))
    for one in evening(12)[:2]:
        room.learn(one)
    best = room.next_events(MONDAY_S + 12 * DAY_S + 19.5 * 3600 + 10)[0]
    assert best.name == 'lamp: on 40 % color' and best.probability > 0.8
    assert best.within[5] > 0.9


def test_after_a_gap_nothing_is_learned_of_the_order():
    room = learnt(evening(0), [event(MONDAY_S + 9 * DAY_S, 'start')], evening(9))
    assert len(room.sequence) == 2  # one per evening: the emotion only begins each


# The file.

def test_the_model_survives_its_file(tmp_path):
    model = HabitModel()
    model.learn_all([one for day in range(9) for one in evening(day)]
                    + evening(9, None, set_to=WANTED, habit='habit_2')
                    + [event(MONDAY_S + 10 * DAY_S, 'suggestion', value='never', target='key',
                             habit='habit_4')])
    save_model(model, tmp_path / 'model.json')
    again = load_model(tmp_path / 'model.json')
    room, old = again.room('study'), model.room('study')
    assert again.learnt_until_s == model.learnt_until_s and room.habits_seen == 4
    assert found(room, 9) == found(old, 9) and room.answers == old.answers
    # Sums over what is read back are in another order, so their last digit may differ.
    for one, other in zip(room.next_events(MONDAY_S + 10 * DAY_S),
                          old.next_events(MONDAY_S + 10 * DAY_S), strict=True):
        assert one.name == other.name and one.within == pytest.approx(other.within)
        assert one.probability == pytest.approx(other.probability)
        assert one.evidence == pytest.approx(other.evidence)
    assert room.want('lamp', EVENING_S + 9 * DAY_S, 'sad') == old.want(
        'lamp', EVENING_S + 9 * DAY_S, 'sad')


@pytest.mark.parametrize('spoil', [
    lambda text: text[:len(text) // 2], lambda text: '', lambda text: '[]',
    lambda text: text.replace('"format":1', '"format":9', 1),
    lambda text: text.replace('"trust":[', '"trust":[1,', 1),
    lambda text: text.replace('"outcomes":[', '"outcomes":[99,', 1),
    lambda text: text.replace('"half_life_days":30.0', '"half_life_days":NaN', 1),
    lambda text: '{"format":1}'])
def test_a_damaged_model_is_refused_whole(tmp_path, spoil):
    path, model = tmp_path / 'model.json', HabitModel()
    model.learn_all([one for day in range(3) for one in evening(day)])
    save_model(model, path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ConfigurationError, match='model'):
        load_model(path)


# The commands.

@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the log of this machine with eight evenings."""
    monkeypatch.setenv('ROS_HOME', str(tmp_path))
    monkeypatch.delenv('STATE_DIRECTORY', raising=False)
    log = EventLog(tmp_path / 'fer_ros' / 'habits')
    log.append([one for day in range(8) for one in evening(day)])
    return log


def test_learn_explain_next_and_forget(home, capsys):
    assert command.main(['learn']) == 0
    model = home.folder / 'model.json'
    assert model.stat().st_mode & 0o777 == 0o600
    assert command.main(['explain']) == 0
    told = capsys.readouterr().out
    assert 'Evenings when sad, the lamp was set to 30 % in 8 of 8 times' in told
    assert 'lamp, evenings when sad: set to 30 %' in told and 'after sad comes lamp' in told
    assert command.main(['next', '--at', '2026-01-13 19:30', '--emotion', 'sad']) == 0
    assert 'study, Tuesday 19:30, sad' in (told := capsys.readouterr().out)
    assert 'lamp is usually set to 30 %' in told
    assert command.main(['forget', '--day', '2026-01-05']) == 0
    assert '4 events deleted' in capsys.readouterr().out
    assert len(load_model(model).room('study').preferences['lamp'].choices) == 7
    assert command.main(['forget', '--all']) == 0
    assert not model.exists() and not home.files


def test_a_cut_model_is_renamed_and_learned_again(home, capsys):
    command.main(['learn'])
    model = home.folder / 'model.json'
    model.write_text(model.read_text()[:1000])
    assert command.main(['explain']) == 0
    shown = capsys.readouterr()
    assert 'renamed to model.json.damaged' in shown.err and '8 of 8' in shown.out
    assert (home.folder / 'model.json.damaged').exists()
    command.main(['forget', '--all'])
    assert not (home.folder / 'model.json.damaged').exists()


@pytest.mark.parametrize('arguments, message', [
    (['forget'], 'choose what to forget'),
    (['forget', '--day', 'monday'], "'monday' is not a day"),
    (['next', '--at', 'noon'], "'noon' is not a time"),
    (['explain', '--room', 'attic'], "room 'attic': expected one of study"),
    (['explain', 'missing'], 'missing: no such file'),
])
def test_a_wrong_question_is_answered_in_a_line(home, capsys, arguments, message):
    assert command.main(arguments) == 1
    told = capsys.readouterr().err
    assert message in told and len(told.splitlines()) == 1


def test_no_log_says_how_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('ROS_HOME', str(tmp_path))
    assert command.main(['explain']) == 1
    assert 'habits: suggest' in capsys.readouterr().err


def test_export_prints_the_events(home, capsys):
    assert command.main(['export', '--form', 'jsonl']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 33 and json.loads(lines[1])['kind'] == 'emotion'


def test_finding_asks_for_choices_of_that_lamp_only():
    room = learnt(*(evening(day) for day in range(5)))
    assert find_habits(list(room.episodes), 'other', 'sad', MONDAY_S + 6 * DAY_S) == []

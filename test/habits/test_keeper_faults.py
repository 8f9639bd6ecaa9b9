# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around habits in a home: files, clocks, disks, lamps that are gone."""

from fer_ros.errors import ConfigurationError
from fer_ros.habits.views import HabitStatus
from habits_home import Evenings, suggested
from habits_support import DAY_S
import pytest


@pytest.fixture
def home(tmp_path):
    """Return a home that does what people say yes to."""
    return Evenings(tmp_path)


@pytest.mark.parametrize('spoil', [lambda text: text[:len(text) // 2],
                                   lambda text: text.replace('"format":1', '"format":2')])
def test_a_damaged_model_is_renamed_and_learned_from_the_log(home, spoil, caplog):
    for _ in range(3):
        home.evening()
    home.home.close(home.now_s)
    model = home.folder / 'model.json'
    model.write_text(spoil(model.read_text()))
    home.start()
    home.evening()
    assert 'renamed to model.json.damaged' in caplog.text
    assert '4 of 4' in home.habits.suggestion.sentence


def complaints(home):
    return ' '.join(complaint.text for complaint in home.home.complaints())


def test_a_rule_whose_device_is_gone_is_inactive_and_reported(home):
    suggested(home)
    home.answer()
    home.policy_file.write_text(home.policy_file.read_text().replace('      lamp:', '      tube:'))
    home.home.reload(home.now_s)
    home.evening(None)
    assert "is inactive: no device 'lamp' in study" in complaints(home)
    assert HabitStatus.INACTIVE in home.statuses


def test_a_broken_file_of_rules_is_reported_and_the_rules_of_before_stay(home):
    suggested(home)
    home.answer()
    text = home.rules_file.read_text()
    home.rules_file.write_text(text + '  - name: [\n')
    assert home.evening(None) == pytest.approx(0.3)
    assert 'home.habits.yaml:' in complaints(home)
    home.rules_file.write_text(text)
    home.evening(None)
    assert 'home.habits.yaml' not in complaints(home)


@pytest.mark.parametrize('addition, message', [
    ('brightness: 7', 'brightness'), ('color: red', 'color'), ('for_s: 5', 'takes no for_s'),
    ('emotion: bored', 'emotion')])
def test_a_wrong_rule_says_where(home, addition, message):
    home.rules_file.write_text(
        'version: 1\nrules:\n  - {name: a, room: study, targets: [lamp], emotion: sad, '
        f'brightness: 0.5}}\n  - name: b\n    room: study\n    targets: [lamp]\n    {addition}\n'
        + ('' if 'emotion' in addition else '    emotion: sad\n')
        + ('' if 'brightness' in addition else '    brightness: 0.1\n'))
    home.evening(None)
    assert 'home.habits.yaml:' in complaints(home) and message in complaints(home)


def test_a_disk_that_takes_nothing_is_reported_and_the_home_goes_on(home):
    home.evening()
    log = home.folder / 'events.jsonl'
    log.unlink()
    log.mkdir()
    home.evening()
    assert 'the log of habits cannot be written' in complaints(home)
    log.rmdir()
    assert home.evening() == pytest.approx(0.8)
    assert 'cannot be written' not in complaints(home)


def test_a_clock_that_jumps_back_harms_nothing(home):
    suggested(home)
    home.answer()
    home.day -= 3
    home.evening()
    home.evening(None)
    assert home.habits.enabled


def test_what_a_clock_that_was_ahead_has_taught_is_learned_again_without(home):
    for _ in range(3):
        home.evening()
    right_s = home.now_s
    home.now_s += 3 * 365 * DAY_S
    home.pass_(8, 'happy')
    home.home.close(home.now_s)
    # The clock is set right.
    home.now_s = right_s
    home.start()
    home.evening()
    assert '4 of 4' in home.habits.suggestion.sentence
    learnt_s = home.home.habits._journal.model.learnt_until_s
    assert learnt_s == pytest.approx(home.now_s, abs=DAY_S)


def test_habits_of_a_lamp_that_is_gone_are_not_shown(home):
    for _ in range(3):
        home.evening()
    home.evening()
    assert home.habits.suggestion.target == 'lamp' and HabitStatus.FOUND in home.statuses
    home.home.close(home.now_s)
    home.policy_file.write_text(home.policy_file.read_text().replace('      lamp:', '      tube:'))
    home.start()
    home.pass_(4, 'sad')
    assert home.statuses == [] and home.habits.suggestion is None


def test_answered_twice_late_or_wrongly_it_says_so(home):
    home.evening(None)
    with pytest.raises(ConfigurationError, match='no suggestion is open'):
        home.answer()
    suggested(home)
    with pytest.raises(ConfigurationError, match='habit_99 is not open'):
        home.answer(habit='habit_99')
    home.answer()
    with pytest.raises(ConfigurationError, match='was already answered'):
        home.answer()
    assert home.rules_file.read_text().count('name:') == 1

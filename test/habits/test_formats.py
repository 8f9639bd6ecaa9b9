# SPDX-License-Identifier: Apache-2.0
"""Public formats of research homes, and the command that scores a resident."""

from datetime import datetime, timezone
import json

from fer_ros.cli import habits
from fer_ros.errors import ConfigurationError
from fer_ros.habits.evaluation import evaluate
from fer_ros.habits.formats import Activity, read_activities
import numpy as np
import pytest

ADLS = """Start time\tEnd time\tActivity\t
----------\t--------\t--------\t
2011-11-28 10:21:24\t\t2011-11-28 10:23:36\t\tSpare Time/TV\t\t
2011-11-28 02:27:59\t2011-11-28 10:18:11\tSleeping
2011-11-28 23:50:00\t2011-11-28 20:00:00\tSnack
"""
CASAS = """2010-11-04 00:03:50.5 M003 ON Sleeping begin
2010-11-04 00:03:57.399391 M003 OFF
2010-11-04 05:40:51.5\tM004\tON\tBed to Toilet\tbegin
2010-11-04 05:43:30 M004 OFF Bed to Toilet end
2010-11-04 08:00:00 M003 OFF Sleeping end
"""


def write(tmp_path, text, name='x_ADLs.txt'):
    """Return a file with the text."""
    path = tmp_path / name
    path.write_text(text, encoding='utf-8')
    return path


def test_activities_of_kasteren_in_the_order_they_began(tmp_path):
    found = read_activities(write(tmp_path, ADLS))
    assert [a.name for a in found] == ['Sleeping', 'Spare Time/TV', 'Snack']
    assert found[0].end_s - found[0].begin_s == 7 * 3600 + 50 * 60 + 12
    assert found[0].begin_s % 86_400 == 2 * 3600 + 27 * 60 + 59
    assert found[2].end_s == found[2].begin_s  # an end before the begin is not believed


def test_activities_of_casas(tmp_path):
    found = read_activities(write(tmp_path, CASAS))
    assert [a.name for a in found] == ['Sleeping', 'Bed to Toilet']
    assert found[1] == Activity(found[1].begin_s, found[1].begin_s + 158.5, 'Bed to Toilet')
    assert found[0].begin_s % 1 == 0.5


def test_sensors_are_read_where_no_activity_is_written_down(tmp_path):
    casas = ('2010-11-04 00:03:50 M003 ON\n2010-11-04 00:03:55 T001 21.5\n'
             '2010-11-04 00:03:57 M003 OFF\n2010-11-04 00:04:01 D001 OPEN\n'
             '2010-11-04 00:04:05 D001 CLOSE\n')
    found = read_activities(write(tmp_path, casas))
    assert [(a.name, a.end_s - a.begin_s) for a in found] == [('M003', 7), ('D001', 4)]
    kasteren = ('Start time\tEnd time\tLocation\tType\tPlace\n'
                '2011-11-28 10:21:24\t\t2011-11-28 10:21:31\t\tCabinet\t\tMagnetic\tBathroom\n')
    (one,) = read_activities(write(tmp_path, kasteren))
    assert one.name == 'Cabinet Magnetic Bathroom' and one.end_s - one.begin_s == 7


@pytest.mark.parametrize('text, message', [
    ('', 'no line begins with a date'),
    ('Start\tEnd\n', 'no line begins with a date'),
    (ADLS + '2011-11-29 25:00:00\t2011-11-29 26:00:00\tX\n', ':6: 2011-11-29 25:00:00 is not'),
    (ADLS + '2011-11-29 01:00:00\tX\n', ':6: expected begin, end and activity'),
    (CASAS + '2010-11-05\n', ':6: expected date, time, sensor'),
    ('2010-11-04 00:03:50 T003 21.5\n', 'no activity .* and no sensor that is on'),
])
def test_a_bad_file_says_where(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        read_activities(write(tmp_path, text))


def stamp(time_s):
    """Return a time in the format of research homes."""
    return datetime.fromtimestamp(time_s, timezone.utc).strftime('%Y-%m-%d %H:%M:%S')


@pytest.mark.parametrize('form', [
    '{begin}\t{end}\t{name}\n', '{begin}\t\t{end}\t{name}\tPIR\t\tKitchen\n',
    '{begin} M1 ON {name} begin\n{end} M1 OFF {name} end\n',
    '{begin} {name} ON\n{end} {name} OFF\n'],
    ids=['activities', 'sensors', 'CASAS', 'CASAS sensors'])
def test_within_how_many_minutes_is_calibrated_in_every_format(tmp_path, form):
    draw = np.random.default_rng(3)
    lines, time_s, name = [], 1_300_000_000.0, 0
    for _ in range(500):
        # One of two events follows, after a time that is longer in the evening.
        name = (name + int(draw.integers(1, 4))) % 6
        time_s += float(draw.lognormal(5 + name / 2 + (time_s % 86_400 > 64_800), 0.6))
        end_s = time_s + float(draw.uniform(1, 60))
        lines.append(form.format(begin=stamp(time_s), end=stamp(end_s), name=f'thing{name}'))
        time_s = end_s
    score = evaluate(read_activities(write(tmp_path, ''.join(lines))))
    assert score.events == 500
    assert score.coverage[0.5] == pytest.approx(0.5, abs=0.05)
    assert score.coverage[0.9] == pytest.approx(0.9, abs=0.03)


def routine(days=12):
    """Return a resident who does the same each day."""
    plan = (('01:00:00', '07:00:00', 'Sleeping'), ('07:05:00', '07:30:00', 'Breakfast'),
            ('08:00:00', '17:00:00', 'Leaving'), ('18:00:00', '19:00:00', 'Dinner'))
    return ''.join(f'2011-11-{day:02} {begin}\t2011-11-{day:02} {end}\t{name}\n'
                   for day in range(1, days + 1) for begin, end, name in plan)


def test_evaluate_prints_and_writes_the_figures(tmp_path, capsys):
    write(tmp_path, routine())
    assert habits.main(['evaluate', str(tmp_path), '--json', str(tmp_path / 'out/h.json')]) == 0
    values = json.loads((tmp_path / 'out/h.json').read_text())
    assert values['events'] == 48 and values['predicted'] == 28
    assert values['top1'] == 1.0 and 0 < values['log_loss'] < 0.25
    assert 'most probable     100.0% right' in capsys.readouterr().out


@pytest.mark.parametrize('files, message', [
    ({}, '0 files'), ({'a_ADLs.txt': '', 'b_ADLs.txt': ''}, '2 files'),
    ({'a_ADLs.txt': routine(5)}, '20 activities, expected more than 21'),
])
def test_evaluate_names_what_is_wrong(tmp_path, capsys, files, message):
    for name, text in files.items():
        write(tmp_path, text, name)
    assert habits.main(['evaluate', str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


def test_a_real_resident_is_predicted_better_than_by_counts_of_two(shared):
    folder = shared / 'homes' / 'ordonez_a'
    if not folder.is_dir():
        pytest.skip('no research data of homes')
    score = evaluate(read_activities(next(folder.glob('*_ADLs.txt'))))
    assert score.top1 >= 0.60 and score.log_loss <= 1.20
    assert score.coverage[0.5] == pytest.approx(0.5, abs=0.06)
    assert score.coverage[0.9] == pytest.approx(0.9, abs=0.04)


def test_sensors_of_a_real_home_are_calibrated_too(shared):
    folder = shared / 'homes' / 'ordonez_a'
    if not folder.is_dir():
        pytest.skip('no research data of homes')
    score = evaluate(read_activities(next(folder.glob('*_Sensors.txt'))))
    assert score.events == 409
    assert score.coverage[0.5] == pytest.approx(0.5, abs=0.05)
    assert score.coverage[0.9] == pytest.approx(0.9, abs=0.04)

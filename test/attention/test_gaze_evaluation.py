# SPDX-License-Identifier: Apache-2.0
"""fer-eval gaze on a few rendered heads, and what it says of data that it cannot read."""

import json

from fer_ros.cli.evaluate import main
from fer_ros.evaluation import gaze
import pytest

KEYS = ['images', 'yaw', 'pitch', 'pitch_less_constant', 'roll', 'gaze', 'gaze_less_constant',
        'looks_f1_stills', 'looks_f1_videos', 'blink_f1', 'closed_f1', 'attention_delay_s',
        'ms_per_face']


def test_a_folder_is_measured(mesher, few_heads, tmp_path, capsys):
    assert main(['gaze', str(few_heads), '--json', str(tmp_path / 'gaze.json'),
                 '--page', str(tmp_path / 'gaze.html')]) == 0
    figures = json.loads((tmp_path / 'gaze.json').read_text())
    assert list(figures) == KEYS
    assert figures['images'] == 12
    assert figures['yaw'] < 4 and figures['pitch'] < 8 and figures['roll'] < 4
    assert figures['gaze'] < 14 and figures['looks_f1_videos'] > 0.8
    assert figures['blink_f1'] == 1
    page = (tmp_path / 'gaze.html').read_text()
    assert page.count('<img') == 4 + 8 and 'h02' in page
    assert 'yaw of the head' in capsys.readouterr().out


@pytest.mark.parametrize('spoil, said', [
    (lambda folder: (folder / 'camera.json').unlink(), 'camera.json'),
    (lambda folder: (folder / 'camera.json').write_text('{}'), 'fx'),
    (lambda folder: (folder / 'gaze.csv').write_text('file,person\n'), 'columns missing'),
    (lambda folder: (folder / 'poses.csv').unlink(), 'poses.csv')])
def test_data_that_cannot_be_read_is_named(mesher, few_heads, tmp_path, capsys, spoil, said):
    folder = tmp_path / 'heads'
    folder.mkdir()
    (folder / 'images').symlink_to((few_heads / 'images').resolve())
    for name in ('camera.json', 'poses.csv', 'gaze.csv'):
        lines = (few_heads / name).read_text().splitlines(keepends=True)
        (folder / name).write_text(''.join(lines[:2 if name != 'camera.json' else None]))
    spoil(folder)
    assert main(['gaze', str(folder), '--page', str(tmp_path / 'page.html')]) == 1
    assert said in capsys.readouterr().err


def test_delays_count_from_each_turn():
    one = gaze.Watched('video', 'person', stamps_s=[0, 1, 2, 3, 4, 5],
                       states=['camera', 'camera', 'camera', 'away', 'away', 'away'],
                       looks=[True, True, False, False, True, True])
    assert gaze.delays_s(one) == [1, 1]


def test_runs_of_closed_eyes():
    assert gaze.runs([(0, False), (1, True), (2, True), (3, False), (4, True)]) == [(1, 3), (4, 4)]

# SPDX-License-Identifier: Apache-2.0
"""Recordings as people have them: each is read, or refused in one line with file and line."""

from pathlib import Path

from fer_ros.cli.policy import main
from fer_ros.errors import ConfigurationError
from fer_ros.home.recording import read_recording
import pytest

CASES = Path(__file__).parents[1] / 'cases' / 'recordings'
PROBLEMS = {
    'conf.jsonl': 'confidence is nan: expected a number from 0 to 1',
    'confidence_95.jsonl': 'confidence is 95: expected a number from 0 to 1',
    # Python 3.13 reads that deep, and finds that the line ends too early.
    'deep.jsonl': '(too deeply nested|Expecting value)',
    'hand.jsonl': "brightness is 'x': expected a number from 0 to 1",
    'hand2.jsonl': r'color is \[1\]: expected 3 numbers',
    'hand_brightness_80.jsonl': 'brightness is 80: expected a number from 0 to 1',
    'stampbig.jsonl': r'stamp_s is 1e\+300',
    'track.jsonl': 'track_id is inf',
}


@pytest.mark.parametrize('name', sorted(PROBLEMS))
def test_a_line_that_cannot_be_is_reported(name, capsys):
    with pytest.raises(ConfigurationError, match=f'{name}:1: {PROBLEMS[name]}'):
        list(read_recording(CASES / name))
    policy = Path(__file__).parents[2] / 'config' / 'policies' / 'default.yaml'
    assert main(['simulate', str(policy), str(CASES / name)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_byte_order_mark_is_not_a_reason_to_refuse():
    assert len(list(read_recording(CASES / 'BOM.jsonl'))) == 1


@pytest.mark.parametrize('face', [
    {'label': []}, {'label': 'happy', 'filtered': [1, 2]}, {'label': 'happy', 'box': 'x'},
    {'label': 'happy', 'quality': -1}, {'label': 'happy', 'valence': True}, [], 5, None])
def test_faces_of_other_kinds(tmp_path, face):
    import json
    (tmp_path / 'a.jsonl').write_text(json.dumps({'stamp_s': 1, 'faces': [face]}))
    with pytest.raises(ConfigurationError, match='a.jsonl:1: '):
        list(read_recording(tmp_path / 'a.jsonl'))


@pytest.mark.parametrize('entry', [
    '{"stamp_s": 1, "faces": {}}', '{"stamp_s": 1}', '{"stamp_s": true, "faces": []}', '[]', '5',
    '{"stamp_s": 1, "room": "a", "target": "b", "hand": 5}',
    '{"stamp_s": 1, "room": "a", "target": "b", "hand": {"on": "yes"}}'])
def test_lines_of_other_kinds(tmp_path, entry):
    (tmp_path / 'a.jsonl').write_text(entry)
    with pytest.raises(ConfigurationError, match='a.jsonl:1: '):
        list(read_recording(tmp_path / 'a.jsonl'))


def test_bags_of_a_killed_recorder():
    pytest.importorskip('rosbags', reason='rosbags is absent')
    assert len(list(read_recording(CASES / 'bag_without_metadata'))) == 20
    for path in (CASES / 'cut_bag', CASES / 'cut_bag' / 'cut.mcap'):
        with pytest.raises(ConfigurationError, match='repair it: mcap recover'):
            list(read_recording(path))

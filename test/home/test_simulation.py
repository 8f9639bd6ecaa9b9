# SPDX-License-Identifier: Apache-2.0
"""fer-policy on files and recordings."""

import json
from pathlib import Path

from fer_ros.cli.policy import main
from fer_ros.errors import ConfigurationError
from fer_ros.home.recording import ManualChange, read_recording, Seen
from home_support import POLICY
import pytest

REPOSITORY = Path(__file__).parents[2]


def lines(*parts, start_s=1.7e9, rate_hz=5):
    """Return a recording: labels (None is nobody) with seconds, and manual changes."""
    now_s, found = start_s, []
    for what, seconds in parts:
        if isinstance(what, dict):
            found.append({'stamp_s': now_s, 'room': 'study', 'target': 'lamp', 'hand': what})
            continue
        for _ in range(round(seconds * rate_hz)):
            found.append({'stamp_s': now_s, 'faces': [] if what is None else [{'label': what}]})
            now_s += 1 / rate_hz
    return '\n'.join(json.dumps(line) for line in found)


@pytest.fixture
def files(tmp_path):
    policy, recording = tmp_path / 'policy.yaml', tmp_path / 'recording.jsonl'
    policy.write_text(POLICY)
    return policy, recording


def test_a_recording_shows_what_would_be_done_and_why(files, capsys):
    policy, recording = files
    recording.write_text(lines((None, 2), ('happy', 8), ('neutral', 5), ('sad', 15)))
    assert main(['simulate', str(policy), str(recording)]) == 0
    output = capsys.readouterr().out
    actions = [line for line in output.splitlines() if 'study/lamp:' in line]
    assert len(actions) == 3
    assert 'because happy for' in actions[0] and 'because sad for' in actions[1]
    assert 'back to on 60% 2700 K' in actions[2] and 'nobody for 30 s' in actions[2]
    assert float(actions[0].split()[0]) == pytest.approx(4.5, abs=0.7)
    assert 'no rule for neutral' in output and output.endswith('3 actions\n')


def test_a_manual_change_in_a_recording_wins(files, capsys):
    policy, recording = files
    recording.write_text(lines(('happy', 6), ({'on': True, 'brightness': 0.1}, 0), ('sad', 20)))
    assert main(['simulate', str(policy), str(recording), '--after', '5']) == 0
    output = capsys.readouterr().out
    # The brightness is the person's; the color still follows.
    asked = [line.partition('lamp: ')[2] for line in output.splitlines() if 'because' in line]
    assert len(asked) == 2 and asked[1].startswith('on #')
    policy.write_text(policy.read_text().replace(
        'policy: mirror', 'policy: mirror\n    hold: {scope: room}'))
    assert main(['simulate', str(policy), str(recording), '--after', '5']) == 0
    output = capsys.readouterr().out
    assert output.endswith('1 action\n')
    assert 'on hold: lamp was changed manually' in output


def test_the_same_recording_gives_the_same_output(files, capsys):
    policy, recording = files
    recording.write_text(lines(('happy', 6), ('sad', 20), (None, 40)))
    outputs = []
    for _ in range(2):
        main(['simulate', str(policy), str(recording)])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize('text, words', [
    ('{', ':1: '), ('[]', ':1: expected one object'), ('{"faces": []}', "'stamp_s' is missing"),
    ('{"stamp_s": 1}', "'faces' is missing"),
    ('{"stamp_s": 1, "faces": [{"label": "hungry"}]}', "unknown label 'hungry'"),
    ('{"stamp_s": 1, "faces": [{"label": "sad", "filtered": [1]}]}',
     'filtered is [1]: expected 7 numbers'),
    ('{"stamp_s": NaN, "faces": []}', 'stamp_s is nan: expected a number'),
    ('{"stamp_s": 2, "faces": []}\n{"stamp_s": 1, "faces": []}', ':2: stamp_s goes back'),
    ('', 'the recording is empty')])
def test_bad_recordings_are_refused_with_their_line(files, capsys, text, words):
    policy, recording = files
    recording.write_text(text)
    assert main(['simulate', str(policy), str(recording)]) == 1
    error = capsys.readouterr().err
    assert str(recording) in error and words in error


def test_recordings_contain_faces_and_manual_changes(files):
    _, recording = files
    recording.write_text(lines(('happy', 0.2), ({'on': False}, 0)))
    seen, hand = read_recording(recording)
    assert isinstance(seen, Seen) and seen.faces[0].label == 'happy'
    assert seen.faces[0].valence > 0 and seen.faces[0].filtered.sum() == pytest.approx(1)
    assert isinstance(hand, ManualChange) and not hand.state.on


def test_check_names_good_and_bad_files(files, capsys):
    policy, _ = files
    bad = policy.with_name('bad.yaml')
    bad.write_text(POLICY.replace('sad:', 'sat:'))
    assert main(['check', str(policy)]) == 0
    assert 'good: 1 room, 1 target, policies mirror, warm' in capsys.readouterr().out
    assert main(['check', str(policy), str(bad), str(policy.with_name('none'))]) == 1
    captured = capsys.readouterr()
    assert 'good' in captured.out
    assert f'{bad}:7: policies.mirror.by_emotion.sat' in captured.err
    assert 'none: cannot be read' in captured.err


@pytest.mark.parametrize('part, noted', [
    ('home_assistant: {url: http://ha.lan:8123, token: {env: X}}', 'token is sent'),
    ('home_assistant: {url: https://ha.lan:8123, token: {env: X}}', ''),
    ('home_assistant: {url: "http://127.0.0.1:8123", token: {env: X}}', ''),
    ('home_assistant: {url: "http://[::1]:8123", token: {env: X}}', ''),
    ('broker: {host: 192.168.1.2, tls: false}', 'is not encrypted'),
    ('broker: {host: 192.168.1.2}', ''), ('broker: {host: localhost}', '')])
def test_check_notes_what_travels_in_plain_text(tmp_path, capsys, part, noted):
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.replace('version: 1', f'version: 1\n{part}', 1))
    assert main(['check', str(file)]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if 'note:' in line]
    assert len(notes) == bool(noted) and all(noted in line for line in notes)


def test_a_bag_is_read(tmp_path, files, capsys):
    rosbag2 = pytest.importorskip('rosbags.rosbag2', reason='rosbags is not installed')
    from rosbags.typesys import get_types_from_msg, get_typestore, Stores
    store = get_typestore(Stores.ROS2_HUMBLE)
    for name in ('Emotion', 'EmotionArray'):
        store.register(get_types_from_msg((REPOSITORY / 'msg' / f'{name}.msg').read_text(),
                                          f'fer_ros/msg/{name}'))
    import numpy as np
    types = store.types
    path = tmp_path / 'bag'
    with rosbag2.Writer(path, version=9) as writer:
        connection = writer.add_connection('/home/emotions', 'fer_ros/msg/EmotionArray',
                                           typestore=store)
        for index in range(40):
            stamp = types['builtin_interfaces/msg/Time'](1_700_000_000 + index // 5,
                                                         index % 5 * 200_000_000)
            values = np.full(7, 0.02, np.float32)
            values[3] = 0.88
            face = types['fer_ros/msg/Emotion'](
                track_id=1, roi=types['sensor_msgs/msg/RegionOfInterest'](0, 0, 90, 90, False),
                probabilities=values, filtered_probabilities=values, emotion=3, label='happy',
                confidence=0.88, quality=1.0, valence=0.8, arousal=0.4,
                state_duration=types['builtin_interfaces/msg/Duration'](1, 0), onset=False)
            message = types['fer_ros/msg/EmotionArray'](
                types['std_msgs/msg/Header'](stamp, 'camera'), 640, 480, 'm', 'ferplus', [face])
            writer.write(connection, 1_700_000_000_000_000_000 + index * 200_000_000,
                         store.serialize_cdr(message, 'fer_ros/msg/EmotionArray'))
    policy, recording = files
    assert main(['simulate', str(policy), str(path), '--quiet']) == 0
    assert capsys.readouterr().out.endswith('2 actions\n')
    recording.rename(tmp_path / 'no.mcap') if recording.exists() else (
        tmp_path / 'no.mcap').write_bytes(b'nonsense')
    with pytest.raises(ConfigurationError, match='cannot be read as a bag'):
        list(read_recording(tmp_path / 'no.mcap'))

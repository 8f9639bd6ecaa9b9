# SPDX-License-Identifier: Apache-2.0
"""The measures are right on cases worked out by hand, and the commands write what they promise."""

import json

import cv2
from fer_ros.cli.evaluate import main
from fer_ros.core.errors import ConfigurationError
from fer_ros.core.evaluation import detection, emotions, tracking
from fer_ros.core.types import BoundingBox, Face
import numpy as np
import pytest

HERE, THERE = [0, 0, 40, 40], [100, 0, 140, 40]


def outcome(boxes, scores, labels):
    boxes, labels = (np.array(values, float).reshape(-1, 4) for values in (boxes, labels))
    return detection.Outcome(boxes, np.array(scores, float), labels,
                             detection.overlaps(boxes, labels))


@pytest.mark.parametrize('boxes, scores, labels, expected', [
    ([HERE, THERE], [0.9, 0.8], [HERE, THERE], 1.0),
    ([], [], [HERE], 0.0),
    # Half of the faces, then a false alarm.
    ([HERE, [300, 0, 340, 40]], [0.9, 0.8], [HERE, THERE], 0.5),
    # A better false alarm first: precision 1/2 over all of the recall.
    ([[300, 0, 340, 40], HERE], [0.9, 0.8], [HERE], 0.5),
    # The same face twice is one right and one wrong, after it.
    ([HERE, HERE], [0.9, 0.8], [HERE], 1.0),
    # Small labels and what finds them count neither way, nor do small false alarms.
    ([[0, 0, 10, 10], HERE, [300, 0, 310, 10]], [0.9, 0.8, 0.95], [[0, 0, 10, 10], HERE], 1.0),
    # An overlap of 1/3 is no match.
    ([[20, 0, 60, 40]], [0.9], [HERE], 0.0),
])
def test_average_precision(boxes, scores, labels, expected):
    order = np.argsort(scores)[::-1]
    one = outcome([boxes[i] for i in order], [scores[i] for i in order], labels)
    assert detection.average_precision([one], 24) == pytest.approx(expected)


def test_recall_by_size_and_at_a_threshold():
    one = outcome([HERE, [200, 0, 300, 100]], [0.9, 0.3], [HERE, THERE, [200, 0, 300, 100]])
    assert detection.at_threshold([one], 24, 0.5) == (1.0, pytest.approx(1 / 3))
    assert detection.at_threshold([one], 24, 0.95) == (0.0, 0.0)
    sizes = detection.recall_by_size([one], 0.5)
    assert sizes['32-48'] == 0.5 and sizes['96+'] == 0 and sizes['8-16'] is None


def test_conditions_keep_labels_on_the_faces():
    image = np.zeros((200, 300), np.uint8)
    cv2.rectangle(image, (200, 60), (239, 99), 255, -1)
    turned, labels = detection.rolled(image, np.array([[200.0, 60, 240, 100], [0, 0, 9, 9]]), 30)
    assert len(labels) == 1  # the corner left the image
    x, y = (labels[0, :2] + labels[0, 2:]) / 2
    rows, columns = np.nonzero(turned > 128)
    assert columns.mean() == pytest.approx(x, abs=1.5)
    assert rows.mean() == pytest.approx(y, abs=1.5)


@pytest.mark.parametrize('text, problem', [
    ('', 'names no image'), ('1 2 3 4\n', 'line 1'), ('# a.jpg 5 5\n1 2 3\n', 'line 2'),
    ('# a.jpg 5 5\n1 2 3 nan\n', 'line 2')])
def test_bad_labels_are_named(text, problem, tmp_path):
    (tmp_path / 'labels.txt').write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        detection.read_labels(tmp_path)


def seen(track_id, x):
    return Face(track_id, BoundingBox(x, 0, 40, 40), 0.9)


def test_switches_fragments_and_false_faces():
    meter = tracking.TrackingMeter(1)
    truth = np.array([HERE], float)
    for faces in ([seen(1, 0)], [], [seen(1, 1)], [seen(2, 0), seen(3, 300)], [seen(2, 0)]):
        meter.add(faces, truth)
    meter.add([], np.full((1, 4), np.nan))
    figures = meter.figures()
    assert (figures.frames, figures.found) == (5, 0.8)
    assert (figures.switches, figures.fragments, figures.false_faces) == (1, 1, 1)


def test_false_switches_and_delay():
    states = np.array([3] * 10 + [4] * 10)
    recording = emotions.Recording(np.arange(20) / 10, states, np.eye(7, dtype=np.float32)[states])
    labels = ['happy'] * 4 + ['angry'] + ['happy'] * 8 + ['sad'] * 7
    figures = emotions.measure(recording, labels)
    assert figures.false_switches_per_min == pytest.approx(60 / 1.9)
    assert figures.delay_s == pytest.approx(0.3) and figures.right == pytest.approx(16 / 20)


def test_detect_writes_figures_and_page(portrait, tmp_path, capsys):
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / 'a.png'), portrait)
    (tmp_path / 'labels.txt').write_text('# a.png 640 480\n175 70 270 190\n')
    out, page = tmp_path / 'f.json', tmp_path / 'p.html'
    assert main(['detect', str(tmp_path), '--json', str(out), '--page', str(page),
                 '--conditions', 'quarter_light']) == 0
    figures = json.loads(out.read_text())
    assert figures['ap24'] == figures['ap48'] == 1.0
    assert figures['recall_by_size']['96+'] == 1.0 and figures['ms_cpu_per_frame'] > 0
    assert set(figures['recall48_by_condition']) == {'upright', 'quarter_light'}
    assert 'data:image/' in page.read_text() and 'AP, 24 px' in capsys.readouterr().out


def test_track_measures_made_up_scenes_and_the_video_itself(portrait, tmp_path, monkeypatch):
    scene = tracking.scenes()['still']
    shorter = {'still': tracking.Scene(scene.people, 0.6)}
    monkeypatch.setattr(tracking, 'scenes', lambda: shorter)
    video, truth = tmp_path / 'v.avi', tmp_path / 'truth.csv'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'MJPG'), 30, (640, 480))
    for i in range(20):
        writer.write(np.roll(portrait, 4 * i, axis=1))
    writer.release()
    truth.write_text('# frame,x,y,size\n' + ''.join(
        f'{i},{222 + 4 * i},125,105,0\n' for i in range(20)))
    out, page = tmp_path / 'f.json', tmp_path / 'p.html'
    arguments = ['track', str(video), '--truth', str(truth), '--json', str(out), '--page',
                 str(page)]
    assert main(arguments) == 0
    figures = json.loads(out.read_text())
    assert set(figures['scenes']) == {'still', 'the video'}
    for one in figures['scenes'].values():
        assert one['found'] == 1 and one['switches'] == 0 and one['jitter'] < 0.03
    assert figures['scenes']['the video']['frames'] == 20
    # A truth that is elsewhere is not found: the figures are of this video.
    truth.write_text('0,500,400,50\n1,500,400,50\n')
    assert main(arguments) == 0
    assert json.loads(out.read_text())['scenes']['the video']['found'] == 0


@pytest.mark.parametrize('text, problem', [
    ('', 'names no frame'), ('# frame,x,y,size\n0,1,2\n', 'line 2'), ('0,1,2,-3\n', 'line 1'),
    ('0,1,nan,3\n', 'line 1'), ('a,b,c,d\n', 'line 1'), ('inf,1,2,3\n', 'line 1')])
def test_a_bad_truth_is_named(text, problem, tmp_path):
    (tmp_path / 'truth.csv').write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        tracking.read_truth(tmp_path / 'truth.csv')


def test_time_beats_a_moving_average_at_its_delay(tmp_path):
    out = tmp_path / 'f.json'
    assert main(['time', '--runs', '2', '--json', str(out),
                 '--page', str(tmp_path / 'p.html')]) == 0
    for rate in json.loads(out.read_text())['by_rate'].values():
        assert (rate['filter']['false_switches_per_min']
                < 0.6 * rate['moving_average']['false_switches_per_min'])


def test_crop_reads_faces_with_known_emotions(portrait, tmp_path):
    face = cv2.resize(cv2.cvtColor(portrait[50:200, 150:300], cv2.COLOR_BGR2GRAY), (48, 48),
                      interpolation=cv2.INTER_AREA)
    rows = [f'3,{" ".join(map(str, face.ravel()))},Training' for _ in range(3)]
    table, out = tmp_path / 'fer.csv', tmp_path / 'f.json'
    table.write_text('emotion,pixels,Usage\n' + '\n'.join(rows) + '\n')
    assert main(['crop', str(table), '--json', str(out), '--page', str(tmp_path / 'p.html')]) == 0
    figures = json.loads(out.read_text())
    assert figures['faces'] == 3 and figures['framing']['1.16'][0] == 1.0  # she smiles
    assert figures['by_damage']['light 1/20'][1] < 0.1 < 0.5 < figures['by_damage']['none'][1]


@pytest.mark.parametrize('arguments', [
    ['detect', 'absent'], ['track', 'absent.avi'],
    ['track', 'absent.avi', '--truth', 'absent.csv'], ['time', '--runs', '0'],
    ['time', '--accuracy', '2'], ['crop', 'absent.csv'], ['crop', 'absent.csv', '--faces', '0']])
def test_what_cannot_be_measured_is_named(arguments, tmp_path, capsys):
    assert main([*arguments, '--page', str(tmp_path / 'p.html')]) == 1
    assert 'error: ' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

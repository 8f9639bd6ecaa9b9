# SPDX-License-Identifier: Apache-2.0
"""The measures are right on cases worked out on paper; the commands write what they promise."""

import json

import cv2
from fer_ros.cli.evaluate import main
from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import detection, emotions, expressions, segments, tracking
from fer_ros.faces.boxes import intersection_over_union
from fer_ros.types import BoundingBox, Face
import numpy as np
import pytest

HERE, THERE = [0, 0, 40, 40], [100, 0, 140, 40]


def outcome(boxes, scores, labels):
    boxes, labels = (np.array(values, float).reshape(-1, 4) for values in (boxes, labels))
    return detection.Outcome(boxes, np.array(scores, float), labels,
                             intersection_over_union(boxes, labels))


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
    # An overlap of 1/3 is not a match.
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
    ('', 'lists no images'), ('1 2 3 4\n', 'line 1'), ('# a.jpg 5 5\n1 2 3\n', 'line 2'),
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
    arguments = ['track', str(video), '--detect-every', '1', '--truth', str(truth), '--json',
                 str(out), '--page', str(page)]
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
    ('', 'lists no frames'), ('# frame,x,y,size\n0,1,2\n', 'line 2'), ('0,1,2,-3\n', 'line 1'),
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


FACES = segments.ReadFaces(np.eye(7)[[0, 3, 6, 6]] * 0.9 + 0.1 / 7, np.array([0, 3, 6, 6]))


def test_persons_are_drawn_of_the_classes_that_are_there():
    shares = segments.PERSONS['mostly neutral']
    one = segments.draw(FACES, shares, moving=True, rate_hz=10, duration_s=60)
    assert len(one.stamps_s) == 600 and set(one.states) == {0, 3, 6}
    assert (one.probabilities.argmax(axis=1) == one.states).all()
    assert all((one.states[i:i + 20] == one.states[i]).all() for i in range(0, 600, 20))
    assert (one.states == 6).mean() > 0.5
    begun = segments.draw(FACES, shares, moving=False, rate_hz=10, duration_s=8,
                          begin_neutral_s=4.0, offset=np.eye(7)[4] * 9)
    assert (begun.states[:40] == 6).all() and (begun.probabilities.argmax(axis=1) == 4).all()


def test_still_persons_show_one_picture_a_state_and_moving_ones_several():
    faces = segments.ReadFaces(np.random.default_rng(1).dirichlet(np.ones(7), 200),
                               np.full(200, 3))
    for moving, pictures in ((True, 4), (False, 1)):
        one = segments.draw(faces, np.full(7, 1 / 7), moving=moving, rate_hz=10, duration_s=2)
        assert len(np.unique(one.probabilities, axis=0)) == pictures


def test_wrong_seconds_delay_and_recall_of_segments():
    states = np.array([3] * 20 + [4] * 20)
    one = emotions.Recording(np.arange(40) / 10, states, np.eye(7)[states])
    labels = ['happy'] * 15 + ['sad'] * 5 + ['happy'] * 4 + ['sad'] * 11 + ['angry'] * 5
    found = segments.measure([one], [labels])
    assert found.wrong == pytest.approx(10 / 20)
    assert found.delay_s == pytest.approx(0.2)
    assert (found.recall['happy'], found.recall['sad'], found.recall['fear']) == (0, 0, None)
    assert segments.single_frames([one]).wrong == 0
    assert segments.filtered([one], EmotionFilter).wrong == 0


def test_time_measures_real_faces_and_resting_faces(portrait, tmp_path, monkeypatch, capsys):
    from fer_ros.cli import evaluate_emotions
    monkeypatch.setattr(evaluate_emotions, '_RESTING_S', 40.0)
    monkeypatch.setattr(evaluate_emotions, '_RESTING_STATES_S', {'2 s': 2.0})
    monkeypatch.setattr(evaluate_emotions, '_RATES_HZ', (5,))
    smile = cv2.resize(cv2.cvtColor(portrait[50:200, 150:300], cv2.COLOR_BGR2GRAY), (48, 48),
                       interpolation=cv2.INTER_AREA)
    rows = [f'3,{" ".join(map(str, smile.ravel()))},PublicTest' for _ in range(3)]
    (tmp_path / 'fer2013.csv').write_text('emotion,pixels,Usage\n' + '\n'.join(rows) + '\n')
    out = tmp_path / 'f.json'
    arguments = ['time', str(tmp_path), '--persons', '1', '--json', str(out), '--page',
                 str(tmp_path / 'p.html')]
    assert main(arguments) == 1
    assert 'fer2013new.csv' in capsys.readouterr().err
    (tmp_path / 'fer2013new.csv').write_text(
        'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,'
        'unknown,NF\n' + 'PublicTest,x,0,10,0,0,0,0,0,0,0,0\n' * 3)
    assert main(arguments) == 0
    figures = json.loads(out.read_text())
    assert figures['faces'] == [0, 0, 0, 3, 0, 0, 0]
    found = figures['states']['states even, moving, 5 Hz']
    assert set(found) == {'frames', 'uniform', 'not mirrored', 'filter'}
    assert found['filter']['wrong'] == 0 and found['filter']['recall']['happy'] == 1
    assert figures['resting_face']['mostly neutral, states of 2 s, no offset']['off'] < 0.1
    assert set(figures['resting_face']['states even, states of 2 s, offset']) == {
        'off', 'learned', 'look neutral'}
    assert main([*arguments, '--held-out']) == 1 and 'held out' in capsys.readouterr().err


def heads(folder, portrait):
    """Write a still and a video of a smiling head, the latter's truth changing half way."""
    (folder / 'videos').mkdir(parents=True)
    cv2.imwrite(str(folder / 'a.png'), portrait)
    (folder / 'tones.csv').write_text('image,person,age,tone,label\na.png,h1,young,dark,happy\n')
    video = folder / 'videos' / 'expressions_h1_young.mp4'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'mp4v'), 15, (640, 480))
    for _ in range(30):
        writer.write(portrait)
    writer.release()
    video.with_suffix('.csv').write_text('time_s,label\n' + ''.join(
        f'{i / 15},{"smile" if i < 15 else "sad"}\n' for i in range(30)))
    return folder


def test_expressions_are_read_by_age_and_tone(portrait, tmp_path):
    out = tmp_path / 'f.json'
    folder = heads(tmp_path / 'heads', portrait)
    assert main(['expressions', str(folder), '--json', str(out), '--page',
                 str(tmp_path / 'p.html')]) == 0
    figures = json.loads(out.read_text())
    still = figures['stills']['young, dark']
    assert still['frames'] == still['right'] == still['by_label']['happy'] == 1
    video = figures['videos']['young']
    assert 0.4 < video['right'] <= 0.5 and video['by_label']['sad'] == 0
    assert video['changes'][1] == 1 and video['delay_s'] == pytest.approx(14 / 15)


def test_expressions_over_time_worked_out_by_hand():
    shown = expressions.Shown('h', 'old', '', np.arange(6) / 2, ('happy',) * 3 + ('sad',) * 3,
                              ('happy',) * 2 + ('',) * 2 + ('sad',) * 2,
                              ('uncertain',) + ('happy',) * 3 + ('sad', 'angry'))
    found = expressions.measure([shown])
    assert (found.frames, found.right) == (pytest.approx(4 / 6), pytest.approx(3 / 6))
    assert found.by_label == {'happy': pytest.approx(2 / 3), 'sad': pytest.approx(1 / 3)}
    assert found.changes == (3, 1) and found.delay_s == 0.5
    assert set(found.by_label) <= set(LABELS)


@pytest.mark.parametrize('file, text, words', [
    ('tones.csv', 'image,person\n', 'no column'), ('tones.csv', None, 'tones.csv'),
    ('tones.csv', 'image,person,age,tone,label\na.png,h,old,dark,glad\n', "label is 'glad'"),
    ('a.png', 'no picture', 'a.png'), ('videos/expressions_h1_young.csv', None, 'expressions_'),
    ('videos/expressions_h1_young.csv', 'time_s,label\nx,sad\n', 'time_s'),
    ('videos/expressions_h1_young.csv', 'time_s,label\n' + '1,sad\n' * 40, 'has 30 frames'),
    ('videos/expressions_h1_young.mp4', 'no video', 'expressions_h1_young.mp4 is not a video')])
def test_heads_that_cannot_be_read_are_named(file, text, words, portrait, tmp_path, capsys):
    folder = heads(tmp_path / 'heads', portrait)
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text)
    assert main(['expressions', str(folder), '--page', str(tmp_path / 'p.html')]) == 1
    assert words in capsys.readouterr().err and not (tmp_path / 'p.html').exists()


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
    ['time', '--accuracy', '2'], ['time', 'absent'], ['time', 'absent', '--persons', '0'],
    ['expressions', 'absent'], ['crop', 'absent.csv'], ['crop', 'absent.csv', '--faces', '0']])
def test_what_cannot_be_measured_is_named(arguments, tmp_path, capsys):
    assert main([*arguments, '--page', str(tmp_path / 'p.html')]) == 1
    assert 'error: ' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

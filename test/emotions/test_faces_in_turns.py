# SPDX-License-Identifier: Apache-2.0
"""More faces than there is time for: each is read in its turn and shows its last state between."""

from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.load import FaceRounds
from fer_ros.parameters import defaults
from fer_ros.perception import CLASSIFIER_PARAMETERS, EmotionReader
from fer_ros.types import BoundingBox, Face
import numpy as np
import pytest

HAPPY = np.full(7, 0.01)
HAPPY[LABELS.index('happy')] = 0.94


def face(track_id, crop=None):
    return Face(track_id, BoundingBox(0, 0, 50, 50), 0.9, crop=crop)


def test_a_face_whose_turn_it_is_not_shows_what_it_showed():
    filtered = EmotionFilter()
    for i in range(30):
        read, = filtered.update(i / 30, [(face(1), HAPPY)])
    carried, = filtered.update(1.0, [(face(1), None)])
    assert carried.label == read.label == 'happy' and not carried.onset
    assert carried.filtered == pytest.approx(read.filtered)
    assert carried.probabilities == pytest.approx(read.probabilities)
    assert carried.duration_s > read.duration_s


def test_a_face_that_was_never_read_is_there_and_its_first_reading_counts_in_full():
    late, early = EmotionFilter(), EmotionFilter()
    waiting, = late.update(0.0, [(face(1), None)])
    assert waiting.label == UNCERTAIN and waiting.probabilities.sum() == pytest.approx(1)
    first, = late.update(0.1, [(face(1), HAPPY)])
    other, = early.update(0.1, [(face(1), HAPPY)])
    assert first.filtered == pytest.approx(other.filtered)


def test_half_of_the_readings_bring_the_same_evidence_over_time():
    whole, half = EmotionFilter(), EmotionFilter()
    probabilities = np.full(7, 0.12)
    probabilities[LABELS.index('sad')] = 1 - 6 * 0.12
    for i in range(60):
        all_read, = whole.update(i / 30, [(face(1), probabilities)])
        half_read, = half.update(i / 30, [(face(1), probabilities if i % 2 == 0 else None)])
    assert half_read.filtered == pytest.approx(all_read.filtered, abs=0.1)


def test_the_real_reader_reads_a_crowd_in_turns():
    rng = np.random.default_rng(0)
    reader = EmotionReader(['a', 'b'], defaults(CLASSIFIER_PARAMETERS), latency_ms=50.0)
    crowd = [face(i, rng.integers(0, 256, (48, 48), np.uint8)) for i in range(1, 41)]
    # As on a processor where a face takes a millisecond.
    reader._rounds = rounds = FaceRounds(12.5)
    rounds.record = lambda faces, elapsed_ms: FaceRounds.record(rounds, faces, 1.0 * faces)
    reader.read({'a': (0.0, crowd[:1])})
    for i in range(1, 10):
        emotions = reader.read({'a': (i / 15, crowd), 'b': (i / 15, crowd[:1])})
        assert [emotion.track_id for emotion in emotions['a']] == list(range(1, 41))
        assert len(emotions['b']) == 1
    assert reader.waiting == 41 - 12
    assert all(emotion.label for emotion in emotions['a'])
    assert all(turn for turn in rounds._read['a'].values()), 'everybody has been read'


def test_shares_are_fair_and_none_is_lost():
    rounds = FaceRounds(10.0)
    assert rounds.choose({'a': range(50)}) == {'a': set(range(50))}, 'nothing is known yet'
    rounds.record(50, 50.0)
    chosen = rounds.choose({'crowd': range(50), 'few': range(3), 'one': range(1)})
    assert len(chosen['few']) == 3 and len(chosen['one']) == 1 and len(chosen['crowd']) == 6
    assert rounds.waiting == 44
    assert FaceRounds(0.0).choose({'a': range(500)}) == {'a': set(range(500))}

# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import shutil

from fer_ros.emotions.classification import (
    DEFAULT_MODEL,
    EmotionClassifier,
    find_model,
    load_metadata,
    MAX_BATCH,
    metadata,
    MODEL_DIR,
    probabilities,
)
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest


@pytest.fixture(scope='module')
def classifier():
    return EmotionClassifier()


@pytest.fixture
def model(tmp_path):
    """Copy the shipped model; returns the weights and a function that changes the metadata."""
    path = tmp_path / DEFAULT_MODEL
    shutil.copy(MODEL_DIR / DEFAULT_MODEL, path)
    values = json.loads((MODEL_DIR / DEFAULT_MODEL).with_suffix('.json').read_text())
    # These are of its labels and its gray input, which the tests change.
    del values['input']['even_contrast']
    for label_set in values['label_sets'].values():
        del label_set['training_shares'], label_set['neutral_reading']

    def change(edit=lambda values: None):
        edit(values)
        path.with_suffix('.json').write_text(json.dumps(values))
        return path

    change()
    return path, change


def crops(count, side=48, seed=0):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 6, 6), np.uint8)
    return np.repeat(np.repeat(coarse, side // 6, axis=1), side // 6, axis=2)


@pytest.mark.parametrize('path', sorted(MODEL_DIR.glob('*.tflite')), ids=lambda path: path.stem)
def test_every_shipped_model_loads_and_is_what_its_metadata_says(path):
    described = load_metadata(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == described.sha256
    assert described.name == path.stem
    for label_set in described.label_sets:
        result = EmotionClassifier(path, label_set=label_set).classify(crops(3))
        assert result.shape == (3, len(LABELS))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-5)


def test_weights_fit_into_the_repository():
    size = sum(path.stat().st_size for path in MODEL_DIR.iterdir() if path.is_file())
    assert 0 < size <= 10 * 10 ** 6


def test_no_path_and_the_shipped_name_are_the_same_model(classifier):
    named = EmotionClassifier(DEFAULT_MODEL.partition('.')[0])
    assert find_model(DEFAULT_MODEL.partition('_')[0]) == classifier.metadata.path
    assert named.metadata.path == classifier.metadata.path
    assert classifier.label_set == classifier.metadata.default_label_set


def test_empty_input_gives_empty_output(classifier):
    assert classifier.classify(np.empty((0, 48, 48), np.uint8)).shape == (0, len(LABELS))
    assert classifier.classify([]).shape == (0, len(LABELS))


def test_a_face_reads_the_same_alone_and_in_any_batch(classifier):
    faces = crops(2 * MAX_BATCH + 3)
    alone = np.concatenate([classifier.classify(face[None]) for face in faces])
    # Sizes go up and down and over the largest batch, as people come and go.
    for count in (1, 4, 2, len(faces), MAX_BATCH, MAX_BATCH + 1, 3):
        np.testing.assert_allclose(classifier.classify(faces[:count]), alone[:count], atol=1e-4)


def test_different_faces_read_differently(classifier):
    result = classifier.classify(crops(8))
    assert abs(result - result[0]).max() > 0.01


def test_brightness_and_contrast_do_not_matter(classifier):
    face = crops(1) // 2 + 40
    dim = (face // 2 + 20).astype(np.uint8)
    np.testing.assert_allclose(classifier.classify(face), classifier.classify(dim), atol=0.05)


@pytest.mark.parametrize('value', [0, 255])
def test_a_blank_image_gives_probabilities(classifier, value):
    result = classifier.classify(np.full((1, 48, 48), value, np.uint8))
    assert np.isfinite(result).all()
    assert result.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize('bad', [
    np.zeros((1, 32, 32), np.uint8),        # another size
    np.zeros((1, 48, 48), np.float32),      # another type
    np.zeros((48, 48), np.uint8),           # one crop without the batch's axis
    np.zeros((3, 0, 0), np.uint8),          # three crops of nothing
    np.zeros((1, 48, 48, 1), np.uint8)])    # a channel axis
def test_wrong_crops_are_refused_and_the_next_good_ones_are_read(classifier, bad):
    with pytest.raises(ValueError, match=r'expected uint8 \(n, 48, 48\)'):
        classifier.classify(bad)
    assert classifier.classify(crops(1)).shape == (1, len(LABELS))


def test_label_sets_differ_and_an_unknown_one_is_named():
    faces = crops(4)
    readings = [EmotionClassifier(label_set=name).classify(faces)
                for name in ('fer2013', 'ferplus')]
    assert abs(readings[0] - readings[1]).max() > 0.01
    with pytest.raises(ConfigurationError, match="'affectnet'.*fer2013"):
        EmotionClassifier(label_set='affectnet')


def test_temperature_and_threshold_come_from_the_metadata(model):
    path, change = model
    before = EmotionClassifier(path, label_set='fer2013').classify(crops(4))

    def edit(values):
        values['label_sets']['fer2013'].update(temperature=10.0, uncertain_below=0.33)

    hot = EmotionClassifier(change(edit), label_set='fer2013')
    assert hot.uncertain_below == 0.33
    after = hot.classify(crops(4))
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    assert after.max() < before.max()


def test_contempt_is_dropped_and_the_rest_renormalized():
    logits = np.array([[1.0, 2, 3, 4, 5, 6, 7, 50]])
    whole = np.exp(logits - 50) / np.exp(logits - 50).sum()
    expected = whole[:, :7] / whole[:, :7].sum()
    np.testing.assert_allclose(probabilities(logits), expected, rtol=1e-5)


def test_extreme_logits_stay_finite():
    result = probabilities(np.array([[1e4, -1e4, 0, 0, 0, 0, 0]]), 0.05)
    assert result[0, 0] == 1
    assert np.isfinite(result).all()


def test_missing_model_names_the_shipped_ones(tmp_path):
    with pytest.raises(ConfigurationError, match=f'no such file.*{DEFAULT_MODEL[:-7]}'):
        EmotionClassifier(tmp_path / 'nothing.tflite')
    with pytest.raises(ConfigurationError, match='no such file'):
        find_model('unheard_of')


def test_missing_metadata_says_how_to_make_it(model):
    path, _ = model
    path.with_suffix('.json').unlink()
    with pytest.raises(ConfigurationError, match='metadata .* is missing.*describe.*export'):
        EmotionClassifier(path)


@pytest.mark.parametrize('edit, message', [
    (lambda v: v['label_sets']['ferplus']['labels'].__setitem__(4, 'surprise'),
     "ferplus.labels is 'surprise', expected each label once"),
    (lambda v: v['label_sets']['fer2013'].update(labels=list(LABELS[:6])),
     "6 labels for the output 'fer2013', the mod.*label_sets.fer2013"),
    (lambda v: v['label_sets']['fer2013'].update(labels=[*LABELS, 'contempt']),
     "8 labels for the output 'fer2013', the mod"),
    (lambda v: v['label_sets']['fer2013'].update(labels=[*LABELS, 'bored']),
     "fer2013.labels is 'bored', expected one of angry.*label_sets.fer2013.map"),
    (lambda v: v['label_sets']['fer2013'].update(labels=[*LABELS, 'joy']),
     "fer2013.labels is 'joy', expected one label that means happy"),
    (lambda v: v['label_sets']['fer2013'].update(labels=[str(i) for i in range(7)],
                                                 map=dict.fromkeys(map(str, range(7)))),
     'fer2013.labels is .* expected at least one of angry'),
    (lambda v: v['label_sets']['fer2013'].update(labels=[1, 2, 3, 4, 5, 6, True]),
     'fer2013.labels is .* expected a list of strings'),
    (lambda v: v['label_sets']['fer2013'].update(map={'joyful': 'happy'}),
     "fer2013.map.joyful is 'happy', expected a label of the model"),
    (lambda v: v['label_sets']['fer2013'].update(map={'happy': 'glad'}),
     "fer2013.map.happy is 'glad', expected one of angry"),
    (lambda v: v['label_sets']['fer2013'].update(activation='softmax'),
     "fer2013.activation is 'softmax', but .*set it to logits"),
    (lambda v: v['label_sets']['fer2013'].update(activation='sigmoid'),
     "activation is 'sigmoid', expected one of logits, softmax"),
    (lambda v: v['label_sets']['fer2013'].update(activtion='softmax'),
     "unknown key label_sets.fer2013.'activtion'; did you mean activation"),
    (lambda v: v['label_sets']['fer2013'].update(output='elsewhere'), "output 'elsewhere'"),
    (lambda v: v['label_sets']['fer2013'].update(temperature=0),
     'fer2013.temperature is 0, expected a finite number more'),
    (lambda v: v['label_sets']['fer2013'].update(temperature='hot'), "temperature is 'hot'"),
    (lambda v: v['label_sets']['fer2013'].update(uncertain_below=1.5), 'uncertain_below'),
    (lambda v: v['label_sets']['fer2013'].update(temperature=float('inf')), 'temperature is inf'),
    (lambda v: v['label_sets']['fer2013'].update(temperature=10 ** 400), 'temperature is 1000'),
    (lambda v: v['label_sets']['fer2013'].update(temperature=True), 'temperature is True'),
    (lambda v: v['label_sets']['fer2013'].pop('output'), "'label_sets.fer2013.output' is miss"),
    (lambda v: v.update(label_sets=[]), r'label_sets is \[\], expected a mapping'),
    (lambda v: v.update(label_sets={}), 'label_sets is {}, expected at least one'),
    (lambda v: v.update(default_label_set='affectnet'),
     "default_label_set is 'affectnet', expected one of fer2013, ferplus"),
    (lambda v: v.update(format=2), 'format is 2, expected 1'),
    (lambda v: v.update(sha256='abc'), "sha256 is 'abc', expected 64 hexadecimal"),
    (lambda v: v.update(sha256='0' * 64), 'SHA-256.*damaged'),
    (lambda v: v['input'].update(side_px=64), 'the metadata says 64x64'),
    (lambda v: v['input'].update(side_px=0), 'input.side_px is 0'),
    (lambda v: v['input'].update(side_px=48.0), 'input.side_px is 48.0, expected a whole number'),
    (lambda v: v['input'].update(side_px=10 ** 9), 'input.side_px is 1000000000'),
    (lambda v: v['input'].update(range=[0]), r'input.range is \[0\], expected 2'),
    (lambda v: v['input'].update(range=[1, 0]), 'input.range is .*lower number first'),
    (lambda v: v['input'].update(range='?'), r"input.range is '\?': fill it in"),
    (lambda v: v['input'].update(mean=[0.1, 0.2, 0.3]), 'input.mean is .*expected 1 finite'),
    (lambda v: v['input'].update(std=0), 'input.std is .*numbers above 0'),
    (lambda v: v['input'].update(std=float('nan')), 'input.std is nan'),
    (lambda v: v['input'].update(layout='HWC'), "input.layout is 'HWC', expected one of NHWC"),
    (lambda v: v['input'].update(deviation=1), "unknown key input.'deviation'; known: side_px"),
    (lambda v: v['input'].update(color='rgb'), r'input is \?x48x48x1.*metadata says 48x48 rgb'),
    (lambda v: v['input'].update(layout='NCHW'), '48x48 grayscale as NCHW.*input.layout'),
    (lambda v: v.update(valence={'output': 'va'}), "no value 0 in an output 'va'.*valence"),
    (lambda v: v.update(arousal={'output': 'fer2013', 'index': 7}), 'no value 7 .*arousal'),
    (lambda v: v.update(valence={'output': 'fer2013', 'range': [1, 1]}), 'valence.range'),
    (lambda v: v.update(valence=3), 'valence is 3, expected a mapping')])
def test_metadata_that_does_not_fit_is_refused(model, edit, message):
    path, change = model
    change(edit)
    with pytest.raises(ConfigurationError, match=message):
        EmotionClassifier(path)


@pytest.mark.parametrize('text', [
    '', '{', '[]', 'null', '"model"', '[' * 100_000, '{"a":' * 100_000, '{"format": 1e400}',
    '{"format": ' + '9' * 5000 + '}', '\ud800', '{"format": 1, "label_sets": [' + '[' * 900,
    ' ' * (1 << 20) + '{}'])
@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
def test_metadata_that_is_not_an_object_is_refused_in_one_line(model, text, suffix):
    path, _ = model
    path.with_suffix('.json').unlink()
    path.with_suffix(suffix).write_bytes(text.encode('utf-8', 'surrogatepass'))
    with pytest.raises(ConfigurationError) as caught:
        EmotionClassifier(path)
    message = str(caught.value)
    assert str(path.with_suffix(suffix)) in message and '\n' not in message
    assert len(message) < 600


def test_yaml_does_as_well_and_two_metadata_files_are_one_too_many(model):
    path, _ = model
    text = path.with_suffix('.json').read_text()
    path.with_suffix('.yaml').write_text(text)      # JSON is YAML
    with pytest.raises(ConfigurationError, match='both .*json and .*yaml'):
        EmotionClassifier(path)
    path.with_suffix('.json').unlink()
    assert EmotionClassifier(path).name == path.stem


def test_labels_in_another_order_and_in_other_words_are_the_same_emotions(model):
    path, change = model
    before = EmotionClassifier(path, label_set='fer2013').classify(crops(4))

    def edit(values):
        values['label_sets']['fer2013']['labels'] = [
            'neutral', 'Surprised', 'sadness', 'JOY', 'fear', 'x-disgust', 'anger']
        values['label_sets']['fer2013']['map'] = {'x-disgust': 'disgust'}

    after = EmotionClassifier(change(edit), label_set='fer2013').classify(crops(4))
    np.testing.assert_allclose(after, before[:, ::-1], atol=1e-6)


def test_missing_and_further_labels_are_reported_and_joined_ones_add_up(model):
    path, change = model
    before = EmotionClassifier(path, label_set='fer2013')
    expected = before.classify(crops(4))

    def edit(values):
        values['label_sets']['fer2013'].update(
            labels=['annoyed', 'furious', 'fear', 'happy', 'sad', 'surprise', 'sleepy'],
            map={'annoyed': 'angry', 'furious': 'angry', 'sleepy': None}, temperature=1.0)

    def cold(values):
        values['label_sets']['fer2013']['temperature'] = 1.0

    expected = EmotionClassifier(change(cold), label_set='fer2013').classify(crops(4))
    after = EmotionClassifier(change(edit), label_set='fer2013')
    assert before.notes == [] and len(after.notes) == 2
    assert 'does not have disgust, neutral' in after.notes[0]
    assert 'also has sleepy' in after.notes[1]
    result = after.classify(crops(4))
    rest = 1 - expected[:, 6]
    np.testing.assert_allclose(result[:, 0], (expected[:, 0] + expected[:, 1]) / rest, atol=1e-5)
    assert (result[:, [1, 6]] == 0).all()
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-5)


def test_a_network_of_several_variants_is_found_by_its_own_name(monkeypatch, tmp_path):
    for name in ('small_int8', 'small_float16', 'large_int8'):
        (tmp_path / f'{name}.tflite').touch()
    monkeypatch.setattr(metadata, 'MODEL_DIR', tmp_path)
    assert find_model('small').name == 'small_int8.tflite'
    assert find_model('small_float16').name == 'small_float16.tflite'
    assert find_model('large').name == 'large_int8.tflite'
    with pytest.raises(ConfigurationError, match='large_int8, small_float16, small_int8'):
        find_model('medium')


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / 'model.pt'
    path.touch()
    with pytest.raises(ConfigurationError, match='model.pt: expected a file that ends in .tflite'):
        EmotionClassifier(path)


def test_damaged_weights_are_refused(model):
    path, _ = model
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xff
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match='SHA-256.*damaged'):
        EmotionClassifier(path)


@pytest.mark.parametrize('content', [b'', b'not a model', None], ids=['empty', 'text', 'cut'])
def test_weights_that_are_not_a_model_are_refused_even_with_their_checksum(model, content):
    path, change = model
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    change(lambda values: values.update(sha256=digest))
    with pytest.raises(ConfigurationError, match='not a LiteRT model'):
        EmotionClassifier(path)


def test_threads_below_one_are_refused():
    with pytest.raises(ConfigurationError, match='threads is 0'):
        EmotionClassifier(threads=0)


def test_the_larger_network_is_two_and_counts_their_parameters(classifier):
    larger = load_metadata('fernet_large')
    assert larger.together_with.file == DEFAULT_MODEL
    assert EmotionClassifier('fernet_large').runs_on.endswith(f'together with {classifier.name}')
    members = [member['recipe']['name'] for member in larger.values['training']['members']]
    assert members == ['distilled_large', 'fernet']
    assert classifier.metadata.values['parameters'] < larger.values['parameters'] <= 5e6

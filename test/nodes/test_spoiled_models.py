# SPDX-License-Identifier: Apache-2.0
"""A classifier whose model is spoiled says so, stays, and works when it is mended."""

import json
import shutil

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros.emotions.classification import DEFAULT_MODEL, MODEL_DIR  # noqa: E402
from fer_ros.nodes.diagnostics import ERROR  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402


def cut(weights):
    weights.write_bytes(weights.read_bytes()[:5000])


def other_labels(weights):
    metadata = weights.with_suffix('.json')
    values = json.loads(metadata.read_text())
    values['label_sets'][values['default_label_set']]['labels'][3] = 'smirk'
    metadata.write_text(json.dumps(values))


@pytest.mark.parametrize('spoil, words', [
    (cut, 'damaged'), (other_labels, "labels is 'smirk', expected one of angry"),
    (lambda weights: weights.with_suffix('.json').unlink(), 'is missing'),
    (lambda weights: weights.unlink(), 'no such file')],
    ids=['cut', 'other labels', 'no metadata', 'no weights'])
def test_a_spoiled_model_is_named_and_may_be_fixed(graph, tmp_path, capfd, spoil, words):
    weights = tmp_path / DEFAULT_MODEL

    def mend():
        for suffix in ('.tflite', '.json'):
            shutil.copy((MODEL_DIR / DEFAULT_MODEL).with_suffix(suffix),
                        weights.with_suffix(suffix))
    mend()
    spoil(weights)
    node = graph.add(EmotionClassifierNode, start=False, model=str(weights))
    assert not node.start() and node.state == 'unconfigured'
    status = node._collect()
    assert status.level == ERROR and words in status.message and str(tmp_path) in status.message
    told = ''.join(capfd.readouterr())
    assert words in told and 'Traceback' not in told
    mend()
    assert node.start() and node._collect().level != ERROR

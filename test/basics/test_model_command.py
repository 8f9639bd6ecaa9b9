# SPDX-License-Identifier: Apache-2.0
"""fer-model describe and check, as a user calls them."""

from fer_ros.cli.model import main
from fer_ros.emotions.classification import MODEL_DIR
import pytest
import yaml

pytest.importorskip('onnxruntime')
foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')


def test_from_a_file_to_a_checked_model(tmp_path, capsys):
    path = foreign.write(tmp_path)
    path.with_suffix('.yaml').unlink()
    assert main(['describe', str(path)]) == 0
    told = capsys.readouterr().out
    assert 'foreign.yaml' in told and 'input.color' in told and 'fer-model check' in told
    assert main(['check', str(path)]) == 1
    assert 'input.color is' in capsys.readouterr().err
    values = yaml.safe_load(path.with_suffix('.yaml').read_text())
    values['input'].update(foreign.metadata()['input'])
    values['label_sets']['emotion']['labels'] = foreign.LABELS
    path.with_suffix('.yaml').write_text(yaml.safe_dump(values))
    assert main(['check', str(path), '--providers', 'nonsense']) == 0
    told = capsys.readouterr().out
    for words in ('64x64 rgb', 'ms for one face', 'note     providers: nonsense'):
        assert words in told


def test_metadata_that_is_there_is_not_overwritten(tmp_path, capsys):
    path = foreign.write(tmp_path)
    before = path.with_suffix('.yaml').read_text()
    assert main(['describe', str(path)]) == 1
    assert 'already exists' in capsys.readouterr().err
    assert main(['describe', str(path), '--print']) == 0
    assert capsys.readouterr().out.startswith('# Draft')
    assert path.with_suffix('.yaml').read_text() == before


@pytest.mark.parametrize('content', [b'', b'no model'])
def test_what_is_not_a_model_is_reported_in_one_line(tmp_path, capsys, content):
    path = tmp_path / 'model.onnx'
    path.write_bytes(content)
    assert main(['describe', str(path)]) == 1
    told = capsys.readouterr()
    assert str(path) in told.err and told.err.count('\n') == 1


def test_the_names_of_the_shipped_networks_do(capsys):
    for name in {path.stem.partition('_int8')[0] for path in MODEL_DIR.glob('*.tflite')}:
        assert main(['check', name]) == 0
        assert 'LiteRT' in capsys.readouterr().out

# SPDX-License-Identifier: Apache-2.0
"""The notebook runs from top to bottom, on drawn faces."""

import os
from pathlib import Path
import re

import pytest

pytest.importorskip('tensorflow', reason='the notebook needs the training extra')
nbformat = pytest.importorskip('nbformat', reason='running a notebook needs nbformat')
nbclient = pytest.importorskip('nbclient', reason='running a notebook needs nbclient')

NOTEBOOK = Path(__file__).parents[2] / 'training' / 'fer2013.ipynb'


@pytest.fixture(scope='module')
def ran(tmp_path_factory):
    """Run the notebook where a reader opens it; return what its cells printed, and its figures."""
    scratch = tmp_path_factory.mktemp('notebook')
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    changes = {'FER_DATA': '', 'FER_FACES': '560', 'FER_RECIPE': 'smoke', 'TMPDIR': str(scratch)}
    nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name='python3',
        resources={'metadata': {'path': str(NOTEBOOK.parent)}}).execute(
            env={**os.environ, **changes})
    outputs = [output for cell in notebook.cells for output in cell.get('outputs', ())]
    text = ''.join(output.text for output in outputs
                   if output.output_type == 'stream' and output.name == 'stdout')
    figures = ''.join(output.data.get('text/html', '') for output in outputs
                      if output.output_type == 'display_data')
    return scratch, text, figures


def test_it_runs_from_top_to_bottom(ran):
    scratch, text, figures = ran
    assert text.count('as built') == 8 and 'BUILT' not in text
    assert 'flattened: 4,608 values; parameters: 4,478,727' in text
    for title in ('Augmentation', 'fer2013: accuracy', 'Calibration', 'Rejection',
                  'the photograph'):
        assert f'<figcaption>{title}' in figures
    (run,) = scratch.glob('fer2013-*')
    assert (run / 'smoke_float16.tflite').is_file()


def test_the_network_has_learned_and_the_file_says_the_same(ran):
    _, text, _ = ran
    trained = float(re.search(r'^accuracy ([\d.]+)%', text, re.M)[1])
    exported = float(re.search(r'accuracy \(FER2013 labels\) +([\d.]+)%', text)[1])
    assert trained > 100 / 7 + 5
    assert exported == pytest.approx(trained, abs=0.6)


def test_the_shipped_model_reads_the_smile_of_the_photograph(ran):
    shares = dict(re.findall(r'(\w+) (\d+)%', re.search(r'^shipped .*$', ran[1], re.M)[0]))
    assert max(shares, key=lambda name: int(shares[name])) == 'happy'


def test_it_is_kept_with_the_outputs_of_this_code_on_drawn_faces():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {'stream', 'display_data'}
    text = ''.join(output.text for output in outputs if output.output_type == 'stream')
    # Drawn faces: 2800 to train on and 700 to test on, the notebook's default.
    assert '2800 faces to train on, 700 to test on' in text
    assert 'accuracy' in text and 'BUILT' not in text and 'Traceback' not in text
    assert not [output for output in outputs
                if output.output_type == 'stream' and output.name == 'stderr']
    figures = ''.join(output.data.get('text/html', '') for output in outputs
                      if output.output_type == 'display_data')
    for title in ('Augmentation', 'fer2013: accuracy', 'Calibration', 'the photograph'):
        assert f'<figcaption>{title}' in figures
    assert NOTEBOOK.stat().st_size < 2 * 2 ** 20
    assert str(Path.home()) + '/' not in NOTEBOOK.read_text(encoding='utf-8')

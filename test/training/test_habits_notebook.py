# SPDX-License-Identifier: Apache-2.0
"""The notebook of the habits runs from top to bottom on a few days, and is kept with outputs."""

import os
from pathlib import Path
import re

import pytest

nbformat = pytest.importorskip('nbformat', reason='running a notebook needs nbformat')
nbclient = pytest.importorskip('nbclient', reason='running a notebook needs nbclient')

NOTEBOOK = Path(__file__).parents[2] / 'training' / 'habits.ipynb'


def text_of(notebook):
    """Return what its cells printed."""
    return ''.join(output.text for cell in notebook.cells for output in cell.get('outputs', ())
                   if output.output_type == 'stream' and output.name == 'stdout')


def test_it_runs_from_top_to_bottom():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name='python3',
        resources={'metadata': {'path': str(NOTEBOOK.parent)}}).execute(
            env={**os.environ, 'HABITS_DAYS': '8', 'HABITS_DATA': ''})
    text = text_of(notebook)
    assert text.startswith('8 days, ')
    # The residents are made by their seed, so what is found is the same everywhere.
    assert re.findall(r'habit: (.*) \((?:over )?\d', text) == [
        'Evenings when angry, the lamp was set to 42 % in 11 of 12 times',
        'Evenings from 21:15 when neutral, the lamp was set to 59 %, 4000 K in 9 of 10 times']
    assert float(re.search(r'right ([\d.]+)%', text)[1]) == pytest.approx(37.1, abs=0.2)


def test_it_is_kept_with_the_outputs_of_simulated_residents():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = text_of(notebook)
    assert text.startswith('60 days, ') and 'HABITS_DATA is not set' in text
    assert not [output for cell in cells for output in cell.outputs
                if output.output_type == 'error' or output.get('name') == 'stderr']
    figures = ''.join(output.data.get('text/html', '') for cell in cells
                      for output in cell.outputs if output.output_type == 'display_data')
    assert figures.count('<figcaption>') == 2 and NOTEBOOK.stat().st_size < 2 ** 20
    assert str(Path.home()) + '/' not in NOTEBOOK.read_text(encoding='utf-8')

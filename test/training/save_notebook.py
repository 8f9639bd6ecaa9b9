# SPDX-License-Identifier: Apache-2.0
"""Run the notebook on drawn faces and save it with its outputs: ``make notebook``."""

import os
from pathlib import Path

import nbclient
import nbformat

NOTEBOOK = Path(__file__).parents[2] / 'training' / 'fer2013.ipynb'
#: What changes from run to run and says nothing.
_METADATA = ('execution', 'transient')


def tidied(outputs: list) -> list:
    """Return a cell's outputs: text in one piece, without TensorFlow's notes."""
    kept = []
    for output in outputs:
        if output.output_type != 'stream':
            kept.append(output)
            continue
        if output.name == 'stderr':
            continue
        output.text = ''.join(line for line in output.text.splitlines(keepends=True)
                              if not line.startswith('INFO:tensorflow'))
        if kept and kept[-1].output_type == 'stream':
            kept[-1].text += output.text
        elif output.text:
            kept.append(output)
    return kept


def main() -> None:
    """Run and save."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    drawn = {'FER_DATA': '', 'FER_FACES': '', 'FER_RECIPE': '', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    settings = {**os.environ, **drawn}
    for name in ('FER_FACES', 'FER_RECIPE'):
        settings.pop(name)
    nbclient.NotebookClient(
        notebook, timeout=3600, kernel_name='python3',
        resources={'metadata': {'path': str(NOTEBOOK.parent)}}).execute(env=settings)
    for cell in notebook.cells:
        for key in _METADATA:
            cell.metadata.pop(key, None)
        if cell.cell_type == 'code':
            cell.outputs = tidied(cell.outputs)
    notebook.metadata['language_info'] = {'name': 'python'}
    nbformat.validate(notebook)
    NOTEBOOK.write_text(nbformat.writes(notebook) + '\n', encoding='utf-8')
    print(f'{NOTEBOOK}: {NOTEBOOK.stat().st_size:,} bytes')


if __name__ == '__main__':
    main()

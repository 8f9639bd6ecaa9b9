# SPDX-License-Identifier: Apache-2.0
"""Run the notebook on drawn faces and save it with its outputs: ``make notebook``."""

import os
from pathlib import Path

import nbclient
import nbformat

NOTEBOOK = Path(__file__).parents[2] / 'training' / 'fer2013.ipynb'
#: What changes from run to run and says nothing.
_METADATA = ('execution', 'transient')


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
            # TensorFlow's notes about this machine's processor.
            cell.outputs = [output for output in cell.outputs if not (
                output.output_type == 'stream' and output.name == 'stderr')]
    notebook.metadata['language_info'] = {'name': 'python'}
    nbformat.validate(notebook)
    NOTEBOOK.write_text(nbformat.writes(notebook) + '\n', encoding='utf-8')
    print(f'{NOTEBOOK}: {NOTEBOOK.stat().st_size:,} bytes')


if __name__ == '__main__':
    main()

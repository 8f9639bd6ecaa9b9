# SPDX-License-Identifier: Apache-2.0
"""Run the notebooks on synthetic data and save them with their outputs: ``make notebook``."""

import os
from pathlib import Path
import sys

import nbclient
import nbformat

TRAINING = Path(__file__).parents[2] / 'training'
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


def main(names: list[str]) -> None:
    """Run and save the notebooks of these names, or all."""
    for path in sorted(TRAINING.glob('*.ipynb')):
        if not names or path.stem in names:
            save(path)


def save(path: Path) -> None:
    """Run and save one."""
    notebook = nbformat.read(path, as_version=4)
    drawn = {'FER_DATA': '', 'FER_FACES': '', 'FER_RECIPE': '', 'TF_CPP_MIN_LOG_LEVEL': '3',
             'HABITS_DATA': '', 'HABITS_DAYS': ''}
    settings = {**os.environ, **drawn}
    for name in ('FER_FACES', 'FER_RECIPE'):
        settings.pop(name)
    nbclient.NotebookClient(
        notebook, timeout=3600, kernel_name='python3',
        resources={'metadata': {'path': str(path.parent)}}).execute(env=settings)
    for cell in notebook.cells:
        for key in _METADATA:
            cell.metadata.pop(key, None)
        if cell.cell_type == 'code':
            cell.outputs = tidied(cell.outputs)
    notebook.metadata['language_info'] = {'name': 'python'}
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + '\n', encoding='utf-8')
    print(f'{path}: {path.stat().st_size:,} bytes')


if __name__ == '__main__':
    main(sys.argv[1:])

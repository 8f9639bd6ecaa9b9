# SPDX-License-Identifier: Apache-2.0
"""README.md's own lines for robots."""

import re

from machine import REPOSITORY, StepFailed

_TITLE = 'On a machine with ROS 2'


def lines() -> list[str]:
    """Return the commands of the first block of the section for robots."""
    text = (REPOSITORY / 'README.md').read_text(encoding='utf-8')
    section = re.search(rf'^## {_TITLE}$(.*?)^## ', text, re.DOTALL | re.MULTILINE)
    block = section and re.search(r'^```\w*\n(.*?)^```', section.group(1),
                                  re.DOTALL | re.MULTILINE)
    if not block:
        raise StepFailed(f'README.md has no section "{_TITLE}" with a block of commands')
    return [line for line in block.group(1).splitlines() if line.strip()]


def line(start: str) -> str:
    """Return the one command that begins like this."""
    found = [each for each in lines() if each.startswith(start)]
    if len(found) != 1:
        raise StepFailed(f'README.md has {len(found)} lines that begin with {start!r}, not one')
    return found[0]


def environment_lines() -> str:
    """Return the commands that make the virtual environment and fill it, as a script."""
    return ' && '.join((line('python3 -m venv'), line('source .venv'), line('pip install')))

# SPDX-License-Identifier: Apache-2.0
"""docs/messages.md names every message and service, each field and each constant."""

from pathlib import Path
import re

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / 'docs' / 'messages.md').read_text(encoding='utf-8')
FILES = sorted([*REPOSITORY.glob('msg/*.msg'), *REPOSITORY.glob('srv/*.srv')])
FIELD = re.compile(r'^(?P<type>[\w/]+(?:\[\d*\])?)\s+(?P<name>\w+)(?:\s*=\s*(?P<value>\S+))?$')


def section(name):
    """Return the tables' rows under a heading of the page, as (names, second cell, rest)."""
    found = re.search(rf'^### {name}\n(.*?)(?=^##|\Z)', PAGE, re.M | re.S)
    assert found, f'docs/messages.md has no heading {name}'
    rows = [line.strip('|').split('|') for line in found[1].splitlines() if line.startswith('| `')]
    return [(re.findall(r'`(\w+)`', row[0]), row[1], '|'.join(row[1:])) for row in rows]


def test_the_files_are_there():
    assert len(FILES) >= 10


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_every_field_and_constant_is_on_the_page(path):
    rows = section(path.stem)
    described = {name for names, _, _ in rows for name in names}
    everything = ' '.join(rest for _, _, rest in rows)
    fields = set()
    for line in path.read_text(encoding='utf-8').splitlines():
        line = line.split('#')[0].strip()
        if not line or line == '---':
            continue
        kind, name, value = FIELD.match(line).group('type', 'name', 'value')
        if value is None:
            fields.add(name)
            types = [second for names, second, _ in rows if name in names]
            assert types and f'`{kind}`' in types[0], f'{name}: its type {kind} is not told'
        else:
            # A row of its own, or in the row of the field that takes it.
            assert (any(name in names and second.strip() == value for names, second, _ in rows)
                    or f'`{name}` ({value}' in everything), f'{name} = {value}'
    # Nothing that is not there: lower case are fields.
    assert {name for name in described if name.islower()} == fields

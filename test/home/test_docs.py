# SPDX-License-Identifier: Apache-2.0
"""docs/home.md says what the policy's models say."""

from pathlib import Path
import re

from fer_ros.home import policy
from fer_ros.home.world.discovery import COMMAND_TOPICS, EVENT_TYPES
import pytest
import yaml

DOCS = (Path(__file__).parents[2] / 'docs' / 'home.md').read_text(encoding='utf-8')


@pytest.mark.parametrize('model', ['Room', 'Rule', 'When', 'LightTarget', 'Broker',
                                   'HomeAssistant', 'Privacy'])
def test_every_key_is_documented(model):
    part = DOCS.partition(f'<!-- table: {model} -->')[2].partition('\n## ')[0]
    named = set(re.findall(r'`(\w+)`', part))
    missing = {name for name in getattr(policy, model).model_fields if name not in named}
    assert not missing


def test_the_defaults_of_a_room_are_as_documented():
    part = DOCS.partition('<!-- table: Room -->')[2].partition('\n\n')[0]
    rows = [(cells[1].strip(' `'), cells[2].strip()) for cells in (
        line.split('|') for line in part.splitlines()) if cells[1:2] and '`' in cells[1]]
    assert [name for name, _ in rows] == list(policy.Room.model_fields)
    minimal = policy.Room.model_validate({'policy': 'a', 'targets': {'b': {'type': 'terminal'}}})
    actual = minimal.model_dump(by_alias=True)
    for name, text in rows:
        if text:
            told = yaml.safe_load(text)
            value = list(actual[name]) if isinstance(actual[name], tuple) else actual[name]
            assert told == value, name


@pytest.mark.parametrize('word', [*policy.AGGREGATIONS, *policy.STRATEGIES, *policy.DIALECTS,
                                  *EVENT_TYPES, *COMMAND_TOPICS])
def test_every_choice_is_documented(word):
    assert word in DOCS


def test_every_command_is_installed_by_pip_and_by_colcon():
    repository = Path(__file__).parents[2]
    commands = set(re.findall(r'\bfer-[a-z-]+', DOCS))
    assert {'fer-policy', 'fer-virtual-room'} <= commands
    setup = (repository / 'setup.py').read_text(encoding='utf-8')
    for command in commands:
        module, function = re.search(rf"'{command}=([a-z_.]+):(\w+)'", setup).groups()
        script = repository / 'scripts' / command
        assert script.stat().st_mode & 0o111
        text = script.read_text(encoding='utf-8')
        assert (f'from {module} import {function}' in text
                or module == 'fer_ros.cli.startup' and f"'fer_ros.cli.{function}'" in text)

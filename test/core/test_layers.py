# SPDX-License-Identifier: Apache-2.0
"""The core knows no ROS, and the decisions know no clock, no network and no chance."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / 'fer_ros' / 'core'
#: Where a file was installed may be asked of ament, which is no ROS and may be absent.
ROS = ('rclpy', 'launch', 'cv_bridge', 'builtin_interfaces', 'fer_ros.msg',
       'fer_ros.srv', 'fer_ros.nodes', 'fer_ros.conversions',
       'fer_ros.cli', 'fer_ros.dashboard')


def imported(path):
    """Return the full names that a file imports: modules, and what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(CORE.parents[1]).parts[:-node.level] if node.level else ()
            module = '.'.join([*parents, *filter(None, [node.module])])
            names |= {f'{module}.{alias.name}' for alias in node.names}
    return names


@pytest.mark.parametrize('path', sorted(CORE.rglob('*.py')),
                         ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_imports_no_ros(path):
    found = [name for name in imported(path) if name.split('.')[0].endswith('_msgs')
             or any(name == ros or name.startswith(f'{ros}.') for ros in ROS)]
    assert not found


@pytest.mark.parametrize('name', ['engine', 'aggregation', 'ambience', 'light', 'action'])
def test_decisions_depend_on_what_they_are_given_alone(name):
    path = CORE / 'home' / f'{name}.py'
    modules = {part.split('.')[0] for part in imported(path)}
    assert not modules & {'time', 'random', 'socket', 'threading', 'urllib', 'ssl', 'paho',
                          'secrets', 'os', 'subprocess', 'asyncio'}
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
             if isinstance(node, ast.Attribute)}
    assert not calls & {'now', 'utcnow', 'today', 'monotonic'}

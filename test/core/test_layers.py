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


HOME = CORE / 'home'
#: What opens connections and runs threads, what joins it all, and what reads secrets.
WORLD = [*(HOME / 'world').glob('*.py'), HOME / 'controller.py', HOME / 'policy' / 'servers.py']
NETWORK = {'socket', 'threading', 'urllib', 'ssl', 'paho', 'asyncio', 'subprocess'}


def names(paths):
    return {'argvalues': sorted(paths), 'ids': lambda path: str(path.relative_to(HOME))}


@pytest.mark.parametrize('path', **names(set(HOME.rglob('*.py')) - set(WORLD)))
def test_the_home_depends_on_what_it_is_given_alone(path):
    modules = {part.split('.')[0] for part in imported(path)}
    assert not modules & {*NETWORK, 'time', 'random', 'secrets', 'os'}
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
             if isinstance(node, ast.Attribute)}
    assert not calls & {'now', 'utcnow', 'today', 'monotonic'}


@pytest.mark.parametrize('folder', ['decisions', 'kinds', 'policy', 'devices'])
def test_what_is_pure_does_not_know_the_world(folder):
    for path in (HOME / folder).glob('*.py'):
        found = [name for name in imported(path)
                 if name.startswith(('fer_ros.core.home.world', 'fer_ros.core.home.controller'))]
        assert not found, path


def test_only_the_world_opens_connections():
    found = {path.name for path in HOME.rglob('*.py')
             if {part.split('.')[0] for part in imported(path)} & NETWORK}
    assert found <= {path.name for path in WORLD if path.name != 'controller.py'}


def test_pip_installs_every_folder_of_code():
    # Its name alone may be there: what Debian leaves of it has no code.
    discovery = pytest.importorskip('setuptools.discovery')
    packages = set(discovery.PackageFinder.find(
        str(CORE.parents[1]), include=['fer_ros', 'fer_ros.*']))
    folders = {'.'.join(path.parent.relative_to(CORE.parents[1]).parts)
               for path in CORE.parent.rglob('*.py')}
    assert folders == packages

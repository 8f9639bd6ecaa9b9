# SPDX-License-Identifier: Apache-2.0
"""``fer-home``: cameras, faces, emotions, lights and a page in one process, without ROS.

Without a command it runs until it is stopped: SIGTERM or Ctrl-C restores the lights, SIGHUP
reloads the configuration and the policy.
"""

import argparse
import os
from pathlib import Path
import signal
import sys
import threading

# Slow imports come below, where a signal ends the process cleanly.
from fer_ros.cli.output import pipeable
from fer_ros.errors import ConfigurationError, FerError
from fer_ros.signals import heed

#: Default configuration of the service.
DEFAULT_CONFIG = Path('/etc/fer-home/home.yaml')


@pipeable
def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 is good, 1 a failure, 2 a configuration that cannot be used."""
    # Nothing has been made yet that needs an orderly end.
    heed(lambda: os._exit(0), signal.SIGINT, signal.SIGTERM)
    parser = _parser()
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.work is not _check:
        parser.error(f'unknown argument: {" ".join(rest)}')
    chosen.rest = rest
    try:
        return chosen.work(chosen)
    except FerError as error:
        from fer_ros.standalone.journal import under_journal
        start = '<3>' if under_journal() else 'fer-home: '
        for line in str(error).splitlines():
            print(f'{start}{line}', file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='fer-home', description=__doc__.partition('\n\n')[0].replace('``', ''),
        epilog='docs/at_home.md explains the configuration, the service and the container.')
    parser.set_defaults(work=_run)
    _add_options(parser)
    commands = parser.add_subparsers(title='commands', metavar='')
    check = commands.add_parser(
        'check', help='check this machine for problems, and suggest fixes',
        description='fer-doctor, for the cameras and the policy of a configuration; options of '
        'fer-doctor, such as --connect and --json, may follow.')
    # SUPPRESS: a --config before the command counts too.
    check.add_argument('--config', type=Path, metavar='FILE', default=argparse.SUPPRESS,
                       help=f'the configuration ({DEFAULT_CONFIG}, if it exists)')
    check.set_defaults(work=_check)
    service = commands.add_parser(
        'service', help='print the systemd unit, or install it',
        description='Print the systemd unit of fer-home, or install it.')
    service.add_argument('--install', action='store_true',
                         help='write it to --unit-dir instead of printing it')
    service.add_argument('--unit-dir', type=Path, default=Path('/etc/systemd/system'),
                         metavar='DIR', help='(%(default)s)')
    service.add_argument('--config', type=Path, default=argparse.SUPPRESS, metavar='FILE',
                         help=f'the configuration ({DEFAULT_CONFIG})')
    service.set_defaults(work=_service)
    health = commands.add_parser('health', help='check whether a running fer-home works '
                                 '(for a container); requires its page')
    health.add_argument('--config', type=Path, metavar='FILE', default=argparse.SUPPRESS,
                        help='the configuration of the running fer-home')
    health.add_argument('--port', type=int, default=argparse.SUPPRESS, help='port of the page '
                                                                            '(8088)')
    health.set_defaults(work=_health)
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', type=Path, metavar='FILE',
                        help='configuration file; the options below override it')
    parser.add_argument('--source', metavar='SOURCE', help='camera device (0 or /dev/video0), '
                        'video file, folder of images, or RTSP/HTTP URL')
    parser.add_argument('--room', action='append', metavar='ROOM',
                        help='a room of the policy that the camera sees; may be repeated')
    parser.add_argument('--policy', metavar='FILE', help='policy file; the shipped one by '
                        'default')
    parser.add_argument('--loop', action='store_true', help='play a file or folder in a '
                        'again')
    parser.add_argument('--dry-run', action='store_true', help='only show the actions: no '
                        'broker, no Home Assistant, no secrets read')
    parser.add_argument('--web', action=argparse.BooleanOptionalAction, default=None,
                        help='enable or disable the page')
    parser.add_argument('--address', help='address of the page (127.0.0.1); any but loopback '
                        'requires a token, in FER_DASHBOARD_TOKEN or --token-file')
    parser.add_argument('--port', type=int, help='port of the page (8088); 0: any free one')
    parser.add_argument('--token-file', metavar='FILE', help='file with the token that viewers '
                        'must know')
    parser.add_argument('--verbose', action='store_true', help='log more')


def _options(chosen: argparse.Namespace):
    from fer_ros.standalone.config import Options
    page = {name: getattr(chosen, name) for name in ('address', 'port', 'token_file')
            if getattr(chosen, name) is not None}
    return Options(
        source=chosen.source, rooms=None if chosen.room is None else tuple(chosen.room),
        policy=chosen.policy, loop=chosen.loop, dry_run=chosen.dry_run, web=chosen.web, page=page)


def _run(chosen: argparse.Namespace) -> int:
    from fer_ros.standalone.config import load_config
    from fer_ros.standalone.journal import start_log
    start_log(verbose=chosen.verbose)
    options = _options(chosen)
    config = load_config(chosen.config, options)
    # OpenCV and the runtimes are imported after the check, so that errors appear at once.
    from fer_ros.standalone.service import END_S, HomeService
    stop, reload = threading.Event(), threading.Event()

    def end(*_) -> None:
        if stop.is_set():
            # A second signal must not leave the lights changed.
            os.write(2, b'fer-home: restoring the lights; it ends within %d s\n' % END_S)
        stop.set()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    # SIGHUP reloads a service; from a closed terminal window it ends the program.
    terminal = _has_terminal()
    signal.signal(signal.SIGHUP, lambda *_: stop.set() if terminal and not _has_terminal()
                  else reload.set())
    service = HomeService(config)
    try:
        return service.run(stop, reload, lambda: load_config(chosen.config, options))
    finally:
        bound = threading.Timer(END_S, _give_up, (END_S,))
        bound.daemon = True
        bound.start()
        service.close()
        bound.cancel()


def _has_terminal() -> bool:
    try:
        os.close(os.open('/dev/tty', os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _give_up(after_s: float) -> None:
    names = ', '.join(thread.name for thread in threading.enumerate() if not thread.daemon)
    print(f'fer-home: not ended within {after_s:g} s, giving up ({names})', file=sys.stderr,
          flush=True)
    os._exit(1)


def _check(chosen: argparse.Namespace) -> int:
    try:
        from fer_ros.cli import doctor
    except ImportError as error:
        raise FerError(f'the doctor is not part of this installation ({error})') from error
    from fer_ros.standalone.config import load_config
    file = chosen.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    arguments = []
    if file is not None:
        config = load_config(file)
        arguments = ['--policy', str(config.policy_file)]
        for camera in config.cameras:
            arguments += ['--camera', camera.settings['source']]
    return doctor.main([*arguments, *chosen.rest])


def _service(chosen: argparse.Namespace) -> int:
    from fer_ros.standalone.unit import install, unit_text
    config = chosen.config or DEFAULT_CONFIG
    text = unit_text(config)
    if not chosen.install:
        print(text, end='')
        return 0
    print(install(chosen.unit_dir, text, config))
    return 0


def _health(chosen: argparse.Namespace) -> int:
    from fer_ros.standalone.health import ask
    print(ask(chosen.config, chosen.port))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

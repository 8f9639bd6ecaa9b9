# SPDX-License-Identifier: Apache-2.0
"""fer-demo: run the whole pipeline on real input and watch it in a terminal or browser."""

from importlib.util import find_spec
import signal
import sys
import threading

from fer_ros.cli import demo_options
from fer_ros.errors import FerError
from fer_ros.requirements import EXIT_NOT_INSTALLED
from fer_ros.signals import heed
from fer_ros.start_checks import ready


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; return 0 on success, 1 with a one-line message when it could not run."""
    options = demo_options.parse(arguments)
    stop = threading.Event()
    heed(stop.set, signal.SIGINT, signal.SIGTERM)
    # Without any ROS 2 there is more to say than that rclpy is missing: below.
    if find_spec('rclpy') and not ready('demo', *(['dashboard'] if options.web else [])):
        return EXIT_NOT_INSTALLED
    try:
        try:
            demo_options.check(options)
            from fer_ros.cli.demo_run import run
        except ImportError as error:
            raise FerError(
                f'{error}: the demo requires ROS 2, the messages of fer_ros and its requirements. '
                'Source your ROS workspace, or run "make demo" in the repository, which installs '
                'a ROS 2; fer-home does not require it') from error
        run(options, stop)
    except FerError as error:
        print(f'fer-demo: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

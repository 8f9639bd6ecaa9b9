# SPDX-License-Identifier: Apache-2.0
"""Start of the commands: report what is missing before heavy imports."""

from importlib import import_module
import os
import signal
import sys

from fer_ros.requirements import EXIT_NOT_INSTALLED
from fer_ros.signals import heed, interrupt
from fer_ros.start_checks import ready

#: The exit code of shells for a program ended by Ctrl-C.
INTERRUPTED = 130


def main_of(module: str, *, checked: bool = True) -> int:
    """Import a command's module and call its ``main``; return the exit code.

    Ctrl-C ends it without a traceback at every moment; commands that have more to do then catch
    it themselves.

    :param checked: look first for the packages that it needs; some say more of that themselves.
    """
    # Nothing has been made yet that needs an orderly end, and an exception raised inside an
    # import may be caught by whoever imports.
    heed(lambda: os._exit(INTERRUPTED), signal.SIGINT)
    if checked and not ready(module.rpartition('.')[2]):
        return EXIT_NOT_INSTALLED
    main = import_module(module).main
    interrupt()
    try:
        return main()
    except KeyboardInterrupt:
        return INTERRUPTED


def bench() -> int:
    """Run fer-bench."""
    return main_of('fer_ros.bench.__main__')


def demo() -> int:
    """Run fer-demo, whose message without ROS is longer."""
    return main_of('fer_ros.cli.demo', checked=False)


def doctor() -> int:
    """Run fer-doctor, which finds what is missing."""
    return main_of('fer_ros.cli.doctor', checked=False)


def evaluate() -> int:
    """Run fer-eval."""
    return main_of('fer_ros.cli.evaluate')


def graph() -> int:
    """Run fer-graph."""
    return main_of('fer_ros.cli.graph')


def habits() -> int:
    """Run fer-habits."""
    return main_of('fer_ros.cli.habits')


def home() -> int:
    """Run fer-home; its check command also runs on machines that lack something."""
    if sys.argv[1:2] == ['check']:
        return import_module('fer_ros.cli.home').main()
    return main_of('fer_ros.cli.home')


def model() -> int:
    """Run fer-model."""
    return main_of('fer_ros.cli.model')


def policy() -> int:
    """Run fer-policy."""
    return main_of('fer_ros.cli.policy')


def virtual_room() -> int:
    """Run fer-virtual-room."""
    return main_of('fer_ros.cli.virtual_room')

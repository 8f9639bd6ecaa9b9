# SPDX-License-Identifier: Apache-2.0
"""Report the status and problems of a home."""

from collections.abc import Callable
import re

from fer_ros.health import ERROR, SILENCE, Status, WARN
from fer_ros.home.controller import HomeController

#: Interval of calls of :meth:`HomeController.tick`, seconds.
TICK_S = 0.1
#: Problems in the first seconds are usually parts that have not started yet.
PATIENCE_S = 5.0


def report(home: HomeController, status: Status, *, young: bool) -> None:
    """Add the state of rooms and connections, and problems.

    :param young: within the first :data:`PATIENCE_S`, when only serious problems count.
    """
    for name, count in home.counts.items():
        status.values[name] = count
    status.values.update(home.connections)
    for state in home.snapshots:
        status.values[state.room] = (
            f'{"on" if state.enabled else "off"}, policy {state.policy}, '
            f'{state.emotion or "unknown"}, last action {state.last_action or "none"}'
            + (f', on hold for {state.hold_left_s:.0f} s: {state.hold_reason}'
               if state.on_hold else ''))
        if state.blocked_reason:
            status.values[f'{state.room} waits'] = state.blocked_reason
    complaints = [complaint for complaint in home.complaints()
                  if complaint.serious or not young]
    for complaint in complaints:
        status.worsen(ERROR if complaint.serious else WARN, complaint.text)
    if silence := '; '.join(complaint.text for complaint in complaints if complaint.silence):
        status.values[SILENCE] = silence


class Complaints:
    """Logs each problem of a home once while it lasts.

    :param error: takes the text of serious problems, ``warning`` of others.
    """

    def __init__(self, error: Callable[[str], object], warning: Callable[[str], object]):
        self._error, self._warning = error, warning
        self._reported: set[str] = set()

    def update(self, home: HomeController, *, young: bool) -> None:
        """Log new problems, and forget those that are over."""
        complaints = [complaint for complaint in home.complaints()
                      if complaint.serious or not young]
        for complaint in complaints:
            if _same(complaint.text) not in self._reported:
                (self._error if complaint.serious else self._warning)(complaint.text)
        self._reported = {_same(complaint.text) for complaint in complaints}


def _same(text: str) -> str:
    """Return a text without its numbers: with other numbers it is the same problem."""
    return re.sub(r'(?<=[\s(])-?\d+(\.\d+)?(?=[\s,;)%]|$)', '#', text)

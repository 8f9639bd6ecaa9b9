# SPDX-License-Identifier: Apache-2.0
"""What runs a house: a person's commands by name, its report, and its complaints, told once."""

from collections.abc import Callable

from fer_ros.core.errors import ConfigurationError
from fer_ros.core.health import ERROR, Status, WARN
from fer_ros.core.home.house import House

#: How often :meth:`House.tick` is to be called, seconds.
TICK_S = 0.1
#: What is wrong in the first seconds is usually only not started yet.
PATIENCE_S = 5.0
#: What a person can ask for, by the names that the page uses.
COMMANDS = ('enable', 'disable', 'revert', 'resume', 'policy')


def command(house: House, name: str, now_s: float, room: str = '', policy: str = '') -> str:
    """Do what a person asks for; return what was done, in words.

    :param name: one of :data:`COMMANDS`.
    :param room: empty: all rooms.
    :param policy: which one, for 'policy'.
    :raises ConfigurationError: for an unknown command, room or policy.
    """
    chosen = room or None
    if name in ('enable', 'disable'):
        house.set_enabled(name == 'enable', now_s, chosen)
        done = 'switched on' if name == 'enable' else 'switched off'
    elif name == 'revert':
        house.revert(now_s, chosen)
        done = 'reverted, and on hold'
    elif name == 'resume':
        house.resume(now_s, chosen)
        done = 'resumed'
    elif name == 'policy':
        house.select(policy, chosen)
        done = f'policy {policy}'
    else:
        raise ConfigurationError(f'unknown command {name}')
    return f'{room or "all rooms"}: {done}'


def report(house: House, status: Status, *, young: bool) -> None:
    """Add the state of rooms and connections, and what is wrong.

    :param young: within the first :data:`PATIENCE_S`, when only what will not mend itself counts.
    """
    for name, count in house.counts.items():
        status.values[name] = count
    status.values.update(house.connections)
    for room in house.rooms:
        state = house.status(room)
        status.values[room] = (
            f'{"on" if state.enabled else "off"}, policy {state.policy}, '
            f'{state.emotion or "unknown"}, last action {state.last_action or "none"}'
            + (f', on hold for {state.hold_left_s:.0f} s: {state.hold_reason}'
               if state.on_hold else ''))
        if state.why_not:
            status.values[f'{room} waits'] = state.why_not
    for complaint in house.complaints():
        if complaint.serious or not young:
            status.worsen(ERROR if complaint.serious else WARN, complaint.text)


class Complaints:
    """Tell each complaint of a house once while it lasts.

    :param error: takes the text of one that will not mend itself, and ``warning`` of others.
    """

    def __init__(self, error: Callable[[str], object], warning: Callable[[str], object]):
        self._error, self._warning = error, warning
        self._told: set[str] = set()

    def update(self, house: House, *, young: bool) -> None:
        """Tell what is new, and forget what is over."""
        complaints = [complaint for complaint in house.complaints()
                      if complaint.serious or not young]
        for complaint in complaints:
            if complaint.text not in self._told:
                (self._error if complaint.serious else self._warning)(complaint.text)
        self._told = {complaint.text for complaint in complaints}

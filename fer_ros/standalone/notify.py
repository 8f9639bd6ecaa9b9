# SPDX-License-Identifier: Apache-2.0
"""Notify systemd of the service's state (sd_notify(3))."""

from collections.abc import Mapping
import os
import socket


class Notifier:
    """Sends states to the service manager; does nothing without one.

    :param environment: as systemd sets it for a service of ``Type=notify``.
    :ivar watchdog_s: watchdog interval, seconds; 0: no watchdog.
    """

    def __init__(self, environment: Mapping[str, str] | None = None):
        environment = os.environ if environment is None else environment
        address = environment.get('NOTIFY_SOCKET', '')
        # A leading @ represents the null byte of Linux's abstract addresses.
        self._address = '\0' + address[1:] if address.startswith('@') else address
        self.watchdog_s = 0.0
        if environment.get('WATCHDOG_PID', str(os.getpid())) == str(os.getpid()):
            text = environment.get('WATCHDOG_USEC', '')
            self.watchdog_s = int(text) / 1e6 if text.isdigit() else 0.0

    def send(self, *states: str) -> None:
        """Send states such as ``READY=1``; a manager that does not listen is not an error."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                link.settimeout(1.0)
                link.sendto('\n'.join(states).encode(), self._address)
        except OSError:
            pass

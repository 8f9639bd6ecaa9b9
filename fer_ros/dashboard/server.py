# SPDX-License-Identifier: Apache-2.0
"""The web server: waitress in a thread, configured for streams and a clean stop.

Idle or slow connections cannot block others: an address gets a share of the connections, and a
request must arrive completely within some seconds.
"""

from collections.abc import Callable
import logging
import time

from fer_ros.errors import FerError
from fer_ros.workers import Faults, Worker
import waitress
from waitress.channel import HTTPChannel

#: Threads in addition to those for streams: for the page, its data and pictures.
_SPARE_THREADS = 6
#: Timeouts for a request, and for the first one of a connection, seconds.
REQUEST_S = 10.0
#: Waits while closing, seconds: for work to end by itself, for the server's loop, and for work
#: whose viewer has disconnected.
_CLOSING_S = (0.6, 0.5, 0.5)


class _Channel(HTTPChannel):
    """A connection that measures how long its next request takes to arrive.

    :ivar begun_s: its start, by a clock that does not jump; None if there is none.
    """

    def __init__(self, *arguments, **options):
        self.begun_s: float | None = time.monotonic()
        super().__init__(*arguments, **options)

    def received(self, data: bytes) -> bool:
        """Process bytes of a request."""
        taken = super().received(data)
        if self.request is not None:
            self.begun_s = self.begun_s or time.monotonic()
        elif data.strip(b'\r\n'):
            # Empty lines are not a request.
            self.begun_s = None
        return taken

    @property
    def late(self) -> bool:
        """Whether a request is overdue."""
        return not self.requests and self.begun_s is not None \
            and time.monotonic() - self.begun_s > REQUEST_S


class Server:
    """Serves a WSGI application in a thread until closed.

    :param address: an IP address.
    :param port: 0 uses any free one.
    :param streams: number of requests that may stay open.
    :param faults: where errors of its thread are recorded.
    :param is_proxy: returns whether an address is a trusted proxy's.
    :raises FerError: when the port is not available.
    """

    def __init__(self, app, address: str, port: int, streams: int,
                 faults: Faults | None = None,
                 is_proxy: Callable[[str], bool] = lambda address: False):
        self._sockets: dict = {}
        self._is_proxy = is_proxy
        self._places = 8 * streams + 32
        # It warns of many viewers once per second, and of connections cut at the end.
        logging.getLogger('waitress').setLevel(logging.ERROR)
        try:
            self._server = waitress.create_server(
                app, map=self._sockets, host=address, port=port,
                threads=2 * streams + _SPARE_THREADS, connection_limit=self._places,
                # Do not queue pictures for a slow viewer.
                outbuf_high_watermark=64 * 1024,
                channel_timeout=60, cleanup_interval=1, max_request_header_size=16 * 1024,
                max_request_body_size=64 * 1024, ident=None, asyncore_use_poll=True,
                # Access decides which proxies are trusted.
                clear_untrusted_proxy_headers=False)
        except OSError as error:
            raise FerError(f'cannot listen on {address} port {port}: {error.strerror}; is another '
                           'dashboard running? Set port to another number') from error
        self._server.channel_class = self._admit
        self._close_idle = self._server.maintenance
        self._server.maintenance = self._close_late
        port = self._server.effective_port
        host = f'[{address}]' if ':' in address else address
        self.url = f'http://{host}:{port}'
        self._worker = Worker('dashboard server', self._server.run, faults or Faults()).start()

    def close(self) -> None:
        """Stop within two seconds; streams must have been closed before."""
        workers = self._server.task_dispatcher
        by_itself_s, loop_s, cut_off_s = _CLOSING_S
        workers.shutdown(timeout=by_itself_s)
        # The loop ends when it has no sockets left. They are closed after it: this thread or a
        # worker may still write to its pipe to wake it.
        self._server.trigger.pull_trigger(self._sockets.clear)
        self._worker.end(loop_s)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()  # wakes a worker that waits for a viewer who does not read
        workers.shutdown(timeout=cut_off_s)
        if workers.threads:
            # Keep the pipe: the worker would otherwise write to a reused file descriptor.
            self._server.socket.close()
        else:
            self._server.close()

    def _admit(self, server, sock, address, settings, map=None):
        """Accept a new connection, or close it; called by the server's loop.

        If an address or the server has too many, the connection with the slowest request is
        closed in favor of the new one.
        """
        channels = list(server.active_channels.values())
        mine = [] if self._is_proxy(address[0]) else [
            channel for channel in channels if channel.addr[0] == address[0]]
        for crowd, places in ((mine, self._places // 2), (channels, 3 * self._places // 4)):
            waiting = [channel for channel in crowd
                       if channel.begun_s is not None and not channel.requests]
            if len(crowd) >= places and waiting:
                min(waiting, key=lambda channel: channel.begun_s).handle_close()
                break
            if crowd is mine and len(crowd) >= places:
                sock.close()
                return None
        return _Channel(server, sock, address, settings, map=map)

    def _close_late(self, now: float) -> None:
        """Close connections with an overdue request; called by the server's loop."""
        for channel in list(self._server.active_channels.values()):
            if channel.late:
                channel.will_close = True
        self._close_idle(now)

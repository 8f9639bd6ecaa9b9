# SPDX-License-Identifier: Apache-2.0
"""The web server: waitress in a thread, made so that streams flow and it can be stopped."""

import logging

from fer_ros.errors import FerError
from fer_ros.workers import Faults, Worker
import waitress

#: Beyond what streams take: for the page, its data and its pictures.
_SPARE_THREADS = 6


class Server:
    """Serve an application until closed.

    :param address: an IP address.
    :param port: 0 takes a free one.
    :param streams: so many requests may stay open at a time.
    :param faults: where errors of its thread are recorded.
    :raises FerError: when the port cannot be had.
    """

    def __init__(self, app, address: str, port: int, streams: int,
                 faults: Faults | None = None):
        self._sockets: dict = {}
        # Said once a second otherwise when many viewers come at once.
        logging.getLogger('waitress.queue').setLevel(logging.ERROR)
        try:
            self._server = waitress.create_server(
                app, map=self._sockets, host=address, port=port,
                threads=2 * streams + _SPARE_THREADS, connection_limit=8 * streams + 32,
                # No pictures are heaped up for a slow viewer.
                outbuf_high_watermark=64 * 1024,
                channel_timeout=60, max_request_body_size=64 * 1024, ident=None)
        except OSError as error:
            raise FerError(f'cannot listen on {address} port {port}: {error.strerror}; is another '
                           'dashboard running? Set port to another number') from error
        port = self._server.effective_port
        host = f'[{address}]' if ':' in address else address
        self.url = f'http://{host}:{port}'
        self._worker = Worker('dashboard server', self._server.run, faults or Faults()).start()

    def close(self) -> None:
        """Stop; whoever streams must have been told before."""
        workers = self._server.task_dispatcher
        workers.shutdown(timeout=3)
        # The loop ends when it has no socket left. They are closed after it: whoever wakes it, we
        # or a worker, still writes into its pipe.
        self._server.trigger.pull_trigger(self._sockets.clear)
        self._worker.end(5)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()  # wakes the worker that waits for a viewer who reads nothing
        workers.shutdown(timeout=3)
        if workers.threads:
            # The pipe stays: what such a worker writes would go to whoever got its number.
            self._server.socket.close()
        else:
            self._server.close()

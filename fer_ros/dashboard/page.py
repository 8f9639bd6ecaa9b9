# SPDX-License-Identifier: Apache-2.0
"""Run the page from settings, for the dashboard node and fer-home."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fer_ros import __version__
from fer_ros.dashboard.access import Access, bind_address, read_token
from fer_ros.dashboard.events import Events
from fer_ros.dashboard.pictures import Pictures
from fer_ros.dashboard.state import DashboardState
from fer_ros.errors import ConfigurationError
from fer_ros.parameters import Parameter
from fer_ros.workers import Faults

PAGE_PARAMETERS = (
    Parameter('address', '127.0.0.1', 'IP address to listen on; any but loopback needs a token, '
              'in FER_DASHBOARD_TOKEN or token_file'),
    Parameter('port', 8088, 'port to listen on; 0: any free one', minimum=0, maximum=65535),
    Parameter('token_file', '', 'file with the token that viewers must know; empty: the '
              'environment variable FER_DASHBOARD_TOKEN'),
    Parameter('host_names', '', 'other host names under which a proxy serves the page, separated '
              'by commas; needs a token'),
    Parameter('trusted_proxies', '', 'IP addresses or networks, separated by commas, of proxies '
              'whose X-Forwarded-For and X-Forwarded-Proto are trusted; needs a token'),
    Parameter('picture', True, 'show the pictures; false: labels only, and no image is read',
              dynamic=True),
    Parameter('picture_rate_hz', 15.0, 'maximum pictures per second and camera', minimum=0.5,
              maximum=60.0),
    Parameter('picture_width_px', 960, 'wider pictures are shrunk to this width', minimum=64,
              maximum=4096),
    Parameter('picture_quality', 80, 'JPEG quality', minimum=10, maximum=100),
    Parameter('update_rate_hz', 10.0, 'maximum updates of the page per second', minimum=0.5,
              maximum=30.0),
    Parameter('history_h', 4.0, 'how long emotions are kept, in memory only, hours; 0: not at '
              'all', minimum=0.0, maximum=48.0),
    Parameter('gone_after_s', 1.8, 'a node not seen for this long is shown as gone, seconds',
              minimum=1.2, maximum=60.0),
    Parameter('maximum_viewers', 10, 'maximum number of viewers at a time', minimum=1,
              maximum=100),
)


def _words(text: str) -> list[str]:
    """Return the parts of a comma-separated text."""
    return [word.strip() for word in text.split(',') if word.strip()]


class Page:
    """The page: its state and access control, and the server while it is open.

    :param cameras: the cameras' names.
    :param values: all of :data:`PAGE_PARAMETERS` by name.
    :param now: returns the time, seconds.
    :param control: as ``health`` and ``recording``: see :class:`fer_ros.dashboard.app.Site`.
    :ivar state: the displayed state, written by the owner of the page.
    :ivar pictures: takes images while the page is open.
    :ivar faults: errors of its threads.
    :raises ConfigurationError: when Flask or waitress is missing, or for an unusable address or
        token.
    """

    def __init__(self, cameras: Sequence[str], values: Mapping[str, Any],
                 now: Callable[[], float],
                 control: Callable[[str, str, str], tuple[bool, str]],
                 health: Callable[[], str] = str, *, recording: str = ''):
        try:
            from fer_ros.dashboard.app import make_app, Site
            from fer_ros.dashboard.server import Server
        except ImportError as error:
            raise ConfigurationError(f'{error}: pip install flask waitress, or apt install '
                                     'python3-flask python3-waitress') from error
        self._make_app, self._make_site, self._make_server = make_app, Site, Server
        self._cameras, self._values = tuple(cameras), dict(values)
        self._now, self._control, self._health = now, control, health
        self._recording = recording
        self.faults = Faults()
        self._address = bind_address(values['address'])
        names = tuple(_words(values['host_names'].lower()))
        proxies = tuple(_words(values['trusted_proxies']))
        self._access = Access(self._address, read_token(values['token_file']), names, proxies)
        self.state = DashboardState(self._cameras, history_h=values['history_h'],
                                    gone_after_s=values['gone_after_s'])
        self.pictures: Pictures | None = None
        self._events: Events | None = None
        self._server = None

    @property
    def url(self) -> str:
        """The page's URL, while it is open."""
        return '' if self._server is None else self._server.url

    @property
    def viewers(self) -> int:
        """Number of connected viewers."""
        return 0 if self._events is None else self._events.listeners

    def open(self) -> None:
        """Start the server.

        :raises FerError: when the port is not available; nothing is left running then.
        """
        values = self._values
        self.pictures = Pictures(self._cameras, rate_hz=values['picture_rate_hz'],
                                 width_px=values['picture_width_px'],
                                 quality=values['picture_quality'])
        self._events = Events(self.state, self._now, rate_hz=values['update_rate_hz'],
                              limit=values['maximum_viewers'], faults=self.faults)
        try:
            self._server = self._make_server(
                self._make_app(self._make_site(self.state, self.pictures, self._events,
                                               self._access, self._now, self._control,
                                               __version__, recording=self._recording,
                                               health=self._health)),
                self._address, values['port'], 2 * values['maximum_viewers'], self.faults,
                self._access.is_proxy)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the streams to browsers and stop the server; the state is kept."""
        if self._events is not None:
            self.pictures.close()
            self._events.close()
            self._events = None
        if self._server is not None:
            self._server.close()
            self._server = None

# SPDX-License-Identifier: Apache-2.0
"""Check through its page whether a running fer-home works."""

import ipaddress
import json
from pathlib import Path
import urllib.error
import urllib.request

from fer_ros.dashboard.access import bind_address
from fer_ros.dashboard.page import PAGE_PARAMETERS
from fer_ros.errors import FerError
from fer_ros.parameters import defaults
from fer_ros.standalone.config import read_page

_TIMEOUT_S = 5.0


def ask(config: Path | None, port: int | None) -> str:
    """Return a message that it works.

    :param config: the configuration of the running fer-home; None: the defaults.
    :param port: port of the page; None: that of the configuration.
    :raises FerError: when it does not work or respond.
    """
    page = defaults(PAGE_PARAMETERS) if config is None else read_page(config)
    address = ipaddress.ip_address(bind_address(page['address']))
    if address.is_unspecified:
        address = ipaddress.ip_address('::1' if address.version == 6 else '127.0.0.1')
    host = f'[{address}]' if address.version == 6 else str(address)
    url = f'http://{host}:{page["port"] if port is None else port}/api/health'
    # Never through a proxy: the page is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        try:
            reason = json.loads(error.read())['message']
        except (ValueError, KeyError, TypeError):
            reason = f'HTTP {error.code}'
        raise FerError(f'{url}: {reason}') from error
    except OSError as error:
        raise FerError(f'{url}: no response ({getattr(error, "reason", error)}); is fer-home '
                       'running, with its page?') from error
    return 'fer-home works'

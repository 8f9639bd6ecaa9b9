# SPDX-License-Identifier: Apache-2.0
"""Brokers, spies and houses that end with the test."""

import shutil
import subprocess
import time

from fer_ros.home.controller import HomeController
from fer_ros.home.policy import Broker, parse_policy
from fer_ros.home.world.virtual_room import VirtualRoom
from home_support import emotion
from mosquitto import BINARY, Mosquitto, Spy, wait_for, WHY_NOT
import pytest
from service_manager import Manager
from waiting import PATIENCE_S

PASSWD = shutil.which('mosquitto_passwd')
OPENSSL = shutil.which('openssl')
SECRET = 'correct horse battery'
#: Fast, so that the tests are; the pauses themselves are tested by their own.
QUICK = {'backoff_s': (0.2, 0.5)}

POLICY = """
version: 1
broker: {{host: 127.0.0.1, port: {port}, expire_after_s: 6{broker}}}
policies:
  mirror:
    by_emotion:
      happy: {{strategy: mirror}}
      sad: {{strategy: mirror}}
  warm:
    by_emotion:
      happy: {{brightness: 0.3, color_temperature_k: 2200}}
rooms:
  study:
    policy: mirror
    targets:
      lamp: {{type: mqtt_light, topic: virtual_room/lamp}}
    smoothing_s: 0.1
    dwell_s: 0.4
    cooldown_s: 0.2
    transition_s: 0.3
    stale_after_s: 0.6
    nobody: {{after_s: 0.6}}
    hold: {{scope: room, for_s: 60, settle_s: 0.5}}
"""


@pytest.fixture
def broker(tmp_path):
    """Make brokers with options of mosquitto; without any, everybody may do everything."""
    if BINARY is None:
        pytest.skip(WHY_NOT)
    made = []

    def make(*options, port=None):
        made.append(Mosquitto(tmp_path, *options, port=port))
        return made[-1]
    yield make
    for one in made:
        one.kill()


@pytest.fixture
def guarded(broker, tmp_path):
    """Return a broker with a password and an access list."""
    if PASSWD is None:
        pytest.skip('mosquitto_passwd is not installed')
    passwords, rights = tmp_path / 'passwords', tmp_path / 'rights'
    subprocess.run([PASSWD, '-c', '-b', str(passwords), 'bridge', SECRET], check=True)
    rights.write_text('user bridge\ntopic readwrite allowed/#\n'
                      'topic readwrite test/#\ntopic readwrite fer_ros/#\n'
                      'topic readwrite homeassistant/#\ntopic read virtual_room/#\n')
    return broker('allow_anonymous false', f'password_file {passwords}', f'acl_file {rights}')


@pytest.fixture(scope='session')
def certificates(tmp_path_factory):
    """Return a folder with two authorities and a server's certificate for localhost."""
    if OPENSSL is None:
        pytest.skip('openssl is not installed')
    folder = tmp_path_factory.mktemp('certificates')

    def openssl(*arguments):
        subprocess.run([OPENSSL, *arguments], check=True, cwd=folder, capture_output=True)

    for name in ('ca', 'other'):
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                '-nodes', '-keyout', f'{name}.key', '-out', f'{name}.pem', '-days', '2', '-subj',
                f'/CN={name}', '-addext', 'basicConstraints=critical,CA:TRUE',
                '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
    (folder / 'names').write_text('subjectAltName=DNS:localhost\n'
                                  'authorityKeyIdentifier=keyid\n')
    openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key',
            '-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'server.pem')
    return folder


@pytest.fixture
def encrypted(broker, certificates):
    """Return a broker that speaks TLS as localhost."""
    return broker('allow_anonymous true', f'certfile {certificates}/server.pem',
                  f'keyfile {certificates}/server.key')


@pytest.fixture
def login(monkeypatch):
    """Return the login, its password in the environment."""
    monkeypatch.setenv('BRIDGE_PASSWORD', SECRET)
    return {'username': 'bridge', 'password': {'env': 'BRIDGE_PASSWORD'}}


@pytest.fixture
def spy():
    """Make spies."""
    made = []

    def make(port, **login):
        made.append(Spy(port, **login))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def virtual_room():
    """Make virtual rooms behind a broker."""
    made = []

    def make(port, **options):
        made.append(VirtualRoom(Broker(host='127.0.0.1', port=port), connection_options=QUICK,
                                **options))
        made[-1].start()
        wait_for(lambda: made[-1].connected, what='the virtual room')
        return made[-1]
    yield make
    for one in made:
        one.stop()


class Running:
    """A house in real time."""

    def __init__(self, text):
        self.actions = []
        self.house = HomeController(parse_policy(text), on_action=self.actions.append,
                                    version='9.9', connection_options=QUICK)

    def see(self, label, seconds=None, until=None, timeout_s=PATIENCE_S, rate_hz=20.0):
        """Let the camera see a label, nobody ('') or nothing (None), so long or until."""
        end = time.monotonic() + (timeout_s if seconds is None else seconds)
        while time.monotonic() < end:
            now = time.time()
            if label is not None:
                self.house.observe('emotions', [emotion(label)] if label else [], now, now_s=now)
            self.house.tick(now)
            if until is not None and until():
                return
            time.sleep(1 / rate_hz)
        assert until is None, f'waited {timeout_s} s in vain; {self.house.snapshot("study")}'

    @property
    def status(self):
        """What the room is doing."""
        return self.house.snapshot('study')


@pytest.fixture
def house():
    """Make houses."""
    made = []

    def make(port, text=POLICY, broker=''):
        made.append(Running(text.format(port=port, broker=broker)))
        return made[-1]
    yield make
    for one in made:
        one.house.close(time.time())


@pytest.fixture
def manager(tmp_path):
    """Return a service manager."""
    one = Manager(tmp_path)
    yield one
    one.close()

# SPDX-License-Identifier: Apache-2.0
"""Camera and detector, classifier, and bridge on three hosts: network namespaces on a switch."""

import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cv2
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from ros_support import wait_for  # noqa: E402

HOSTS = {'camera': '10.123.77.1', 'classifier': '10.123.77.2', 'home': '10.123.77.3'}
RATE_HZ = 15
STALE_S = 2.0
POLICY = f"""
version: 1
policies:
  mirror: {{by_emotion: {{happy: {{strategy: mirror}}}}}}
rooms:
  study:
    policy: mirror
    targets: {{lamp: {{type: terminal}}}}
    dwell_s: 0.5
    stale_after_s: {STALE_S}
    nobody: {{after_s: 1, action: restore}}
"""


def ip(*arguments):
    return subprocess.run(['ip', *arguments], check=True, capture_output=True, text=True).stdout


class Network:
    """Three hosts on one switch, each a namespace with an address and a cable."""

    def __init__(self):
        self._mark = f'fer{os.getpid() % 100000}'
        self._processes = []
        self._made = []
        # Each host's shared memory: Fast DDS takes it between processes of one host, never others.
        self._memory = Path(tempfile.mkdtemp(prefix=self._mark, dir='/dev/shm'))
        for name in ('switch', *HOSTS):
            ip('netns', 'add', self._space(name))
            self._made.append(name)
            ip('-n', self._space(name), 'link', 'set', 'lo', 'up')
        ip('-n', self._space('switch'), 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0',
           'forward_delay', '0')
        ip('-n', self._space('switch'), 'link', 'set', 'br0', 'up')
        for name, address in HOSTS.items():
            ip('-n', self._space(name), 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name',
               name, 'netns', self._space('switch'))
            ip('-n', self._space('switch'), 'link', 'set', name, 'master', 'br0', 'up')
            (self._memory / name).mkdir()
            ip('-n', self._space(name), 'addr', 'add', f'{address}/24', 'dev', 'eth0')
            # As in networks that do not carry multicast: peers are found by their addresses.
            ip('-n', self._space(name), 'link', 'set', 'eth0', 'multicast', 'off', 'up')

    def _space(self, name):
        return f'{self._mark}{name}'

    def close(self):
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in self._made:
            ip('netns', 'del', self._space(name))
        shutil.rmtree(self._memory)

    def start(self, host, module, *arguments, output=None):
        """Start a node on a host, with the settings that docs/network.md names."""
        environment = {**os.environ, 'ROS_DOMAIN_ID': '1',
                       'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
                       'ROS_STATIC_PEERS': ';'.join(HOSTS.values()),
                       'PYTHONUNBUFFERED': '1'}
        # The profile is chosen by the node itself, as on a host of its own.
        environment.pop('FASTRTPS_DEFAULT_PROFILES_FILE', None)
        environment.pop('FASTDDS_DEFAULT_PROFILES_FILE', None)
        command = 'memory=$1; shift; mount --bind "$memory" /dev/shm && exec "$@"'
        process = subprocess.Popen(
            ['ip', 'netns', 'exec', self._space(host), 'unshare', '-m', 'sh', '-c', command, 'sh',
             self._memory / host, sys.executable, *module, *arguments], env=environment,
            stdout=output, stderr=subprocess.STDOUT)
        self._processes.append(process)
        return process

    def cable(self, host, plugged):
        """Pull the cable of a host, or put it back."""
        ip('-n', self._space('switch'), 'link', 'set', host, 'up' if plugged else 'down')

    def sent_bytes(self, host):
        link, = json.loads(ip('-n', self._space(host), '-s', '-j', 'link', 'show', 'eth0'))
        return link['stats64']['tx']['bytes']


@pytest.fixture
def network():
    if os.geteuid() != 0 or not shutil.which('ip') or not shutil.which('unshare'):
        pytest.skip('network namespaces need root, ip (iproute2) and unshare (util-linux)')
    probe = f'ferprobe{os.getpid()}'
    if subprocess.run(['ip', 'netns', 'add', probe], capture_output=True).returncode:
        pytest.skip('network namespaces are not allowed here')
    ip('netns', 'del', probe)
    made = Network.__new__(Network)
    try:
        made.__init__()
        yield made
    finally:
        made.close()


def test_only_crops_cross_the_wire_and_a_cut_link_heals(network, portrait, tmp_path):
    (tmp_path / 'pictures').mkdir()
    cv2.imwrite(str(tmp_path / 'pictures' / '0.png'), portrait)
    (tmp_path / 'policy.yaml').write_text(POLICY)
    home_path, local_path = tmp_path / 'home.jsonl', tmp_path / 'classifier.jsonl'
    log_path = tmp_path / 'bridge.log'
    with (open(home_path, 'w') as home_file, open(local_path, 'w') as local_file,
          open(log_path, 'w') as log_file):
        observer = Path(__file__).parent / 'network_observer.py'
        network.start('home', [str(observer)], output=home_file)
        network.start('classifier', [str(observer)], output=local_file)
        network.start('home', ['-m', 'fer_ros.nodes.smart_home_bridge'], '--ros-args', '-p',
                      f'policy_file:={tmp_path / "policy.yaml"}', output=log_file)
        classifier = network.start('classifier', ['-m', 'fer_ros.nodes.emotion_classifier'])
        network.start('camera', ['-m', 'fer_ros.nodes.composed', 'camera_driver', 'face_detector'],
                      '--ros-args', '-p', f'camera_driver:source:={tmp_path / "pictures"}',
                      '-p', 'camera_driver:loop:=true',
                      '-p', f'camera_driver:rate_hz:={RATE_HZ}')

    def seen(kind, since_s=0.0, path=home_path):
        lines = [json.loads(line) for line in path.read_text().splitlines(keepends=True)
                 if line.endswith('\n')]
        return [line for line in lines if line['kind'] == kind and line['time_s'] >= since_s]
    action = wait_for(lambda: seen('action'), what='an action at home')[0]
    assert action['emotion'] == 'happy'

    # For three seconds after its start each process announces itself often; that is not a stream.
    wait_for(lambda: len(seen('emotions')) >= 5 * RATE_HZ, what='five seconds of emotions')
    # What crosses the wire, between two counts of bytes: all that the host sends, to everybody.
    begin_s, begin = time.time(), [network.sent_bytes(host) for host in HOSTS]
    wait_for(lambda: len(seen('emotions', begin_s)) >= 45, what='emotions')
    end_s, end = time.time(), [network.sent_bytes(host) for host in HOSTS]
    wait_for(lambda: seen('emotions')[-1]['stamp_s'] > end_s, what='what was taken until then')
    seconds = end_s - begin_s
    faces = sum(line['faces'] for line in seen('emotions') if begin_s < line['stamp_s'] < end_s)
    image_bytes = portrait.nbytes
    for host, sent in zip(HOSTS, (after - before for before, after in zip(begin, end))):
        print(f'\nfrom the {host} host: {sent / faces:.0f} bytes a face and image, '
              f'{sent / seconds / 1e3:.1f} kB/s at {faces / seconds:.1f} images/s (the images '
              f'alone: {image_bytes * faces / seconds / 1e3:.0f} kB/s)', end='')
        # A crop of 48 x 48 pixels, its description, headers and the node's own reports, once.
        assert sent / faces < 5000
    print()

    # The classifier stands still with faces in its hands, and its cable is pulled for longer than
    # it takes the home to notice. In the cut it reads those faces; all that it says comes late.
    classifier.send_signal(signal.SIGSTOP)
    sent = network.sent_bytes('camera')
    wait_for(lambda: network.sent_bytes('camera') > sent + 10_000, what='faces on the wire')
    network.cable('classifier', False)
    cut_s = time.time()
    wait_for(lambda: 'no fresh emotions' in log_path.read_text(), what='the home to notice')
    wait_for(lambda: time.time() - cut_s > 1.5 * STALE_S)
    late_s = time.time()
    classifier.send_signal(signal.SIGCONT)
    wait_for(lambda: seen('emotions', late_s, local_path), what='old emotions at the classifier')
    network.cable('classifier', True)
    healed_s = time.time()
    fresh = wait_for(lambda: [line for line in seen('emotions', healed_s)
                              if line['stamp_s'] > healed_s], what='emotions after the cut')
    print(f'healed {fresh[0]["time_s"] - healed_s:.1f} s after the cable was back')
    wait_for(lambda: len(seen('emotions', fresh[0]['time_s'])) >= 15, what='a steady stream')
    late = [line for line in seen('emotions', healed_s) if line['stamp_s'] < cut_s]
    print(f'{len(late)} stale emotions came home after the cut')
    assert late
    # Each is refused, or overtaken by a fresh one before the home looks: it keeps the newest.
    # The home took the silence for neither nobody nor somebody, and the stale for nothing: it did
    # not give the light back, nor request it again. What it did, it did on a young emotion.
    assert seen('action') == [action]
    before = [line for line in seen('emotions') if line['time_s'] <= action['time_s'] + 0.5]
    assert action['time_s'] - before[-1]['stamp_s'] < STALE_S
    assert 'Traceback' not in log_path.read_text()

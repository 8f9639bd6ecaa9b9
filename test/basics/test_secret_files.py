# SPDX-License-Identifier: Apache-2.0
"""Secrets from the environment and from files, and files that others can read."""

import os

from fer_ros.errors import ConfigurationError
from fer_ros.secret_files import exposure, read_secret, with_secrets
import pytest


@pytest.mark.parametrize('mode, words', [
    (0o600, ''), (0o640, ''), (0o644, 'can be read by everyone'),
    (0o602, 'can be changed by everyone')])
def test_a_file_that_others_reach_is_reported_once_with_the_fix(tmp_path, caplog, mode, words):
    path = tmp_path / 'password'
    path.write_text('hush\n')
    path.chmod(mode)
    assert words in exposure(path) and bool(words) == bool(exposure(path))
    for _ in range(3):
        assert read_secret('broker.password', file=str(path)) == 'hush'
    assert len(caplog.records) == bool(words)
    assert 'hush' not in caplog.text
    if words:
        assert caplog.messages[0].startswith(f'broker.password: {path} can be ')
        assert f'chmod o= {path}' in caplog.messages[0]


@pytest.mark.parametrize('content, words', [
    (b'', 'is empty'), (b'hush\nhush', 'more than one line'), (b'\xff\xfe', 'UTF-8'),
    (b'hush' * 20_000, 'larger than 65536 bytes'), (b'hu\x00sh', 'not text'), (None, 'pipe')])
def test_a_file_that_holds_no_secret_is_named_and_not_quoted(tmp_path, content, words):
    path = tmp_path / 'file'
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_secret('token', file=str(path))
    assert str(path) in str(caught.value) and 'hush' not in str(caught.value)


def test_a_secret_written_where_the_variables_name_belongs_is_not_shown():
    with pytest.raises(ConfigurationError, match='the environment variable under env is not set'):
        read_secret('token', env='hunter2')
    with pytest.raises(ConfigurationError, match='variable MY_TOKEN is not set'):
        read_secret('token', env='MY_TOKEN', environment={})


def test_placeholders(monkeypatch):
    monkeypatch.setenv('A_KEY', 'a b&c')
    assert with_secrets('http://h/?key=${env:A_KEY}&x=${y}', 'x') == 'http://h/?key=a%20b%26c&x=${y}'
    assert with_secrets('${env:A_KEY}', 'x') == 'a b&c'

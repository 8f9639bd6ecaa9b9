# SPDX-License-Identifier: Apache-2.0
"""A published file is fetched whole or not at all, and every way to fail has its cure."""

from contextlib import contextmanager
from dataclasses import replace
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import os
from pathlib import Path
import resource
import socket
import threading
import time
from urllib.parse import urlparse

from fer_ros.cli import model as command
from fer_ros.inference.fetching import fetch, FetchError
from fer_ros.inference.published_models import (
    data_folder,
    fetched_path,
    flaw,
    PublishedFile,
    YUNET,
)
import pytest

CONTENT = bytes(range(256)) * 900
FILE = PublishedFile('weights', 'weights.onnx', len(CONTENT),
                     hashlib.sha256(CONTENT).hexdigest(), 'http://nowhere.invalid/weights.onnx',
                     'MIT')
POINTER = (b'version https://git-lfs.github.com/spec/v1\n'
           b'oid sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4\n'
           b'size 232589\n')


def whole(handler, content=CONTENT):
    handler.send_response(200)
    handler.send_header('Content-Length', str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def cut(handler):
    handler.send_response(200)
    handler.send_header('Content-Length', str(len(CONTENT)))
    handler.end_headers()
    handler.wfile.write(CONTENT[:50_000])


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(CONTENT)
    except ConnectionError:
        handler.server.given_up.set()


def status(code):
    return lambda handler: handler.send_error(code)


def redirect(path):
    def answer(handler):
        handler.send_response(302)
        handler.send_header('Location', path)
        handler.end_headers()
    return answer


def silent(handler):
    handler.server.stop.wait(30)


def dripping(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while not handler.server.stop.wait(0.05):
            handler.wfile.write(b'x')
    except ConnectionError:
        pass


ANSWERS = {
    '/right': whole,
    '/moved': redirect('/right'),
    '/login': redirect('/page'),
    '/page': lambda handler: whole(handler, b'\n<!DOCTYPE html><html>Sign in</html>'),
    '/pointer': lambda handler: whole(handler, POINTER),
    '/other': lambda handler: whole(handler, CONTENT[::-1]),
    '/short': lambda handler: whole(handler, CONTENT[:1000]),
    '/empty': lambda handler: whole(handler, b''),
    '/cut': cut,
    '/endless': endless,
    '/silent': silent,
    '/dripping': dripping,
    '/gone': status(404),
    '/denied': status(403),
    '/broken': status(503),
    '/loop': redirect('/loop'),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        self.server.requests.append(self.path)
        ANSWERS[urlparse(self.path).path](self)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """Serve ANSWERS on a free loopback port."""
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as running:
        running.requests = []
        running.stop, running.given_up = threading.Event(), threading.Event()
        running.base = f'http://127.0.0.1:{running.server_address[1]}'
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.stop.set()
        running.shutdown()
        thread.join()


def files(folder):
    return sorted(path.name for path in folder.rglob('*') if path.is_file())


@pytest.mark.parametrize('path', ['/right', '/moved'])
def test_the_right_file_is_put_in_its_place_and_not_fetched_twice(server, tmp_path, path):
    folder = tmp_path / 'a' / 'b'
    target, was_there = fetch(FILE, url=server.base + path, folder=folder)
    assert (target, was_there) == (folder / 'weights.onnx', False)
    assert target.read_bytes() == CONTENT and files(tmp_path) == ['weights.onnx']
    assert target.stat().st_mode & 0o777 == 0o644
    asked = len(server.requests)
    assert fetch(FILE, url=server.base + path, folder=folder) == (target, True)
    assert len(server.requests) == asked


@pytest.mark.parametrize('path, words', [
    ('/other', ['SHA-256 begins with', FILE.sha256[:12], FILE.url]),
    ('/short', ['1,000 bytes of 230,400', 'again']),
    ('/empty', ['0 bytes', 'again']),
    ('/cut', ['50,000 bytes of 230,400', 'truncated']),
    ('/page', ['web page', FILE.url]),
    ('/login', ['web page', FILE.url]),
    ('/pointer', ['Git LFS pointer', FILE.url]),
    ('/gone', ['404', '--url']),
    ('/denied', ['403', 'address']),
    ('/broken', ['503', 'later']),
    ('/loop', ['302', '--url']),
    ('/silent', ['silent', '--file']),
])
def test_what_is_not_the_file_is_refused_with_a_fix_and_changes_nothing(server, tmp_path, path,
                                                                        words):
    with pytest.raises(FetchError) as error:
        fetch(FILE, url=server.base + path, folder=tmp_path / 'models',
              silence_s=0.5 if path == '/silent' else 60.0)
    text = str(error.value)
    assert text.startswith(server.base + path) and '\n' not in text
    assert all(word in text for word in words), text
    assert not (tmp_path / 'models').exists()


def test_no_more_is_read_than_the_file_could_have(server, tmp_path):
    with pytest.raises(FetchError, match='not weights.onnx as published'):
        fetch(FILE, url=f'{server.base}/endless', folder=tmp_path)
    assert server.given_up.wait(60) and not files(tmp_path)


def test_a_transfer_that_only_drips_ends(server, tmp_path):
    start_s = time.monotonic()
    with pytest.raises(FetchError, match='too slow'):
        fetch(FILE, url=f'{server.base}/dripping', folder=tmp_path, whole_s=0.5)
    assert time.monotonic() - start_s < 10 and not files(tmp_path)


def test_without_network_or_server_the_fix_is_a_local_file(tmp_path):
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        port = unused.getsockname()[1]
        with pytest.raises(FetchError, match='refused.*--file'):
            fetch(FILE, url=f'http://127.0.0.1:{port}/x', folder=tmp_path)
    with pytest.raises(FetchError, match='nowhere.invalid/weights.onnx: host not found.*'
                       '--file'):
        fetch(FILE, folder=tmp_path)
    assert not files(tmp_path)


@pytest.mark.parametrize('url', ['file:///etc/hostname', 'ftp://host/x', 'weights.onnx'])
def test_only_web_addresses_are_addresses(url, tmp_path):
    with pytest.raises(FetchError, match='not an http or https address.*--file'):
        fetch(FILE, url=url, folder=tmp_path)


def guarded(handler):
    handler.server.seen.append(handler.headers['Authorization'])
    if handler.path.startswith('/guarded'):
        redirect('/right')(handler)
    else:
        whole(handler)


def test_a_password_goes_to_the_mirror_alone(server, tmp_path, monkeypatch):
    server.seen = []
    monkeypatch.setitem(ANSWERS, '/guarded', guarded)
    monkeypatch.setitem(ANSWERS, '/right', guarded)
    fetch(FILE, url=f'{server.base}/guarded'.replace('//', '//me:hid%40den@'), folder=tmp_path)
    assert server.seen == ['Basic bWU6aGlkQGRlbg==', None]


@pytest.mark.parametrize('url', [
    'http://me:hidden@{host}/gone?signature=hidden', 'http://me:hidden@nowhere.invalid/x',
    'http://{host}/a b?token=hidden', 'http://nowhere.invalid:hidden/', 'http://[hidden/'])
def test_no_secret_of_an_address_is_shown(server, tmp_path, url):
    url = url.format(host=server.base.partition('//')[2])
    with pytest.raises(FetchError) as error:
        fetch(FILE, url=url, folder=tmp_path)
    told = str(error.value).removeprefix(url)
    assert 'hidden' not in told and '\n' not in told


def test_a_local_file_is_checked_and_taken(tmp_path):
    own = tmp_path / 'download.onnx'
    own.write_bytes(CONTENT)
    target, _ = fetch(FILE, path=own, folder=tmp_path / 'models')
    assert target.read_bytes() == CONTENT and own.exists()


@pytest.mark.parametrize('spoil, words', [
    (lambda path: None, 'No such file'),
    (lambda path: path.mkdir(), 'Is a directory'),
    (lambda path: path.write_bytes(CONTENT + b'x'), 'not weights.onnx as published'),
    (lambda path: path.write_bytes(POINTER), 'Git LFS pointer')])
def test_a_local_file_that_is_not_the_one_is_refused(spoil, words, tmp_path):
    own = tmp_path / 'download.onnx'
    spoil(own)
    with pytest.raises(FetchError, match=words):
        fetch(FILE, path=own, folder=tmp_path / 'models')
    assert not (tmp_path / 'models').exists()


def test_a_damaged_file_is_replaced_and_stays_while_it_cannot_be(server, tmp_path):
    target = tmp_path / FILE.file_name
    target.write_bytes(CONTENT[:99])
    with pytest.raises(FetchError):
        fetch(FILE, url=f'{server.base}/cut', folder=tmp_path)
    assert target.read_bytes() == CONTENT[:99] and files(tmp_path) == [FILE.file_name]
    assert fetch(FILE, url=f'{server.base}/right', folder=tmp_path) == (target, False)
    assert target.read_bytes() == CONTENT


@contextmanager
def no_room():
    """Let no file of this process grow over 1,000 bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_half_made(tmp_path):
    own = tmp_path / 'download.onnx'
    own.write_bytes(CONTENT)
    with no_room(), pytest.raises(FetchError, match='cannot be written.*XDG_DATA_HOME'):
        fetch(FILE, path=own, folder=tmp_path / 'models')
    assert files(tmp_path / 'models') == []


@pytest.mark.parametrize('kind', ['a file in the way', 'a folder that takes nothing'])
def test_a_folder_that_cannot_be_written_is_named(kind, tmp_path):
    own = tmp_path / 'download.onnx'
    own.write_bytes(CONTENT)
    folder = tmp_path / 'models'
    if kind == 'a file in the way':
        folder.write_text('')
    else:
        # Nobody may make a file there, not even root.
        folder = Path('/proc/self/fd')
    with pytest.raises(FetchError, match=f'{folder}.* cannot be written.*XDG_DATA_HOME'):
        fetch(FILE, path=own, folder=folder)


def test_the_folder_is_the_one_of_the_xdg_specification(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    assert data_folder() == tmp_path / 'fer_ros' / 'models'
    monkeypatch.setenv('HOME', str(tmp_path))
    for value in ('', 'relative/path'):
        monkeypatch.setenv('XDG_DATA_HOME', value)
        assert data_folder() == tmp_path / '.local' / 'share' / 'fer_ros' / 'models'
    assert fetched_path(FILE) is None
    fetch(FILE, path=write(tmp_path / 'x', CONTENT))
    assert fetched_path(FILE) == data_folder() / FILE.file_name


def write(path, content):
    path.write_bytes(content)
    return path


def test_yunet_is_the_file_that_the_zoo_s_pointer_names():
    # What `git show HEAD:models/face_detection_yunet/face_detection_yunet_2023mar.onnx` prints.
    fields = dict(line.split(' ', 1) for line in POINTER.decode().splitlines())
    assert fields['oid'] == f'sha256:{YUNET.sha256}' and int(fields['size']) == YUNET.size
    address = urlparse(YUNET.url)
    # github.com's raw address of an LFS file leads there; raw.githubusercontent.com does not.
    assert (address.scheme, address.netloc) == ('https', 'media.githubusercontent.com')
    assert os.path.basename(address.path) == YUNET.file_name == 'face_detection_yunet_2023mar.onnx'
    assert 'LFS' in flaw(YUNET, POINTER) and flaw(YUNET, CONTENT)


def test_the_command_fetches_only_what_is_requested(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    monkeypatch.setitem(command.PUBLISHED, 'yunet', replace(FILE, name='yunet'))
    assert command.main(['fetch', 'yunet', '--url', f'{server.base}/right']) == 0
    assert server.requests == ['/right']
    told = capsys.readouterr()
    assert str(data_folder() / FILE.file_name) in told.out and not told.err
    assert command.main(['fetch', 'yunet']) == 0
    assert 'already present' in capsys.readouterr().out


@pytest.mark.parametrize('arguments, words', [
    (['--url', '{base}/cut'], 'truncated'), (['--file', '/nowhere'], 'cannot be read')])
def test_the_command_says_in_one_line_what_went_wrong(server, tmp_path, monkeypatch, capsys,
                                                      arguments, words):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    assert command.main(['fetch', 'yunet', *(part.format(base=server.base)
                                             for part in arguments)]) == 1
    told = capsys.readouterr()
    assert not told.out and words in told.err and told.err.count('\n') == 1
    assert not files(tmp_path)

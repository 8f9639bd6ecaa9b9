# SPDX-License-Identifier: Apache-2.0
"""The web site on its real server, without ROS: data, streams, and who is let in."""

from contextlib import closing
import http.client
import json
import threading

from fer_ros.emotions.colors import EMOTION_COLORS
from fer_ros.errors import ConfigurationError, FerError
from home_support import emotion
import numpy as np
import pytest
from waiting import NewThreads, wait_for

pytest.importorskip('flask', reason='the dashboard needs flask')
pytest.importorskip('waitress', reason='the dashboard needs waitress')
from fer_ros.dashboard.access import Access, bind_address, read_token, TRIES  # noqa: E402
from fer_ros.dashboard.app import STATIC  # noqa: E402
from fer_ros.dashboard.server import Server  # noqa: E402
from site_support import events_of, Running, TOKEN  # noqa: E402


@pytest.fixture
def site():
    with closing(Running()) as running:
        yield running


@pytest.fixture
def locked():
    with closing(Running(TOKEN)) as running:
        yield running


def test_the_state_is_what_its_schema_says(site):
    jsonschema = pytest.importorskip('jsonschema')
    site.state.see('hall/east', [emotion('happy'), emotion('uncertain', track_id=2)], now_s=1e9,
                   stamp_s=1e9, size=(640, 480), model='m', label_set='ferplus')
    site.state.diagnose('camera_driver', 2, 'plug it in', {'rate': '0'})
    schema = json.loads(site.get('/api/schema')[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    state = json.loads(site.get('/api/state')[1])
    jsonschema.validate(state, schema)
    assert [person['label'] for person in state['cameras'][0]['people']] == ['happy', 'uncertain']


def test_events_begin_with_everything_and_go_on_with_what_changed(site):
    connection, answer = site.open('/api/events')
    with closing(connection):
        assert answer.headers['Content-Type'].startswith('text/event-stream')
        events = events_of(answer)
        assert next(events)[0] == 'hello'
        name, state = next(events)
        assert name == 'state' and state['cameras'][0]['people'] == []
        site.state.see('hall/east', [emotion('sad')], now_s=1e9)
        for name, data in events:
            if name == 'people' and data['cameras'][0]['people']:
                break
        assert data['cameras'][0]['people'][0]['label'] == 'sad'


def test_time_goes_on_where_nothing_changes(site):
    connection, answer = site.open('/api/events')
    with closing(connection):
        told = []
        for name, _ in events_of(answer):
            told.append(name)
            if told.count('people') == 2 and told.count('health') == 2:
                break
    assert told[:2] == ['hello', 'state'] and len(told) <= 7


def test_events_are_written_once_for_all_who_listen(site, monkeypatch):
    streams = [site.open('/api/events') for _ in range(3)]
    for _, answer in streams:
        for name, _ in events_of(answer):
            if name == 'health':  # each has its place
                break
    # From here on only changes are written, however long this takes.
    monkeypatch.setattr('fer_ros.dashboard.events._PULSE_S', float('inf'))
    before = site.events.written
    for number in range(5):
        site.state.see('hall/east', [emotion('sad', track_id=number + 1)], now_s=1e9)
        for _, answer in streams:
            for name, data in events_of(answer):
                people = data['cameras'][0]['people'] if name == 'people' else []
                if people and people[0]['id'] == number + 1:
                    break
    written = site.events.written - before
    # Each time the camera may have aged meanwhile; and one may have been under way.
    assert 5 <= written <= 11
    for connection, _ in streams:
        connection.close()


def test_too_many_viewers_are_rejected_and_a_place_becomes_free(site):
    streams = [site.open('/api/events') for _ in range(4)]
    for _, answer in streams:
        assert next(events_of(answer))[0] == 'hello'
    status, body, _ = site.get('/api/events')
    assert status == 503 and b'maximum_viewers' in body
    for connection, answer in streams:
        answer.close()
        connection.close()
    # The server sees that a viewer has left when it next writes.

    def free():
        site.state.see('hall/east', [], now_s=1e9)
        connection, answer = site.open('/api/events')
        connection.close()
        return answer.status == 200
    wait_for(free, what='a place')


def test_pictures_come_one_by_one_and_as_a_stream(site):
    path = '/api/cameras/hall/east'
    site.pictures.offer('hall/east', np.full((48, 64, 3), 90, np.uint8), 5.0)
    status, jpeg, headers = site.get(f'{path}/picture')
    assert (status, jpeg[:2], headers['X-Stamp']) == (200, b'\xff\xd8', '5.000000')
    assert headers['X-Faces'] == '[]'
    assert site.get(f'{path}/picture?after={headers["X-Picture"]}')[0] == 204
    connection, answer = site.open(f'{path}/stream.mjpg')
    with closing(connection):
        site.pictures.offer('hall/east', np.full((48, 64, 3), 90, np.uint8), 6.0)
        assert answer.readline() == b'--picture\r\n'
        answer.readline()
        length = int(answer.readline().split(b':')[1])
        answer.readline()
        assert answer.read(length)[:2] == b'\xff\xd8'
    assert site.get('/api/cameras/attic/picture')[0] == 404


def test_the_colors_are_those_of_drawings(site):
    status, body, headers = site.get('/api/emotions.css')
    assert status == 200 and headers['Content-Type'].startswith('text/css')
    for label, color in EMOTION_COLORS.items():
        assert f'--{label}: {color.on_light};' in body.decode()
        assert f'--{label}-on-dark: {color.on_dark};' in body.decode()
        assert body.decode().count(f'--{label}: {color.on_dark};') == 2  # asked for, or chosen


def test_the_table_can_be_downloaded(site):
    site.state.see('hall/east', [emotion('happy')], now_s=1e9)
    status, body, headers = site.get('/api/emotions.csv?hours=1')
    assert status == 200 and 'attachment' in headers['Content-Disposition']
    row = body.decode().splitlines()[1]
    assert row.startswith('2001-09-09T01:46:40.000+00:00,hall/east,1,happy')


@pytest.mark.parametrize('path', ['/', '/api/state', '/static/app.js', '/nowhere'])
def test_every_answer_has_the_security_headers(site, path):
    headers = site.get(path)[2]
    assert "default-src 'none'" in headers['Content-Security-Policy']
    assert 'unsafe' not in headers['Content-Security-Policy']
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['X-Frame-Options'] == 'DENY'
    assert 'Server' not in headers and 'Access-Control-Allow-Origin' not in headers


def test_the_page_takes_nothing_from_elsewhere(site):
    files = [path for path in STATIC.rglob('*') if path.suffix in ('.js', '.css')]
    assert len(files) > 15
    for path in ('/', '/api/emotions.css',
                 *(f'/static/{path.relative_to(STATIC)}' for path in files)):
        status, body, _ = site.get(path)
        assert status == 200
        assert b'http://' not in body and b'https://' not in body


def post(site, action='revert', **headers):
    return site.get(f'/api/home/{action}', 'POST', json.dumps({'room': 'study', 'policy': 'warm'}),
                    **{'Content_Type': 'application/json', **headers})


def test_a_control_reaches_the_bridge_and_its_answer_comes_back(site):
    status, body, _ = post(site, 'policy', X_CSRF_Token=site.access.csrf)
    assert (status, json.loads(body)) == (200, {'ok': True, 'message': 'so be it'})
    assert site.asked == [('policy', 'study', 'warm')]
    assert post(site, 'resume', X_CSRF_Token=site.access.csrf)[0] == 502


@pytest.mark.parametrize('headers', [
    {},                                                     # a form of another page
    {'X_CSRF_Token': 'guessed'},
    {'X_CSRF_Token': '', 'Sec_Fetch_Site': 'same-origin'},
])
def test_a_control_without_the_secret_of_the_page_is_refused(site, headers):
    assert post(site, **headers)[0] == 403
    assert site.asked == []


def test_another_site_is_refused_even_with_the_secret(site):
    assert post(site, X_CSRF_Token=site.access.csrf, Sec_Fetch_Site='cross-site')[0] == 403
    assert site.get('/api/state', Sec_Fetch_Site='cross-site')[0] == 403
    # A link to the page is fine.
    assert site.get('/', Sec_Fetch_Site='cross-site')[0] == 200


@pytest.mark.parametrize(('host', 'status'), [
    ('localhost:8088', 200), ('127.0.0.1', 200), ('[::1]:80', 200),
    ('evil.example', 421), ('evil.example:8088', 421), ('127.0.0.1.evil.example', 421),
])
def test_a_foreign_name_bent_to_our_address_is_refused(site, host, status):
    assert site.get('/api/state', Host=host)[0] == status


def test_what_is_not_json_or_not_an_action_is_refused(site):
    secret = {'X_CSRF_Token': site.access.csrf}
    assert post(site, 'explode', **secret)[0] == 404
    assert site.get('/api/home/revert', 'POST', 'room=study', **secret,
                    Content_Type='application/x-www-form-urlencoded')[0] == 415
    assert site.get('/api/home/revert', 'POST', '[1]', **secret,
                    Content_Type='application/json')[0] == 400
    assert site.get('/api/home/revert', 'POST', '{' * 200_000, **secret,
                    Content_Type='application/json')[0] == 413


PRIVATE = ('/api/state', '/api/events', '/api/emotions.csv', '/api/timeline', '/static/app.js',
           '/api/cameras/hall/east/picture', '/api/cameras/hall/east/stream.mjpg')


@pytest.mark.parametrize('path', PRIVATE)
def test_without_the_token_nothing_is_shown(locked, path):
    assert locked.get(path)[0] == 401
    assert locked.get(path, Authorization='Bearer wrong horse')[0] == 401
    assert locked.get(path, Cookie='fer_dashboard=guessed')[0] == 401


def test_a_program_comes_in_with_the_token(locked):
    bearer = {'Authorization': f'Bearer {TOKEN}'}
    assert locked.get('/api/state', **bearer)[0] == 200
    assert post(locked, **bearer)[0] == 200
    assert locked.asked == [('revert', 'study', 'warm')]


def sign_in(site, token):
    return site.get('/login', 'POST', f'token={token.replace(" ", "+")}',
                    Content_Type='application/x-www-form-urlencoded')


def test_a_person_signs_in_and_out(locked):
    status, _, headers = locked.get('/')
    assert status == 302 and headers['Location'] == '/login'
    status, body, headers = sign_in(locked, 'wrong horse')
    assert status == 401 and b'wrong' in body and 'Set-Cookie' not in headers
    status, _, headers = sign_in(locked, TOKEN)
    assert status == 302
    assert 'HttpOnly' in headers['Set-Cookie'] and 'SameSite=Strict' in headers['Set-Cookie']
    cookie = headers['Set-Cookie'].split(';')[0]
    assert TOKEN not in cookie
    assert locked.get('/api/state', Cookie=cookie)[0] == 200
    # A session alone does not switch anything: another page might ride on it.
    assert post(locked, Cookie=cookie)[0] == 403
    assert locked.get('/logout', 'POST', Cookie=cookie,
                      X_CSRF_Token=locked.access.csrf)[0] == 200
    assert locked.get('/api/state', Cookie=cookie)[0] == 401


def test_guessing_is_slowed_down(locked):
    for _ in range(TRIES):
        assert sign_in(locked, 'wrong horse')[0] == 401
    assert sign_in(locked, TOKEN)[0] == 429
    assert locked.get('/api/state', Authorization=f'Bearer {TOKEN}')[0] == 429


@pytest.mark.parametrize('address', ['0.0.0.0', '192.0.2.7', '::'])
def test_an_address_that_others_reach_needs_a_token(address):
    with pytest.raises(ConfigurationError, match='FER_DASHBOARD_TOKEN'):
        Access(bind_address(address), '')
    assert Access(bind_address(address), TOKEN).needs_token


def test_the_address_is_an_address():
    assert bind_address('localhost') == '127.0.0.1'
    with pytest.raises(ConfigurationError, match='robot.local'):
        bind_address('robot.local')


def test_the_token_comes_from_a_file_or_the_environment(tmp_path):
    file = tmp_path / 'token'
    file.write_text(f'{TOKEN}\n')
    assert read_token(str(file), {}) == TOKEN
    assert read_token('', {'FER_DASHBOARD_TOKEN': TOKEN}) == TOKEN
    assert read_token('', {}) == ''
    file.write_text('short')
    with pytest.raises(ConfigurationError, match='5 characters'):
        read_token(str(file), {})
    with pytest.raises(ConfigurationError, match='nowhere'):
        read_token(str(tmp_path / 'nowhere'), {})


def test_a_port_in_use_is_said_with_the_fix(site):
    with pytest.raises(FerError, match='Set port to another number'):
        Server(lambda *_: [], '127.0.0.1', site.port, 2)


def test_closing_ends_streams_and_threads():
    threads = NewThreads()
    running = Running()
    connection, answer = running.open('/api/events')
    events = events_of(answer)
    assert next(events)[0] == 'hello'
    running.close()
    assert [name for name, _ in events][-1:] != ['hello']  # it has ended
    connection.close()
    threads.end()


def test_closing_tolerates_another_thread_waking_the_server_first(monkeypatch):
    running = Running()
    trigger, pulled = running.server._server.trigger, []

    def pull(real=trigger._physical_pull):
        pulled.append(1)
        real()                          # as a worker does that has just finished,
        running.server._worker.end(60)  # so that the loop ends
        real()                          # before we come to it
    monkeypatch.setattr(trigger, '_physical_pull', pull)
    running.close()
    assert pulled and not running.server._worker.alive
    with pytest.raises(ConnectionRefusedError):
        running.get('/api/state')


def test_closing_ends_the_thread_of_a_viewer_who_reads_nothing():
    threads = NewThreads()
    served = threading.Event()

    def endless(_, start):
        start('200 OK', [('Content-Type', 'text/plain')])
        while True:
            served.set()
            yield bytes(1 << 20)
    server = Server(endless, '127.0.0.1', 0, 1)
    with closing(http.client.HTTPConnection('127.0.0.1', int(server.url.rpartition(':')[2]),
                                            timeout=30)) as viewer:
        viewer.request('GET', '/')
        assert served.wait(60)
        server.close()
        threads.end()


def test_a_monitor_learns_without_a_token_whether_it_works(locked):
    assert locked.get('/api/health')[0] == 200
    locked.problem = 'the camera hangs'
    status, body, _ = locked.get('/api/health')
    assert status == 503 and json.loads(body) == {'ok': False, 'message': 'the camera hangs'}
    assert locked.get('/api/state')[0] == 401

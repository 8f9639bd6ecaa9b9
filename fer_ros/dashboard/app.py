# SPDX-License-Identifier: Apache-2.0
"""The web application: one page, its data, its pictures and its controls."""

from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path

from fer_ros.dashboard.access import Access, SESSION_S
from fer_ros.dashboard.events import Events
from fer_ros.dashboard.palette import stylesheet
from fer_ros.dashboard.pictures import Pictures, placeholder
from fer_ros.dashboard.plain import dumps
from fer_ros.dashboard.state import DashboardState
from fer_ros.habits.views import HABIT_ACTIONS
from fer_ros.home.commands import RoomCommand
from flask import (
    abort,
    Flask,
    redirect,
    render_template,
    request,
    Response,
    send_from_directory,
)
from werkzeug.exceptions import HTTPException

STATIC = Path(__file__).parent / 'static'
COOKIE = 'fer_dashboard'
ACTIONS = (*(command.word for command in RoomCommand), *HABIT_ACTIONS)
#: Timeout of a request for the next picture, seconds.
_PICTURE_WAIT_S = 1.0
_FULL = ('{} viewers are connected already: close one, or raise the parameter '
         'maximum_viewers')
_OPEN = ('/login', '/api/health', '/static/style.css', '/static/icon.svg')
#: Headers that proxies add.
_PROXY_HEADERS = ('X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP',
                  'Forwarded', 'Via')
_HEADERS = {
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


@dataclass(frozen=True)
class Site:
    """The data and callbacks of the web application.

    :ivar now: returns the node's time, seconds.
    :ivar control: sends a command to the bridge: takes the action (one of :data:`ACTIONS`), the
        room (empty: all) and the policy (or the name of a suggestion); returns whether it was
        done, and a message.
    :ivar recording: returns where the pictures are being stored; empty: not stored.
    :ivar health: returns why the process does not work, or an empty string.
    """

    state: DashboardState
    pictures: Pictures
    events: Events
    access: Access
    now: Callable[[], float]
    control: Callable[[str, str, str], tuple[bool, str]]
    version: str = ''
    recording: str = ''
    health: Callable[[], str] = str


def make_app(site: Site) -> Flask:
    """Return the WSGI application."""
    app = Flask('fer_ros_dashboard', static_folder=str(STATIC),
                template_folder=str(Path(__file__).parent / 'templates'))
    app.config['MAX_CONTENT_LENGTH'] = 16 * 1024
    _guard(app, site.access)
    _pages(app, site)
    _data(app, site)
    _live_pictures(app, site)
    return app


def _guard(app: Flask, access: Access) -> None:

    @app.before_request
    def check():
        if not access.host_allowed(request.host):
            return _refuse(421, f'unknown host {request.host!r}: open the page by the address it '
                           'listens on, or name this host in the parameter host_names')
        if request.headers.get('Sec-Fetch-Site', 'none') in ('cross-site', 'same-site') \
                and request.path != '/':
            return _refuse(403, 'requests from other sites are refused')
        if not access.needs_token and any(name in request.headers for name in _PROXY_HEADERS):
            return _refuse(403, 'this request comes through a proxy, which shows the page to '
                           'others: set a token (token_file or FER_DASHBOARD_TOKEN)')
        bearer = request.headers.get('Authorization', '')
        by_bearer = False
        if access.needs_token and request.path not in _OPEN:
            client = _client(access)
            if bearer.startswith('Bearer '):
                if access.blocked(client):
                    return _refuse(429, 'too many wrong tokens: try again in a minute')
                by_bearer = access.token_right(bearer[7:].strip(), client)
                if not by_bearer:
                    return _refuse(401, 'wrong token')
            elif not access.session_valid(request.cookies.get(COOKIE, '')):
                if request.path == '/':
                    return redirect('/login')
                return _refuse(401, 'a token is required: Authorization: Bearer <token>, or sign '
                                    'in')
        # A program that sends the token is not a browser misled by another page.
        if request.method not in ('GET', 'HEAD') and not by_bearer and request.path != '/login' \
                and not access.csrf_valid(request.headers.get('X-CSRF-Token', '')):
            return _refuse(403, 'the header X-CSRF-Token is wrong or missing: reload the page')
        return None

    @app.after_request
    def harden(response: Response) -> Response:
        # Werkzeug before 2.1 would write this host and scheme into redirects, also behind a proxy.
        response.autocorrect_location_header = False
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers['Cache-Control'] = \
            'no-cache' if request.path.startswith('/static/') else 'no-store'
        return response

    @app.errorhandler(HTTPException)
    def failed(error):
        # Redirects are exceptions too.
        return error if (error.code or 500) < 400 else _refuse(
            error.code or 500, error.description or 'the server has failed')


def _pages(app: Flask, site: Site) -> None:
    access = site.access

    @app.get('/')
    def index():
        return send_from_directory(STATIC, 'index.html')

    @app.get('/login')
    def login():
        return render_template('login.html', problem='') if access.needs_token else redirect('/')

    @app.post('/login')
    def sign_in():
        client = _client(access)
        if access.blocked(client):
            return render_template('login.html', problem='Too many wrong tokens. Try again in a '
                                   'minute.'), 429
        if not access.token_right(request.form.get('token', ''), client):
            return render_template('login.html', problem='This token is wrong.'), 401
        response = redirect('/')
        response.set_cookie(COOKIE, access.begin_session(), max_age=SESSION_S, httponly=True,
                            samesite='Strict', secure=request.is_secure or access.encrypted(
                                request.remote_addr or '',
                                request.headers.get('X-Forwarded-Proto', '')))
        return response

    @app.post('/logout')
    def sign_out():
        access.end_session(request.cookies.get(COOKIE, ''))
        response = _json({'ok': True})
        response.delete_cookie(COOKIE)
        return response


def _data(app: Flask, site: Site) -> None:
    state = site.state

    @app.get('/api/state')
    def whole_state():
        return _json(state.snapshot(site.now()))

    @app.get('/api/health')
    def health():
        # Open to all: health checks of containers and proxies have no token.
        problem = site.health()
        return _json({'ok': not problem, 'message': problem}, 503 if problem else 200)

    @app.get('/api/emotions.css')
    def emotions():
        return Response(stylesheet(), mimetype='text/css')

    @app.get('/api/schema')
    def schema():
        return send_from_directory(STATIC, 'state.schema.json')

    @app.get('/api/timeline')
    def timeline():
        return _json(state.history.timeline(site.now(), 60 * _number('minutes', 5, 60)))

    @app.get('/api/emotions.csv')
    def table():
        rows = state.history.csv(site.now(), _number('hours', 4, 24 * 7))
        return Response(rows, mimetype='text/csv', headers={
            'Content-Disposition': 'attachment; filename="emotions.csv"'})

    @app.get('/api/events')
    def events():
        stream = site.events.listen({
            'version': site.version, 'csrf': site.access.csrf,
            'signed_in': site.access.needs_token, 'recording': site.recording})
        if stream is None:
            return _refuse(503, _FULL.format(site.events.limit))
        return Response(stream, mimetype='text/event-stream',
                        headers={'X-Accel-Buffering': 'no'})

    @app.post('/api/home/<action>')
    def control(action: str):
        if action not in ACTIONS:
            return _refuse(404, f'unknown action {action!r}: expected one of '
                           f'{", ".join(ACTIONS)}')
        if not request.is_json:
            return _refuse(415, 'expected Content-Type: application/json')
        try:
            given = json.loads(request.get_data())
        except (ValueError, RecursionError):
            return _refuse(400, 'the body is not JSON')
        if not isinstance(given, dict):
            return _refuse(400, 'expected a JSON object')
        room, policy = given.get('room', ''), given.get('policy', given.get('habit', ''))
        if not all(isinstance(name, str) and len(name) <= 200 for name in (room, policy)):
            return _refuse(400, 'room and policy must be names')
        done, answer = site.control(action, room, policy)
        return _json({'ok': done, 'message': answer}, 200 if done else 502)


def _live_pictures(app: Flask, site: Site) -> None:
    pictures = site.pictures

    def known(camera: str) -> str:
        if camera not in site.state.cameras:
            abort(404, f'unknown camera {camera!r}: there are {", ".join(site.state.cameras)}')
        return camera

    @app.get('/api/cameras/<path:camera>/picture')
    def picture(camera: str):
        after = request.args.get('after', 0, type=int)
        found = pictures.next(known(camera), after, _PICTURE_WAIT_S)
        if found is None:
            return Response(status=204)
        return Response(found.jpeg, mimetype='image/jpeg', headers={
            'X-Picture': str(found.number), 'X-Stamp': f'{found.stamp_s:.6f}',
            'X-Faces': dumps(site.state.faces(camera, found.stamp_s))})

    @app.get('/api/cameras/<path:camera>/stream.mjpg')
    def stream(camera: str):
        known(camera)

        def parts():
            number = 0
            while not pictures.closed:
                found = pictures.next(camera, number, _PICTURE_WAIT_S)
                if found is None:
                    yield _part(placeholder(site.state.reason(camera)))
                else:
                    number = found.number
                    yield _part(found.jpeg)

        held = site.events.hold(parts())
        if held is None:
            return _refuse(503, _FULL.format(site.events.limit))
        return Response(held, mimetype='multipart/x-mixed-replace; boundary=picture')


def _part(jpeg: bytes) -> bytes:
    return (b'--picture\r\nContent-Type: image/jpeg\r\nContent-Length: '
            + str(len(jpeg)).encode() + b'\r\n\r\n' + jpeg + b'\r\n')


def _number(name: str, default: float, upper: float) -> float:
    value = request.args.get(name, default, type=float)
    return min(max(value, 0.0), upper) if value == value else default


def _client(access: Access) -> str:
    """Return the client whose attempts are counted."""
    return access.client(request.remote_addr or '', request.headers.get('X-Forwarded-For', ''))


def _json(data: object, code: int = 200) -> Response:
    return Response(dumps(data), code, mimetype='application/json')


def _refuse(code: int, message: str) -> Response:
    return _json({'ok': False, 'message': message}, code)

# SPDX-License-Identifier: Apache-2.0
"""A local server that answers as Home Assistant's API does, REST and WebSocket."""

import base64
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import itertools
import json
import threading

import websocket
from websocket import _abnf

TOKEN = 'a-token'
AT_START = {'id': 'at-start', 'user_id': None, 'parent_id': None}
_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


class Server(ThreadingHTTPServer):
    """Holds entities; a call on one that does not exist answers success, as the real one does.

    :ivar pushes: whether there is a WebSocket.
    :ivar admin: whether the token may hear of service calls.
    :ivar slow: whether lights only change later, when the test lets them.
    :ivar context_of_call: of the last service call.
    :ivar gate: what a GET waits for, and ``broken``: whether it fails then.
    """

    daemon_threads = True

    def __init__(self, pushes=True):
        super().__init__(('127.0.0.1', 0), Handler)
        self.calls, self.pushes, self.admin = [], pushes, True
        self.slow, self.broken, self.gate = False, False, threading.Event()
        self.gate.set()
        self.context_of_call = None
        self.polls = 0
        self.links = []
        self.contexts = itertools.count(1)
        self.lock = threading.RLock()
        self.registries = {'entity': [], 'device': [], 'area': [], 'label': []}
        self.entities = {
            'light.desk': {'state': 'on', 'attributes': {
                'brightness': 128, 'color_mode': 'color_temp', 'color_temp_kelvin': 3000,
                'rgb_color': [255, 180, 107], 'supported_color_modes': ['color_temp', 'xy'],
                'min_color_temp_kelvin': 2200, 'max_color_temp_kelvin': 4000}},
            'scene.party': {'state': '2024-01-01T00:00:00+00:00', 'attributes': {}}}
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def context(self, user=None, parent=None):
        """Return a new context."""
        return {'id': f'context-{next(self.contexts)}', 'user_id': user, 'parent_id': parent}

    def call(self, service, data, context):
        """Carry out a service call."""
        with self.lock:
            self.calls.append((f'/api/services/{service}', data))
            self.context_of_call = context
            for link in list(self.links):
                link.called(context)
            entity = self.entities.get(data['entity_id'])
            domain, _, what = service.partition('/')
            if not entity or domain in ('scene', 'script') or self.slow and domain == 'light':
                return
            if domain == 'cover':
                position = data.get('position', 100 * (what == 'open_cover'))
                told = {'current_position': position} if 'position' in data else {}
                self.change(data['entity_id'], context, 'open' if position else 'closed', **told)
                return
            if domain == 'media_player':
                self.change(data['entity_id'], context, volume_level=data['volume_level'])
                return
            changed = {key: data[key] for key in ('brightness', 'rgb_color', 'color_temp_kelvin')
                       if key in data}
            if 'rgb_color' in data:
                changed.update(color_mode='rgb', color_temp_kelvin=None)
            if 'color_temp_kelvin' in data:
                changed['color_mode'] = 'color_temp'
            self.change(data['entity_id'], context, service.rpartition('_')[2], **changed)

    def change(self, entity_id, context, state=None, **attributes):
        """Let an entity change, by whomever the context names."""
        with self.lock:
            new = entity_id not in self.entities
            entity = self.entities.setdefault(entity_id, {'state': state, 'attributes': {}})
            entity['state'] = state or entity['state']
            entity['attributes'].update(attributes)
            before, entity['context'] = entity.get('context', AT_START), context
            for link in list(self.links):
                link.changed(entity_id, entity['state'], attributes, context,
                             None if new else before)

    def register(self, registry, entry):
        """Put an entry into a registry, instead of the one of its name."""
        key = 'id' if registry == 'device' else f'{registry}_id'
        with self.lock:
            self.registries[registry] = [
                one for one in self.registries[registry] if one[key] != entry[key]] + [entry]
            self.changed(registry)

    def changed(self, registry):
        """Tell that a registry has changed."""
        with self.lock:
            for link in list(self.links):
                link.registered(registry)

    def drop(self):
        """End every WebSocket."""
        for link in list(self.links):
            link.end()


def compressed(context):
    """Return a context as the first state of an entity has it."""
    return context if context['user_id'] or context['parent_id'] else context['id']


class Link:
    """One WebSocket."""

    def __init__(self, handler):
        self.server, self._handler = handler.server, handler
        self._frames = _abnf.frame_buffer(self._read, True)
        self.heard = []
        self._entities, self._changes, self._calls = {}, {}, None

    def _read(self, size):
        data = self._handler.rfile.read(size)
        if not data:
            raise websocket.WebSocketConnectionClosedException('ended')
        return data

    def send(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        frame = _abnf.ABNF.create_frame(text, _abnf.ABNF.OPCODE_TEXT)
        with self.server.lock:
            self._handler.wfile.write(frame.format())

    def end(self):
        """End the connection without a word."""
        with self.server.lock:
            if self in self.server.links:
                self.server.links.remove(self)
        self._handler.connection.shutdown(2)

    def serve(self):
        self.send({'type': 'auth_required'})
        if self._receive().get('access_token') != TOKEN:
            self.send({'type': 'auth_invalid', 'message': 'Invalid'})
            return
        self.send({'type': 'auth_ok'})
        while True:
            message = self._receive()
            with self.server.lock:
                self._answer(message)

    def _receive(self):
        while True:
            frame = self._frames.recv_frame()
            if frame.opcode == _abnf.ABNF.OPCODE_TEXT:
                return json.loads(frame.data)
            if frame.opcode == _abnf.ABNF.OPCODE_CLOSE:
                raise websocket.WebSocketConnectionClosedException('closed')

    def _answer(self, message):
        number, kind = message['id'], message['type']
        if kind == 'subscribe_entities':
            assert message['entity_ids'], 'all entities would be told'
            self._entities[number] = message['entity_ids']
            self._success(number)
            self._event(number, {'a': {
                name: {'s': entity['state'], 'a': entity['attributes'],
                       'c': compressed(entity.get('context', AT_START))}
                for name, entity in self.server.entities.items()
                if name in message['entity_ids']}})
            if self not in self.server.links:
                self.server.links.append(self)
        elif kind == 'subscribe_events' and message['event_type'] != 'call_service':
            self._changes[message['event_type'].partition('_')[0]] = number
            self._success(number)
            if self not in self.server.links:
                self.server.links.append(self)
        elif kind.startswith('config/'):
            self._success(number, result=self.server.registries[
                kind.split('/')[1].partition('_')[0]])
        elif kind == 'subscribe_events':
            self._calls = number if self.server.admin else None
            self._success(number, self.server.admin)
        elif kind == 'call_service':
            context = self.server.context(user='of the token')
            # As the real one: the states change before the call is answered.
            self.server.call(f'{message["domain"]}/{message["service"]}', message['service_data'],
                             context)
            self._success(number, result={'context': context})
        elif kind == 'ping':
            self.send({'id': number, 'type': 'pong'})

    def _success(self, number, success=True, result=None):
        self.send({'id': number, 'type': 'result', 'success': success, 'result': result,
                   **({} if success else {'error': {'code': 'unauthorized'}})})

    def _event(self, number, event):
        self.send({'id': number, 'type': 'event', 'event': event})

    def called(self, context):
        if self._calls:
            self._event(self._calls, {'event_type': 'call_service', 'context': context})

    def registered(self, registry):
        if registry in self._changes:
            self._event(self._changes[registry], {
                'event_type': f'{registry}_registry_updated', 'data': {'action': 'update'}})

    def changed(self, entity_id, state, attributes, context, before):
        for number, entity_ids in self._entities.items():
            if entity_id in entity_ids:
                self._changed(number, entity_id, state, attributes, context, before)

    def _changed(self, number, entity_id, state, attributes, context, before):
        if before is None:
            self._event(number, {'a': {entity_id: {
                's': state, 'a': attributes, 'c': compressed(context)}}})
            return
        told = {key: value for key, value in context.items() if before.get(key) != value}
        self._event(number, {'c': {entity_id: {'+': {
            's': state, 'a': attributes,
            'c': context['id'] if list(told) == ['id'] else told}}}})


class Handler(BaseHTTPRequestHandler):
    """The REST API, and the way to a WebSocket."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        """Be quiet."""

    def answer(self, status, data=None):
        body = json.dumps(data if data is not None else {}).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def permitted(self):
        if self.headers['Authorization'] == f'Bearer {TOKEN}':
            return True
        self.answer(401)
        return False

    def do_GET(self):  # noqa: N802
        if self.path == '/api/websocket' and self.server.pushes:
            self.upgrade()
        elif self.permitted():
            self.server.polls += 1
            self.server.gate.wait(60)
            if self.server.broken:
                self.answer(500)
                return
            entity = self.server.entities.get(self.path.rpartition('/')[2])
            self.answer(200 if entity else 404, entity)

    def do_POST(self):  # noqa: N802
        data = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        if self.permitted():
            self.server.call(self.path.removeprefix('/api/services/'), data,
                             self.server.context(user='of the token'))
            self.answer(200, [])

    def upgrade(self):
        key = self.headers['Sec-WebSocket-Key'] + _GUID
        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept',
                         base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        link = Link(self)
        try:
            link.serve()
        except (OSError, ValueError, websocket.WebSocketException):
            pass
        finally:
            with self.server.lock:
                if link in self.server.links:
                    self.server.links.remove(link)

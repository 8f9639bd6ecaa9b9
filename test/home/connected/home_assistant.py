# SPDX-License-Identifier: Apache-2.0
"""A real Home Assistant of one's own, for tests: started, logged in to, and asked."""

import json
import os
from pathlib import Path
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from mosquitto import free_port, wait_for

#: How Home Assistant is started, without its -c.
COMMAND = os.environ.get('FER_HASS', '')
WHY_NOT = 'no Home Assistant (set FER_HASS, such as "/home/me/ha/bin/python -m homeassistant")'

#: It has a Python of its own, to which ours says nothing.
_ENVIRONMENT = {name: value for name, value in os.environ.items()
                if name not in ('PYTHONPATH', 'LD_LIBRARY_PATH', 'VIRTUAL_ENV')}
_CONFIGURATION = """
homeassistant: {{name: Test, latitude: 0, longitude: 0, elevation: 0, unit_system: metric,
                 time_zone: UTC, country: DE, currency: EUR}}
http: {{server_host: 127.0.0.1, server_port: {port}}}
api:
config:
mqtt:
  light:
    - {{name: Bed light, unique_id: bed, schema: json, state_topic: attic/lamp,
        command_topic: attic/lamp/set, brightness: true, brightness_scale: 254,
        supported_color_modes: [rgb, color_temp], min_mireds: 153, max_mireds: 500}}
    - {{name: Floor, unique_id: floor, schema: json, state_topic: floor/lamp,
        command_topic: floor/lamp/set, availability_topic: floor/available, brightness: true,
        brightness_scale: 254, supported_color_modes: [rgb, color_temp], min_mireds: 153,
        max_mireds: 500}}
    - {{name: Ceiling, unique_id: ceiling, schema: json, optimistic: true,
        command_topic: ceiling/set, brightness: true, supported_color_modes: [brightness]}}
automation:
  - {{id: clock, alias: Clock, initial_state: false, mode: single,
      triggers: [{{trigger: time_pattern, seconds: '/2'}}],
      actions: [{{action: light.turn_on, target: {{entity_id: light.bed_light}},
                  data: {{brightness: 40}}}}]}}
  - id: told
    alias: Told
    mode: queued
    triggers: [{{trigger: state, entity_id: event.fer_ros_study_event}}]
    conditions: "{{{{ 'habit' in trigger.to_state.attributes }}}}"
    actions:
      - action: input_text.set_value
        target: {{entity_id: input_text.told}}
        data:
          value: >-
            {{{{ trigger.to_state.attributes.get('text')
               or trigger.to_state.attributes.get('answer', 'other') }}}}
input_text: {{told: {{max: 255}}}}
scene:
  - {{name: Party, entities: {{light.ceiling: {{state: 'on', brightness: 99}}}}}}
"""


class HomeAssistant:
    """Home Assistant in a folder, with a user, a light on ``attic/lamp`` and a scene."""

    def __init__(self, folder: Path, more: str = ''):
        self.folder, self.port, self.token = folder, free_port(), ''
        (folder / '.storage').mkdir(parents=True)
        (folder / 'configuration.yaml').write_text(
            _CONFIGURATION.format(port=self.port) + more)
        (folder / '.storage' / 'onboarding').write_text(json.dumps({
            'version': 4, 'minor_version': 1, 'key': 'onboarding',
            'data': {'done': ['user', 'core_config', 'analytics', 'integration']}}))
        subprocess.run([*shlex.split(COMMAND), '--script', 'auth', '-c', str(folder), 'add', 'me',
                        'a password'], check=True, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
        self._process = None
        self.start()
        self._log_in()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}'

    def start(self):
        """Start, and wait until it answers."""
        with (self.folder / 'output').open('a') as output:
            self._process = subprocess.Popen([*shlex.split(COMMAND), '-c', str(self.folder)],
                                             stdout=output, stderr=output, env=_ENVIRONMENT)

    def stop(self):
        """End it."""
        self._process.terminate()
        self._process.wait(60)

    def kill(self):
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()

    def stored(self, name):
        """Return a file of its storage, or an empty text."""
        path = self.folder / '.storage' / name
        return path.read_text() if path.exists() else ''

    def running(self):
        """Return whether it is started."""
        try:
            return self.request('/api/config')['state'] == 'RUNNING'
        except OSError:
            return False

    def log(self):
        """Return what it has written."""
        return (self.folder / 'output').read_text(errors='replace')

    def request(self, path, data=None, *, form=False):
        """Return the JSON answer to a GET, or to a POST of data."""
        kind = 'x-www-form-urlencoded' if form else 'json'
        headers = {'Content-Type': f'application/{kind}'}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        body = None if data is None else (
            urllib.parse.urlencode(data) if form else json.dumps(data)).encode()
        with urllib.request.urlopen(urllib.request.Request(
                self.url + path, data=body, headers=headers), timeout=60) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith(('{', '[')) else text

    def answers(self):
        """Return whether it is there."""
        try:
            return bool(self.request('/auth/providers'))
        except OSError:
            return False

    def _log_in(self):
        wait_for(self.answers, 120, 'Home Assistant')
        client = {'client_id': f'{self.url}/'}
        flow = self.request('/auth/login_flow', {
            **client, 'handler': ['homeassistant', None], 'redirect_uri': f'{self.url}/'})
        flow = self.request(f'/auth/login_flow/{flow["flow_id"]}', {
            **client, 'username': 'me', 'password': 'a password'})
        self.token = self.request('/auth/token', {
            **client, 'grant_type': 'authorization_code', 'code': flow['result']},
            form=True)['access_token']
        wait_for(lambda: self.request('/api/config')['state'] == 'RUNNING', 120, 'its start')

    def connect_broker(self, port):
        """Set up its MQTT integration."""
        flow = self.request('/api/config/config_entries/flow', {'handler': 'mqtt'})
        answer = {'broker': '127.0.0.1', 'port': port}
        known = {field['name'] for field in flow['data_schema']}
        answer.update({name: value for name, value in {
            'protocol': '5', 'other_settings': {
                'set_client_cert': False, 'set_ca_cert': 'off', 'transport': 'tcp'}}.items()
            if name in known})
        flow = self.request(f'/api/config/config_entries/flow/{flow["flow_id"]}', answer)
        assert flow['type'] == 'create_entry', flow

    def entity(self, entity_id):
        """Return an entity's state and attributes, or empty ones where it is not there."""
        try:
            return self.request(f'/api/states/{entity_id}')
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return {'state': None, 'attributes': {}}

    def state(self, entity_id):
        """Return an entity's state."""
        return self.entity(entity_id)['state']

    def call(self, service, entity_id, **data):
        """Call a service of an entity."""
        self.request(f'/api/services/{service}', {'entity_id': entity_id, **data})

    def template(self, text):
        """Return what a template renders."""
        return str(self.request('/api/template', {'template': text}))

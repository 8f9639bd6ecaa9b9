# SPDX-License-Identifier: Apache-2.0
"""A home that is lived in: Home Assistant, a broker, lamps, and the bridge as its own process.

Each of them can be killed and started again.
"""

import json
import os
from pathlib import Path
import socket
import threading
import time

from conftest import QUICK
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros import conversions
from fer_ros.home.policy import Broker
from fer_ros.home.world.virtual_room import VirtualRoom
from fer_ros.msg import EmotionArray
from fer_ros.nodes import qos
from home_assistant import HomeAssistant
from home_support import emotion
from mosquitto import Mosquitto, Spy, wait_for
from std_msgs.msg import Header
from waiting import PATIENCE_S, within
import websocket
import yaml

STATE, EVENT = 'fer_ros/study/state', 'fer_ros/study/event'
BLUEPRINT = Path(__file__).parents[3] / 'examples' / 'home' / 'on_feeling.blueprint.yaml'
BED, FLOOR = 'light.bed_light', 'light.floor'

CONFIGURATION = """
input_boolean: {guests: {name: Guests, initial: false}, fan: {name: Fan, initial: false}}
input_number:
  curtain: {name: Curtain, min: 0, max: 100, initial: 100}
  volume: {name: Volume, min: 0, max: 1, step: 0.01, initial: 0.5}
cover:
  - platform: template
    covers:
      curtain:
        unique_id: curtain
        position_template: "{{ states('input_number.curtain') | int }}"
        set_cover_position:
          - {action: input_number.set_value, target: {entity_id: input_number.curtain},
             data: {value: "{{ position }}"}}
media_player:
  - platform: universal
    name: Radio
    unique_id: radio
    state_template: playing
    commands: {volume_set: {action: input_number.set_value,
                            target: {entity_id: input_number.volume},
                            data: {value: "{{ volume_level }}"}}}
    attributes: {volume_level: input_number.volume}
script:
  tell:
    mode: queued
    sequence:
      - {action: mqtt.publish, data: {topic: told, payload: "{{ room }}: {{ message }}"}}
automation feeling:
  - id: feeling
    alias: Feeling
    use_blueprint:
      path: fer_ros/on_feeling.yaml
      input:
        room: event.fer_ros_study_event
        emotions: [sad]
        least_confidence: 0.3
        actions:
          - {action: mqtt.publish, data: {topic: felt, payload: "{{ emotion }}"}}
"""


class Proxy:
    """A way to a port on which every connection can be ended, once or again and again."""

    def __init__(self, port):
        self._to, self._links, self.dropping = port, [], False
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self.drops = 0
        for work in (self._accept, self._drop):
            threading.Thread(target=work, daemon=True).start()

    def _accept(self):
        while True:
            near = self._listener.accept()[0]
            try:
                far = socket.create_connection(('127.0.0.1', self._to), 5)
            except OSError:
                near.close()
                continue
            # The timeout was for connecting: a link on which nothing is said stays.
            far.settimeout(None)
            self._links += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        self._end(one, other)

    def _end(self, *links):
        for link in links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if link in self._links:
                self._links.remove(link)

    def _drop(self):
        pause = threading.Event()
        while not pause.wait(1.0):
            if self.dropping and self._links:
                self.drops += 1
                self._end(*self._links)


def cpu_s(pid):
    """Return the processor time that a process has used, seconds."""
    fields = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class World:
    """All of it; a camera sees ``label`` (empty: nobody) ten times a second.

    :ivar commands: what each lamp was asked, newest last.
    :ivar started_s: when the bridge was started, on the monotonic clock, and ``took``: how long
        it took to its first state, and how much processor time, seconds.
    """

    def __init__(self, folder, graph):
        self._folder, self._graph, self.process = folder, graph, None
        blueprint = folder / 'ha' / 'blueprints' / 'automation' / 'fer_ros' / 'on_feeling.yaml'
        blueprint.parent.mkdir(parents=True)
        blueprint.write_text(BLUEPRINT.read_text(encoding='utf-8'))
        self.broker = Mosquitto(folder)
        self.ha = HomeAssistant(folder / 'ha', CONFIGURATION)
        self.proxy = Proxy(self.ha.port)
        self.spy = Spy(self.broker.port)
        self.ha.connect_broker(self.broker.port)
        self.rooms = {name: VirtualRoom(Broker(host='127.0.0.1', port=self.broker.port),
                                        base=name, connection_options=QUICK)
                      for name in ('attic', 'floor')}
        for room in self.rooms.values():
            room.start()
            wait_for(lambda: room.connected, what='a lamp')
        self.spy.publish('floor/available', 'online', retain=True)
        wait_for(lambda: self.ha.state(BED) == self.ha.state(FLOOR) == 'on', what='the lights')
        # Killed before it has written what it knows, it would know nothing.
        wait_for(lambda: '"mqtt"' in self.ha.stored('core.config_entries')
                 and 'light.floor' in self.ha.stored('core.entity_registry'), what='its storage')
        self.label, self._done = '', threading.Event()
        self._diagnoses = graph.collect(DiagnosticArray, '/diagnostics', 10)
        self._publisher = graph.node.create_publisher(EmotionArray, 'emotions', qos.RESULT)
        self._camera = threading.Thread(target=self._see)
        self._camera.start()

    def _see(self):
        while not self._done.wait(0.1):
            header = Header(stamp=self._graph.node.get_clock().now().to_msg())
            faces = [emotion(self.label)] if self.label else []
            self._publisher.publish(conversions.emotions_to_message(
                faces, header, 640, 480, 'test', 'ferplus'))

    # The bridge.

    def begin(self, policies, targets=None, rooms=None, **room):
        """Start the bridge with a policy of its own and no memory, the lamps as at first."""
        self.prepare(policies, targets, rooms, **room)
        self.start()
        self.until(emotion='nobody')

    def prepare(self, policies, targets=None, rooms=None, **room):
        """Write the policy, and make the rest as it was before anything."""
        self.label = ''
        for lamp in self.rooms.values():
            lamp.change_manually(self.lamp(0.6))
        study = {'policy': next(iter(policies)), 'smoothing_s': 0.1, 'dwell_s': 0.4,
                 'cooldown_s': 0.2, 'transition_s': 0.2, 'stale_after_s': 2.0,
                 'nobody': {'after_s': 1.0}, 'hold': {'for_s': 300, 'settle_s': 0.6},
                 'rate_limit': {'actions': 100, 'per_s': 60}, **room,
                 'targets': targets or {'bed': {'type': 'home_assistant_light',
                                                'entity_id': BED}}}
        self._file = self._folder / 'policy.yaml'
        self._file.write_text(yaml.safe_dump({
            'version': 1, 'time_zone': 'UTC',
            'broker': {'host': '127.0.0.1', 'port': self.broker.port, 'expire_after_s': 8},
            'home_assistant': {'url': f'http://127.0.0.1:{self.proxy.port}',
                               'token': {'env': 'HA_TOKEN'}, 'poll_s': 5},
            'policies': policies, 'rooms': {'study': study, **(rooms or {})}}))
        self._memory = self._folder / 'memory.json'
        self._memory.unlink(missing_ok=True)

    def start(self):
        """Start the bridge, and wait for the first state of this life; return it."""
        # An installed package has its bytecode, whatever the shell of a test says.
        installed = {key: value for key, value in os.environ.items()
                     if key != 'PYTHONDONTWRITEBYTECODE'}
        before, self.started_s = len(self.spy.of(STATE)), time.monotonic()
        self.process = self._graph.process(
            'fer_ros.nodes.smart_home_bridge', '--ros-args', '-p', f'policy_file:={self._file}',
            '-p', f'state_file:={self._memory}', env=installed)
        wait_for(lambda: len(self.spy.of(STATE)) > before, what='the first state')
        self.took = time.monotonic() - self.started_s, cpu_s(self.process.pid)
        return json.loads(self.spy.of(STATE)[before])

    def kill(self):
        """Kill the bridge as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        """Kill the bridge and start it again; return its first state."""
        self.kill()
        return self.start()

    @property
    def state(self):
        """The newest state of the room."""
        return json.loads(self.spy.of(STATE)[-1])

    def until(self, **state):
        """Wait for a state of the room."""
        wait_for(lambda: state.items() <= self.state.items(), what=state)

    def until_diagnosed(self, words):
        """Wait for the bridge to say from now on, in its diagnostics, that something is so."""
        self._diagnoses.clear()
        wait_for(lambda: any(words in status.message for array in list(self._diagnoses)
                             for status in array.status), what=words)

    def holds_since(self, number):
        """Return whether anything was on hold after so many states."""
        return any(json.loads(text)['hold'] == 'ON' for text in self.spy.of(STATE)[number:])

    def events(self, kind):
        """Return the events of a type."""
        return [event for event in map(json.loads, self.spy.of(EVENT))
                if event['event_type'] == kind]

    # The lamps.

    @staticmethod
    def lamp(brightness, kelvin=2700):
        """Return how a lamp shines."""
        from fer_ros.home.light import LightState
        return LightState(True, brightness, color_temperature_k=kelvin)

    @property
    def commands(self):
        """How often each lamp was asked."""
        return {name: sum(topic.endswith('lamp/set') for topic, _ in list(room.commands))
                for name, room in self.rooms.items()}

    def level(self, name='attic'):
        """Return the brightness of a lamp, percent."""
        return round(100 * (self.rooms[name].lamp.brightness or 0))

    def shines(self, percent, name='attic'):
        """Wait for a brightness."""
        assert within(lambda: abs(self.level(name) - percent) <= 1, PATIENCE_S), (
            f'{name} shines at {self.level(name)}%, not {percent}%:\n{self.story()}')

    def story(self):
        """Return what bridge, Home Assistant and lamps say, for whoever asks why it is so."""
        diagnoses = [f'{one.name}: {one.message} {({pair.key: pair.value for pair in one.values})}'
                     for array in self._diagnoses[-1:] for one in array.status]
        entities = []
        for name in (BED, FLOOR, 'input_boolean.guests'):
            try:
                entities.append(self.ha.entity(name))
            except OSError as error:
                entities.append(f'{name}: {error}')
        return '\n'.join(map(str, (
            self.spy.of(STATE)[-1:], *self.spy.of(EVENT)[-6:], *diagnoses, *entities,
            *(command for room in self.rooms.values() for command in list(room.commands)[-4:]))))

    # The servers.

    def restart_home_assistant(self):
        """Kill Home Assistant, and wait until it is back with its entities."""
        self.ha.kill()
        self.ha.start()
        wait_for(self.ha.running, 180, 'Home Assistant')
        wait_for(lambda: self.ha.state('sensor.fer_ros_study_emotion') not in (
            None, 'unavailable'), what='the entities')

    def restart_broker(self):
        """Kill the broker, which remembers nothing, and wait until all are back."""
        before = len(self.spy.of(STATE))
        self.broker.kill()
        self.broker.start()
        wait_for(lambda: len(self.spy.of(STATE)) > before, what='the bridge')
        self.spy.publish('floor/available', 'online', retain=True)
        wait_for(lambda: all(room.connected for room in self.rooms.values()), what='lamps')
        wait_for(lambda: self.ha.state('sensor.fer_ros_study_emotion') not in (
            None, 'unavailable'), 90, 'the entities')

    def websocket(self, *messages):
        """Send commands to Home Assistant's WebSocket; return the results."""
        link = websocket.create_connection(
            f'ws://127.0.0.1:{self.ha.port}/api/websocket', timeout=60)
        try:
            link.recv()
            link.send(json.dumps({'type': 'auth', 'access_token': self.ha.token}))
            link.recv()
            found = []
            for number, message in enumerate(messages, 1):
                link.send(json.dumps({'id': number, **message}))
                answer = json.loads(link.recv())
                assert answer['success'], answer
                found.append(answer['result'])
            return found
        finally:
            link.close()

    def close(self):
        """End all of it."""
        self._done.set()
        self._camera.join()
        self.kill()
        for room in self.rooms.values():
            room.stop()
        self.spy.close()
        self.ha.stop()
        self.broker.kill()


def clock(offset_h):
    """Return a time of day so many hours from now, as the policy writes it; UTC."""
    return time.strftime('%H:%M', time.gmtime(time.time() + 3600 * offset_h))

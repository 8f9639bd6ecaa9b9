# SPDX-License-Identifier: Apache-2.0
"""The bridge as a real process on a real broker, killed at any moment: it goes on where it was."""

import json
import stat
import threading

import pytest

pytest.importorskip('fer_ros.conversions', reason='rclpy or the built messages are absent')
from conftest import POLICY  # noqa: E402
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from home_support import emotion  # noqa: E402
from mosquitto import wait_for  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

STATE, SET = 'fer_ros/study/state', 'virtual_room/lamp/set'


class Life:
    """A bridge that is killed and started again, a camera that sees the same all the time."""

    def __init__(self, graph, broker, spy, virtual_room, folder):
        self.broker = broker()
        self.spy = spy(self.broker.port)
        self.room = virtual_room(self.broker.port)
        self.memory = folder / 'memory.json'
        self._graph, self._file = graph, folder / 'policy.yaml'
        self._file.write_text(POLICY.format(port=self.broker.port, broker=''))
        self.label, self._done = '', threading.Event()
        self.start()
        self._publisher = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
        self._thread = threading.Thread(target=self._see)
        self._thread.start()

    def _see(self):
        while not self._done.wait(0.05):
            header = Header(stamp=self._graph.node.get_clock().now().to_msg())
            faces = [emotion(self.label)] if self.label else []
            self._publisher.publish(conversions.emotions_to_message(
                faces, header, 640, 480, 'test', 'ferplus'))

    def start(self):
        """Start, and wait for the first state of this life; return it."""
        before = len(self.spy.of(STATE))
        self.process = self._graph.process(
            'fer_ros.nodes.smart_home_bridge', '--ros-args', '-p', f'policy_file:={self._file}',
            '-p', f'state_file:={self.memory}')
        wait_for(lambda: len(self.spy.of(STATE)) > before, what='the first state')
        return json.loads(self.spy.of(STATE)[before])

    def kill(self):
        """End at once, as a power cut does; return when the broker has said its last word."""
        said = len(self.spy.of('fer_ros/availability'))
        self.process.kill()
        self.process.wait()
        wait_for(lambda: self.spy.of('fer_ros/availability')[said:], what='the last word')

    def close(self):
        self._done.set()
        self._thread.join()

    def until(self, **state):
        """Wait for a state."""
        wait_for(lambda: state.items() <= json.loads(self.spy.of(STATE)[-1]).items(), what=state)

    def remembered(self, fits):
        """Wait until the file says so of the room; it is whole whenever it is read."""
        wait_for(lambda: self.memory.exists()
                 and fits(json.loads(self.memory.read_text())['rooms']['study']),
                 what='the state file')


@pytest.fixture
def life(graph, broker, spy, virtual_room, tmp_path):
    one = Life(graph, broker, spy, virtual_room, tmp_path)
    yield one
    one.close()


def test_a_killed_bridge_goes_on_where_it_was(life):
    # Killed with the light changed: it is still controlled, and restored when nobody is in view.
    life.label = 'happy'
    wait_for(lambda: life.spy.of(SET), what='the first command')
    life.remembered(lambda room: 'lamp' in room['targets'])
    life.kill()
    assert stat.S_IMODE(life.memory.stat().st_mode) == 0o600
    commands = len(life.spy.of(SET))
    life.start()
    life.until(emotion='happy')
    life.label = ''
    wait_for(lambda: len(life.spy.of(SET)) > commands, what='the way back')
    assert json.loads(life.spy.of(SET)[commands]).get('color_temp')
    # Killed on hold, with another policy.
    life.spy.publish('fer_ros/study/policy/set', 'warm')
    life.spy.publish('fer_ros/study/revert/set', '')
    life.until(policy='warm', hold='ON')
    life.kill()
    first = life.start()
    assert (first['policy'], first['hold']) == ('warm', 'ON')
    assert first['hold_reason'] == 'reverted by a person'
    # Killed right after the switch was seen to be off: off from the first state on.
    life.spy.publish('fer_ros/study/resume/set', '')
    life.label = 'happy'
    life.until(hold='OFF')
    life.spy.publish('fer_ros/study/enabled/set', 'OFF')
    life.until(enabled='OFF')
    life.kill()
    commands = len(life.spy.of(SET))
    first = life.start()
    assert first['enabled'] == 'OFF' and first['emotion'] is None and first['faces'] is None
    life.until(enabled='OFF', emotion=None)
    # The file cut in half: reported, put aside, and the bridge works.
    life.kill()
    life.memory.write_text(life.memory.read_text()[:80])
    assert life.start()['enabled'] == 'ON'
    assert life.memory.with_name('memory.json.broken').exists()
    assert len(life.spy.of(SET)) >= commands

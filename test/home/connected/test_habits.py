# SPDX-License-Identifier: Apache-2.0
"""Overrides in, a suggestion out, yes, and the next evening the room does it: on a real broker.

The evenings pass on a made-up clock; the broker, the lamp behind it and the messages are real.
"""

import json
import time

from conftest import POLICY, QUICK
from fer_ros.home.controller import HomeController
from fer_ros.home.lifecycle import ControlState
from habits_support import DAY_S, MONDAY_S
from home_support import emotion
from mosquitto import wait_for
import pytest
from waiting import within

STATE = 'virtual_room/lamp'
EVENT, CONFIG = 'fer_ros/study/event', 'homeassistant/device/fer_ros_study/config'


class Home:
    """A home on a broker, whose evenings pass quickly.

    :param hand: how a person sets the lamp to a level; None: by a message for it.
    """

    def __init__(self, folder, port, spy, hand=None, lamp=STATE):
        self.spy, self.day, self.now_s = spy, 0, MONDAY_S
        self._hand = hand or (lambda level: spy.publish(
            f'{lamp}/set', json.dumps({'brightness': round(level * 254)})))
        text = POLICY.replace(STATE, lamp).format(port=port, broker='').replace(
            'rooms:', f"time_zone: UTC\nhabits: {{folder: '{folder}/habits'}}\nrooms:").replace(
                '    policy: mirror', '    policy: mirror\n    habits: apply').replace(
                    'for_s: 60', 'for_s: 4').replace('stale_after_s: 0.6', 'stale_after_s: 3') \
            .replace('dwell_s: 0.4', 'dwell_s: 1').replace(
                'nobody: {after_s: 0.6}', 'nobody: {after_s: 2, action: keep}').replace(
                    'transition_s: 0.3', 'transition_s: 0')
        file = folder / 'home.yaml'
        file.write_text(text)
        self.rules = folder / 'home.habits.yaml'
        self.house = HomeController(file, connection_options=QUICK)
        self.pass_(2, until=lambda: self.level is not None)

    @property
    def _lamp(self):
        return self.house.snapshot('study').devices[0]

    @property
    def level(self):
        """How bright the lamp says it is, or None."""
        return None if self._lamp.reported is None else self._lamp.reported.brightness

    def _answered(self):
        self.house.tick(self.now_s)
        return self._lamp.state not in (ControlState.COMMANDED, ControlState.RESTORING)

    def pass_(self, seconds, label='', until=None):
        """Pass time in which somebody feels something, or until something is so."""
        end = time.monotonic() + 60
        until_s = self.now_s + seconds
        while self.now_s < until_s if until is None else not until():
            assert time.monotonic() < end, 'in vain'
            # What is waited for takes the broker time, which may be long where others work.
            self.now_s += 0.5 if until is None else 0.01
            self.house.observe('emotions', [emotion(label)] if label else [], self.now_s - 0.01,
                               now_s=self.now_s)
            self.house.tick(self.now_s)
            time.sleep(0.012)  # the broker is real
            within(self._answered, 5)

    def until_suggested(self, level=0.2):
        """Pass evenings with overrides until the room suggests something; return how many."""
        for count in range(1, 11):
            before = len(self.events('suggestion'))
            self.evening(level)
            if len(self.events('suggestion')) > before:
                return count
        raise AssertionError('nothing was suggested')

    def evening(self, level=None):
        """Pass an evening in which somebody is sad; return how bright the room made it."""
        self.now_s = MONDAY_S + self.day * DAY_S + 19 * 3600
        self.day += 1
        self.pass_(6, 'sad')
        made = self.level
        if level is not None:
            self._hand(level)
            self.pass_(0, 'sad', until=lambda: abs(self.level - level) < 0.02)
            self.pass_(6, 'sad')
        else:
            self.pass_(20, 'sad')
        # What is changed at equal distances is taken for an automation.
        self.pass_(8 + 24 * (self.day % 2))
        return made

    def events(self, kind):
        """Return all events of a kind until now that automations see."""
        connection, mark = self.house._connections.discovery._connection, str(time.monotonic())
        wait_for(lambda: connection.publish('mark', mark), what='the connection')
        wait_for(lambda: mark in self.spy.of('mark'), what='what was sent before')
        return [one for one in map(json.loads, self.spy.of(EVENT)) if one['event_type'] == kind]


@pytest.fixture
def home(tmp_path, broker, spy, virtual_room):
    one = broker()
    virtual_room(one.port)
    home = Home(tmp_path, one.port, spy(one.port))
    yield home
    home.house.close(home.now_s)


def test_hands_in_suggestion_out_yes_done_and_an_override_stops_it(home):
    def announced():
        return {key for topic, text, *_ in home.spy.messages
                if topic.startswith(CONFIG.rpartition('/')[0]) and text
                for key in json.loads(text)['cmps']}
    wait_for(lambda: {'suggestion', 'habit_yes', 'habit_no', 'habit_never'} <= announced())
    assert home.evening() > 0.3
    assert home.until_suggested() <= 5
    text = home.events('suggestion')[0]['text']
    assert text.startswith('Evenings when sad, the lamp was set to 20 % in ')
    home.spy.publish('fer_ros/study/habit_yes/set', 'PRESS')
    home.pass_(0, until=home.rules.exists)
    wait_for(lambda: home.events('suggestion_answered'), what='the answer')
    assert home.evening() == pytest.approx(0.2, abs=0.02)
    # A late yes is reported and has no effect.
    before = home.rules.read_text()
    home.spy.publish('fer_ros/study/habit_yes/set', 'PRESS')
    home.pass_(3)
    assert home.rules.read_text() == before
    # An override stops it for the evening, three in a row for good.
    for _ in range(3):
        assert home.evening(0.9) == pytest.approx(0.2, abs=0.02)
    wait_for(lambda: home.events('habit_suspended'), what='the suspension')
    assert 'suspended' in home.rules.read_text()
    assert home.evening() > 0.3

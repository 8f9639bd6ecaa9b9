# SPDX-License-Identifier: Apache-2.0
"""The bridge before a real Home Assistant, where FER_HASS names one."""

import time

from fer_ros.habits.events import Actor
from fer_ros.habits.log import EventLog
from fer_ros.home.action import Command, Outcome
from fer_ros.home.policy import parse_policy
from home_assistant import COMMAND, HomeAssistant, WHY_NOT
from mosquitto import wait_for
import pytest

pytestmark = pytest.mark.skipif(not COMMAND, reason=WHY_NOT)

#: So many that the discovery of the room needs two messages.
POLICIES = ''.join(f'  spare_policy_number_{i}: {{by_emotion: {{sad: {{brightness: 0.5}}}}}}\n'
                   for i in range(28))
POLICY = """
version: 1
broker: {{host: 127.0.0.1, port: {port}, expire_after_s: 6}}
home_assistant: {{url: 'URL', token: {{env: HA_TOKEN}}, poll_s: 0.3}}
policies:
  mirror:
    by_emotion:
      happy: {{strategy: mirror, scene: party}}
      sad: {{strategy: soothe}}
  warm: {{by_emotion: {{happy: {{brightness: 0.3, color_temperature_k: 2700}}}}}}
SPARErooms:
  study:
    policy: mirror
    targets:
      bed: {{type: home_assistant_light, entity_id: light.bed_light}}
      mood: {{type: home_assistant_scene, scenes: {{party: scene.party}}}}
    smoothing_s: 0.1
    dwell_s: 0.4
    cooldown_s: 0.2
    transition_s: 0.3
    stale_after_s: 1
    nobody: {{after_s: 1}}
    hold: {{scope: room, for_s: 60, settle_s: 0.6}}
    rate_limit: {{actions: 100, per_s: 60}}
"""
KINDS = {'emotion': 'sensor', 'confidence': 'sensor', 'faces': 'sensor', 'valence': 'sensor',
         'arousal': 'sensor', 'occupied': 'binary_sensor', 'hold': 'binary_sensor',
         'last_action': 'sensor', 'last_reason': 'sensor', 'enabled': 'switch',
         'policy': 'select', 'revert': 'button', 'resume': 'button', 'event': 'event'}
LIGHT = 'light.bed_light'


def our(key):
    return f'{KINDS[key]}.fer_ros_study_{key}'


@pytest.fixture
def home(broker, virtual_room, house, tmp_path, monkeypatch):
    class Home:
        pass

    home = Home()
    home.ha = HomeAssistant(tmp_path / 'ha')
    try:
        home.broker = broker()
        home.ha.connect_broker(home.broker.port)
        home.lamp = virtual_room(home.broker.port, base='attic')
        wait_for(lambda: home.ha.state(LIGHT) == 'on', what='the light')
        monkeypatch.setenv('HA_TOKEN', home.ha.token)
        text = POLICY.replace('URL', home.ha.url).replace(
            'SPARE', POLICIES.replace('{', '{{').replace('}', '}}'))
        home.text = text.format(port=home.broker.port)
        home.running = house(home.broker.port, text)
        home.see, home.actions = home.running.see, home.running.actions
        home.see('', until=lambda: home.ha.state(our('emotion')) == 'nobody')
        yield home
    finally:
        home.ha.stop()


def shows(home, key, value):
    return lambda: home.ha.state(our(key)) == value


def test_a_day_with_home_assistant(home):
    ha, see = home.ha, home.see
    # Every entity is there under its name, on one device in the room's area.
    found = {key: ha.entity(our(key)) for key in KINDS}
    assert all(entity['state'] is not None for entity in found.values()), found
    assert set(found['emotion']['attributes']['options']) > {'happy', 'sad', 'nobody'}
    assert len(found['policy']['attributes']['options']) == 30
    for key in KINDS:
        device = f"device_id('{our(key)}')"
        assert ha.template(f"{{{{ device_attr({device}, 'name') }}}}") == 'Emotions Study'
    assert ha.template(f"{{{{ area_name('{our('emotion')}') }}}}") == 'Study'

    # A feeling: entities, light and scene follow, and are read back.
    see('happy', until=lambda: len(home.actions) == 2)
    assert {action.target for action in home.actions} == {'bed', 'mood'}
    assert all(action.outcome != Outcome.FAILED for action in home.actions)
    see('happy', until=lambda: ha.entity('light.ceiling')['attributes'].get('brightness') == 99)
    see('happy', until=lambda: ha.entity(LIGHT)['attributes'].get('brightness') == 179)
    for key, value in (('emotion', 'happy'), ('occupied', 'on'), ('faces', '1')):
        see('happy', until=shows(home, key, value))
    assert 'party' in ha.state(our('last_action')) and 'happy' in ha.state(our('last_reason'))
    assert ha.entity(our('event'))['attributes']['event_type'] == 'action'

    # A manual change of the light in Home Assistant wins, until the button is pressed.
    see('happy', 1.5)
    assert not home.running.status.on_hold
    ha.call('light/turn_on', LIGHT, brightness=20)
    see('happy', until=shows(home, 'hold', 'on'))
    assert 'bed was changed manually' in ha.entity(our('hold'))['attributes']['reason']
    see('sad', 1.5)
    assert len(home.actions) == 2 and ha.entity(LIGHT)['attributes']['brightness'] == 20
    ha.call('button/press', our('resume'))
    see('sad', until=shows(home, 'hold', 'off'))
    see('sad', until=lambda: len(home.actions) == 3)

    # The select, the other button and the switch.
    ha.call('select/select_option', our('policy'), option='warm')
    see('happy', until=shows(home, 'policy', 'warm'))
    see('happy', until=lambda: ha.entity(LIGHT)['attributes'].get('brightness') == 76)
    ha.call('button/press', our('revert'))
    see('happy', until=shows(home, 'hold', 'on'))
    see('happy', until=lambda: home.actions[-1].command == Command.RESTORE)
    assert home.actions[-1].request.light.brightness == pytest.approx(20 / 255, abs=0.01)
    ha.call('switch/turn_off', our('enabled'))
    see('happy', until=shows(home, 'enabled', 'off'))
    see('happy', until=shows(home, 'emotion', 'unknown'))
    ha.call('switch/turn_on', our('enabled'))
    see('happy', until=shows(home, 'emotion', 'happy'))

    # What is not known is not shown: a camera that stops, a bridge that hangs, one that ends.
    see(None, until=shows(home, 'emotion', 'unknown'))
    assert ha.state(our('occupied')) == 'unknown'
    see('sad', until=shows(home, 'emotion', 'sad'))
    wait_for(shows(home, 'emotion', 'unavailable'), what='the expiry')
    see('sad', until=shows(home, 'emotion', 'sad'))

    # Both restart: the broker without its memory, and Home Assistant.
    home.broker.kill()
    wait_for(shows(home, 'emotion', 'unavailable'), what='the end of the connection')
    home.broker.start()
    see('sad', until=shows(home, 'emotion', 'sad'), timeout_s=90)
    ha.stop()
    see('sad', until=lambda: any('refuses connections: is it running' in complaint.text
                                 for complaint in home.running.house.complaints()))
    ha.start()
    see('sad', until=ha.answers, timeout_s=90)
    see('sad', until=shows(home, 'emotion', 'sad'))
    assert not home.running.status.on_hold

    home.running.house.close(time.time())
    wait_for(shows(home, 'emotion', 'unavailable'), what='the goodbye')
    assert ha.state(our('enabled')) == 'unavailable'
    faults = [line for line in ha.log().splitlines() if 'fer_ros' in line
              and ('WARNING' in line or 'ERROR' in line)]
    assert not faults


def test_who_changed_a_light(home, tmp_path):
    ha, see, running = home.ha, home.see, home.running
    log = EventLog(tmp_path / 'habits')
    running.house.reload(time.time(), parse_policy(home.text.replace(
        'scope: room', 'scope: attribute').replace(
            'policies:', f"habits: {{log: true, folder: '{log.folder}'}}\npolicies:", 1)))

    def light():
        return running.status.devices[0]
    see('', until=lambda: running.house.connections['home assistant'] == 'connected'
        and light().known)
    see('happy', until=lambda: ha.entity(LIGHT)['attributes'].get('brightness') == 179)
    see('happy', until=lambda: light().state.value == 'confirmed')
    see('happy', 2.5)
    assert not light().held

    # An automation by the clock is not a person; what it sets is the light's state.
    ha.call('automation/turn_on', 'automation.clock')
    see('happy', until=lambda: light().reported.brightness == pytest.approx(40 / 255, abs=0.01))
    see('happy', 3)
    assert not running.status.on_hold, running.status.hold_reason
    ha.call('automation/turn_off', 'automation.clock')

    # A person is, at once, for what they changed.
    called_s = time.monotonic()
    ha.call('light/turn_on', LIGHT, brightness=200)
    see('happy', until=lambda: light().held, rate_hz=200)
    seen_s = time.monotonic() - called_s
    assert light().held == ('brightness',) and seen_s < 1, seen_s
    print(f'a person in Home Assistant was seen after {seen_s * 1e3:.0f} ms')
    see('sad', until=lambda: ha.entity(LIGHT)['attributes']['color_temp_kelvin'] == pytest.approx(
        2511, abs=10))
    assert ha.entity(LIGHT)['attributes']['brightness'] == 200

    # The log of the home has it so.
    def told():
        events = log.read(now_s=time.time()).events
        return [(one.actor, round(one.light.brightness * 255)) for one in events if one.light
                and one.target == 'bed' and one.actor in (Actor.AUTOMATION, Actor.PERSON)]
    see('sad', until=lambda: told() == [(Actor.AUTOMATION, 40), (Actor.PERSON, 200)])

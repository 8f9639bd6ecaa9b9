# SPDX-License-Identifier: Apache-2.0
"""The house on a real broker: discovery, actions, manual changes, the broker's death."""

import json
import time

from conftest import POLICY
from fer_ros.home.action import Command, Outcome
from fer_ros.home.light import LightState
from home_support import emotion
from mosquitto import wait_for
import pytest

CONFIG = 'homeassistant/device/fer_ros_study/config'
SET = 'virtual_room/lamp/set'


@pytest.fixture
def home(broker, spy, virtual_room, house):
    class Home:
        pass

    home = Home()
    home.broker = broker()
    home.spy = spy(home.broker.port)
    home.room = virtual_room(home.broker.port)
    home.running = house(home.broker.port)
    home.see = home.running.see
    home.actions = home.running.actions
    home.see('', until=lambda: home.spy.of('fer_ros/study/state'))
    return home


def state(home):
    return json.loads(home.spy.of('fer_ros/study/state')[-1])


def commands(home):
    return [json.loads(payload) for payload in home.spy.of(SET)]


def test_home_assistant_discovers_every_entity(home, spy):
    late = spy(home.broker.port)
    late.settle()
    payload = late.of(CONFIG)[0]
    found = json.loads(payload)
    assert found['o']['name'] == 'fer_ros' and found['o']['sw'] == '9.9'
    assert found['dev']['ids'] and found['avty_t'] == 'fer_ros/availability'
    assert late.of('fer_ros/availability') == ['online']
    components = found['cmps']
    assert {key: part['p'] for key, part in components.items()} == {
        'emotion': 'sensor', 'confidence': 'sensor', 'faces': 'sensor', 'valence': 'sensor',
        'arousal': 'sensor', 'occupied': 'binary_sensor', 'hold': 'binary_sensor',
        'last_action': 'sensor', 'last_reason': 'sensor', 'enabled': 'switch',
        'policy': 'select', 'revert': 'button', 'resume': 'button', 'event': 'event'}
    for part in components.values():
        assert part['default_entity_id'] == f'{part["p"]}.{part["object_id"]}'
        assert part['uniq_id']
    assert len({part['uniq_id'] for part in components.values()}) == len(components)
    options = components['emotion']['ops']
    assert components['emotion']['dev_cla'] == 'enum'
    for label in ('happy', 'sad'):
        home.see(label, until=lambda: state(home)['emotion'] == label)
    home.see('', until=lambda: state(home)['emotion'] == 'nobody')
    assert {json.loads(text)['emotion'] for text in home.spy.of('fer_ros/study/state')} - {None} \
        <= set(options)
    assert components['policy']['ops'] == ['mirror', 'warm'] and state(home)['policy'] == 'mirror'
    assert components['emotion']['exp_aft'] == 6
    # Only what may outlive us is retained.
    assert {topic for topic, _, retained, _ in late.messages
            if retained and not topic.startswith('virtual_room')} == {
                CONFIG, 'fer_ros/availability'}


def test_discovery_and_state_come_again_when_home_assistant_is_born(home):
    before = len(home.spy.of(CONFIG)), len(home.spy.of('fer_ros/study/state'))
    home.spy.publish('homeassistant/status', 'online')
    home.see('', until=lambda: len(home.spy.of(CONFIG)) > before[0]
             and len(home.spy.of('fer_ros/study/state')) > before[1])


def test_an_action_comes_within_a_second_of_the_dwell_and_is_confirmed(home):
    def sent():
        return [at for topic, _, _, at in list(home.spy.messages) if topic == SET]
    # A busy machine delays it: one of a few times shows what the bridge can.
    for count in range(8):
        before = len(sent())
        began = time.time()
        home.see('happy', until=lambda count=count: len(home.actions) > 2 * count)
        at = wait_for(lambda before=before: sent()[before:], what='the command')[0]
        assert at - began >= 0.4
        if at - began <= 1.4:
            break
        home.see('', until=lambda count=count: len(home.actions) > 2 * count + 1)
    else:
        raise AssertionError(f'never within a second of the dwell: {at - began} s')
    action, command = home.actions[-1], commands(home)[-1]
    assert action.outcome == Outcome.CONFIRMED
    assert command['state'] == 'ON' and command['transition'] == 0.3
    assert not any(retained for topic, _, retained, _ in home.spy.messages if topic == SET)
    # Nor does a lamp that was away get it long after.
    assert 1 <= home.spy.properties[SET].MessageExpiryInterval <= 10
    before = len(home.actions)
    home.see('', until=lambda: len(home.actions) > before)
    assert home.actions[-1].command == Command.RESTORE
    wait_for(lambda: home.room.lamp.color_temperature_k == pytest.approx(2700, abs=10))
    assert home.room.lamp.brightness == pytest.approx(0.6, abs=0.01)


def test_a_state_that_does_not_change_is_sent_until_home_assistant_listens_and_then_rarely(
        home, monkeypatch):
    house, clock_s, asked = home.running.house, [time.monotonic()], []
    connection = house._connections.discovery._connection
    publish = connection.publish

    def counted(topic, *args, **kwargs):
        asked.append(topic)
        return publish(topic, *args, **kwargs)
    monkeypatch.setattr(house, '_clock', lambda: clock_s[0])
    monkeypatch.setattr(connection, 'publish', counted)

    def sent_in(seconds):
        """Return how many states arrive of so many seconds of the house's clock."""
        before, asked[:] = len(home.spy.of('fer_ros/study/state')), []
        for _ in range(round(20 * seconds)):
            clock_s[0] += 0.05
            now_s = time.time()
            house.observe('emotions', [], now_s, now_s=now_s)
            house.tick(now_s)
        count = asked.count('fer_ros/study/state')
        wait_for(lambda: len(home.spy.of('fer_ros/study/state')) >= before + count)
        return count
    house._connections.discovery.announce()
    assert sent_in(5) >= 3
    sent_in(3)
    # Every third of expire_after_s, which is two seconds here.
    assert 1 <= sent_in(5) <= 3


def test_emotions_that_stop_become_unknown(home):
    home.see('happy', until=lambda: state(home)['emotion'] == 'happy')
    home.see(None, until=lambda: state(home)['emotion'] is None)
    assert state(home)['occupied'] is None and state(home)['faces'] is None


@pytest.mark.parametrize('change', [
    {'on': True, 'brightness': 0.2}, {'on': True, 'color': (0.0, 1.0, 0.2)},
    {'on': True, 'color_temperature_k': 6500}, {'on': False}])
def test_a_manual_change_wins(home, change):
    home.see('happy', until=lambda: home.actions)
    home.room.change_manually(LightState(**change))
    home.see('happy', until=lambda: state(home)['hold'] == 'ON')
    by_hand = home.room.lamp
    home.see('sad', 1)
    assert len(commands(home)) == 1 and home.room.lamp == by_hand
    if change['on']:
        home.spy.publish('fer_ros/study/resume/set', 'PRESS')
        home.see('sad', until=lambda: len(commands(home)) == 2)


def test_a_scene_recalled_manually_wins(home):
    home.see('happy', until=lambda: home.actions)
    home.spy.publish('virtual_room/scene', 'relax')
    home.see('happy', until=lambda: state(home)['hold'] == 'ON')
    home.see('sad', 1)
    assert len(commands(home)) == 1 and home.room.lamp.color_temperature_k == 2200


def test_with_mqtt_3_the_home_works_too(broker, spy, virtual_room, house):
    one = broker()
    room = virtual_room(one.port)
    running = house(one.port, broker=", mqtt_version: '3.1.1'")
    running.see('happy', until=lambda: running.actions)
    assert running.actions[0].outcome == Outcome.CONFIRMED and len(room.commands) == 1


def test_the_entities_command(home):
    home.see('happy', until=lambda: home.actions)
    home.spy.publish('fer_ros/study/policy/set', 'warm')
    home.see('happy', until=lambda: state(home)['policy'] == 'warm' and len(commands(home)) == 2)
    assert commands(home)[1]['color_temp'] == round(1e6 / 2200)
    home.spy.publish('fer_ros/study/policy/set', 'no such')
    home.spy.publish('fer_ros/study/revert/set', 'PRESS')
    home.see('happy', until=lambda: state(home)['hold'] == 'ON' and len(commands(home)) == 3)
    assert commands(home)[2]['color_temp'] == 370
    home.spy.publish('fer_ros/study/enabled/set', 'OFF')
    home.see('happy', until=lambda: state(home)['enabled'] == 'OFF')
    assert state(home)['emotion'] is None
    kinds = {json.loads(text)['event_type'] for text in home.spy.of('fer_ros/study/event')}
    assert {'emotion', 'occupied', 'action', 'hold', 'switched_off'} <= kinds


def test_retained_commands_are_ignored(broker, spy, virtual_room, house):
    one = broker()
    virtual_room(one.port)
    watcher = spy(one.port)
    watcher.publish('fer_ros/study/enabled/set', 'OFF', retain=True)
    running = house(one.port)
    running.see('happy', until=lambda: running.actions)
    assert running.status.enabled
    watcher.publish('fer_ros/study/enabled/set', 'OFF')
    running.see('happy', until=lambda: not running.status.enabled)


@pytest.mark.parametrize('payload', ['', 'on', 'x' * 100_000, '\x00', '{"a": 1}'])
def test_nonsense_on_the_command_topics_is_survived(home, payload):
    for command in ('enabled', 'policy'):
        home.spy.publish(f'fer_ros/study/{command}/set', payload)
    home.spy.publish('virtual_room/lamp', payload)
    home.see('happy', until=lambda: home.actions)
    assert home.running.status.enabled and home.running.status.policy == 'mirror'


def test_flapping_at_five_hertz_for_a_minute_sends_at_most_one_command(home):
    house, now_s = home.running.house, time.time() + 1
    sent = len(commands(home))
    for index in range(600):
        now_s += 0.1
        house.observe('emotions', [emotion('happy' if index % 2 else 'sad')], now_s, now_s=now_s)
        house.tick(now_s)
    home.spy.publish('end', '')
    wait_for(lambda: home.spy.of('end'))
    assert len(commands(home)) - sent <= 1


def test_the_broker_dies_and_returns_without_memory_and_no_old_command_comes(home):
    home.see('happy', until=lambda: home.actions)
    home.broker.kill()
    home.see('happy', until=lambda: home.running.house.complaints())
    assert 'refuses connections' in home.running.house.complaints()[0].text or \
        'ended the connection' in home.running.house.complaints()[0].text
    # An action cannot be sent now: that is reported once, and it is not kept.
    home.see('sad', until=lambda: len(home.actions) == 2)
    assert home.actions[1].outcome == Outcome.FAILED and home.actions[1].detail
    home.see('sad', 1)
    assert len(home.actions) == 2
    home.see('', 0.01)    # once: for a moment
    home.broker.start()
    mark = time.time()
    home.see('happy', until=lambda: any(
        topic == CONFIG and at > mark for topic, _, _, at in home.spy.messages))
    home.see('happy', 1.5)
    late = [json.loads(payload) for topic, payload, _, at in home.spy.messages
            if topic == SET and at > mark]
    # The blue light of then does not come; the lamp shows happiness still.
    assert not late
    assert home.spy.of('fer_ros/availability')[-1] == 'online'
    home.see('sad', until=lambda: len(home.actions) == 3)
    assert home.actions[2].outcome != Outcome.FAILED


def test_what_is_still_right_when_the_broker_returns_is_asked_once(home):
    home.see('happy', until=lambda: home.actions)
    home.broker.kill()
    home.see('sad', until=lambda: len(home.actions) == 2)
    assert home.actions[1].outcome == Outcome.FAILED
    home.broker.start()
    home.see('sad', until=lambda: len(home.actions) == 3)
    home.see('sad', 1)
    assert home.actions[2].emotion == 'sad' and home.actions[2].outcome == Outcome.CONFIRMED
    assert len(home.actions) == 3
    # The lamp itself has seen one command for happiness and one for sadness.
    assert [topic for topic, _ in home.room.commands] == [SET] * 2


def test_a_lamp_that_comes_late_is_waited_for_and_restored_to_how_it_was(
        broker, virtual_room, house):
    one = broker()
    running = house(one.port)
    # The feeling has lasted, but how the lamp is is not known yet.
    running.see('happy', until=lambda: 'not reachable' in running.status.blocked_reason)
    running.see('happy', 1.0)
    assert not running.actions
    late = virtual_room(one.port)
    running.see('happy', until=lambda: running.actions)
    running.see('', until=lambda: len(running.actions) == 2)
    assert running.actions[1].command == Command.RESTORE
    wait_for(lambda: late.lamp.color_temperature_k == pytest.approx(2700, abs=10))


def test_a_switch_that_the_access_list_denies_is_a_serious_complaint(guarded, house, login):
    running = house(guarded.port, broker=', username: bridge, password: {env: BRIDGE_PASSWORD}')
    running.see('happy', until=lambda: running.house.complaints() and any(
        'denies publishing on virtual_room/lamp/set' in complaint.text and complaint.serious
        for complaint in running.house.complaints()))


def test_off_and_on_manually_resumes(home):
    home.see('happy', until=lambda: home.actions)
    home.room.change_manually(LightState(False))
    home.see('happy', until=lambda: state(home)['hold'] == 'ON')
    home.room.change_manually(LightState(True))
    home.see('happy', until=lambda: state(home)['hold'] == 'OFF' and len(home.actions) == 2)


def test_a_lamp_that_never_answers_is_reported(broker, spy, virtual_room, house):
    one = broker()
    mute = virtual_room(one.port, answers=False)
    running = house(one.port)
    running.see('happy', until=lambda: running.actions)
    assert running.actions[0].outcome == Outcome.SENT
    running.see('happy', until=lambda: any(
        'study/lamp does not answer' in complaint.text
        for complaint in running.house.complaints()))
    assert len(mute.commands) == 1


def test_a_lamp_that_says_offline_is_left_alone(home):
    home.spy.publish('virtual_room/lamp/availability', '{"state": "offline"}')
    home.see('', until=lambda: any('offline' in complaint.text
                                   for complaint in home.running.house.complaints()))
    home.see('happy', until=lambda: home.actions)
    assert home.actions[0].outcome == Outcome.FAILED and not commands(home)
    home.spy.publish('virtual_room/lamp/availability', 'online')
    home.see('happy', until=lambda: commands(home))


def test_everything_that_passes_is_small_and_goodbye_is_said(home):
    home.see('happy', until=lambda: home.actions)
    home.room.change_manually(LightState(True, 0.1))
    home.see('sad', 1)
    home.running.house.close(time.time())
    wait_for(lambda: home.spy.of('fer_ros/availability')[-1] == 'offline')
    home.spy.publish('end', '')
    wait_for(lambda: home.spy.of('end'))
    assert home.spy.of('fer_ros/availability')[-1] == 'offline'
    assert max(len(payload) for _, payload, *_ in home.spy.messages) <= 4096
    assert not any(topic.endswith('/people') for topic, *_ in home.spy.messages)


def test_the_end_gives_the_lamp_back(home):
    home.see('happy', until=lambda: home.actions)
    home.running.house.close(time.time())
    wait_for(lambda: len(commands(home)) == 2)
    assert commands(home)[1]['color_temp'] == 370


def test_values_of_single_people_only_where_the_policy_says_so(broker, spy, virtual_room, house):
    one = broker()
    virtual_room(one.port)
    watcher = spy(one.port)
    running = house(one.port, POLICY.replace('policies:', 'privacy: {{per_person: true}}\n'
                                                          'policies:', 1))
    running.see('happy', until=lambda: any(
        json.loads(text) == [{'id': 1, 'emotion': 'happy', 'confidence': 0.9}]
        for text in watcher.of('fer_ros/study/people')))


@pytest.mark.parametrize('old, still_there', [
    # A room that the policy file had when the bridge last ran, and a part no longer needed.
    ('device/fer_ros_cellar/config', False), ('device/fer_ros_study_2/config', False),
    # Another bridge's, whose name begins as ours does.
    ('device/fer_ros_two_study/config', True)])
def test_what_an_earlier_life_announced_is_taken_back(broker, spy, house, old, still_there):
    one = broker()
    watcher = spy(one.port)
    base = 'fer_ros_two' if still_there else 'fer_ros'
    payload = json.dumps({'avty_t': f'{base}/availability', 'cmps': {}})
    watcher.publish(f'homeassistant/{old}', payload, retain=True)
    watcher.publish('homeassistant/device/a/config', 'nonsense', retain=True)
    running = house(one.port)
    expected = [payload] if still_there else [payload, '']
    running.see('', until=lambda: watcher.of(CONFIG) and watcher.of('fer_ros/study/state')
                and watcher.of(f'homeassistant/{old}') == expected)
    late = spy(one.port)
    late.settle()
    assert late.of(CONFIG) and bool(late.of(f'homeassistant/{old}')) == still_there
    assert late.of('homeassistant/device/a/config') == ['nonsense']


def test_a_new_policy_file_takes_back_rooms_that_are_gone(home, tmp_path):
    file = tmp_path / 'policy.yaml'
    text = POLICY.format(port=home.broker.port, broker='')
    file.write_text(text.replace('study:', 'library:'))
    home.running.house.reload(time.time(), file)
    home.running.see(None, 0.2)
    wait_for(lambda: home.spy.of(CONFIG)[-1] == '', what='the removal')
    wait_for(lambda: home.spy.of(CONFIG.replace('study', 'library')))

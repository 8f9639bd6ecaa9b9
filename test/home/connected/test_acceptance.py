# SPDX-License-Identifier: Apache-2.0
"""What people who live with it ask for, before a real Home Assistant and broker.

In each something is killed in the middle, and nothing that was promised is lost by it. Takes some
minutes: ``make test-home-assistant``, with FER_HASS.
"""

import itertools
import time
import urllib.error

from home_assistant import COMMAND, WHY_NOT
from mosquitto import BINARY, wait_for
import pytest

pytest.importorskip('fer_ros.conversions', reason='rclpy or the built messages are absent')
from living import BED, clock, FLOOR, STATE, World  # noqa: E402
from ros_support import Graph  # noqa: E402

pytestmark = pytest.mark.skipif(not COMMAND or BINARY is None, reason=WHY_NOT)

LAMPS = {'bed': {'type': 'home_assistant_light', 'entity_id': BED},
         'floor': {'type': 'home_assistant_light', 'entity_id': FLOOR}}
MOODS = {'mood': {'by_emotion': {
    'happy': {'brightness': 0.9, 'color_temperature_k': 4000},
    'sad': {'brightness': 0.3, 'color_temperature_k': 2200}}}}
ENTITIES = {'emotion', 'confidence', 'faces', 'valence', 'arousal', 'occupied', 'hold',
            'last_action', 'last_reason', 'enabled', 'policy', 'revert', 'resume', 'event'}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    with Graph() as graph:
        world = World(tmp_path_factory.mktemp('world'), graph)
        patch.setenv('HA_TOKEN', world.ha.token)
        yield world
        world.close()
        patch.undo()


@pytest.fixture
def world(whole):
    yield whole
    whole.label = ''
    whole.kill()


def ours(world):
    """Return the state of each of our entities, by its id."""
    return {one['entity_id']: one['state'] for one in world.ha.request('/api/states')
            if '.fer_ros_' in one['entity_id']}


def names(world, room):
    return sorted(name.partition(f'.fer_ros_{room}_')[2] for name in ours(world)
                  if f'.fer_ros_{room}_' in name)


def test_1_discovery_leaves_no_orphan_and_no_double(world):
    world.prepare(MOODS, rooms={'hall': {'sources': ['hall/emotions']}})
    world.start()
    wait_for(lambda: set(names(world, 'study')) == ENTITIES, what='the entities')
    print(f'discovered {time.monotonic() - world.started_s:.2f} s after the start of the bridge')
    wait_for(lambda: set(names(world, 'hall')) == ENTITIES - {'policy'}, what='the hall')
    world.restart_home_assistant()
    wait_for(lambda: 'unavailable' not in {
        state for name, state in ours(world).items() if '_study_' in name}, what='their states')
    world.restart_broker()
    assert set(names(world, 'study')) == ENTITIES and len(names(world, 'study')) == 14
    world.kill()
    world.begin(MOODS)
    wait_for(lambda: not names(world, 'hall'), what='the end of the hall')
    assert len(names(world, 'study')) == 14


def test_2_one_action_per_mood(world):
    world.begin(MOODS)
    states = len(world.spy.of(STATE))
    for number, (label, percent) in enumerate([('happy', 90), ('sad', 30)] * 3):
        before = world.commands['attic']
        world.label = label
        world.shines(percent)
        if number == 2:
            wait_for(lambda: abs(world.ha.entity(BED)['attributes'].get('brightness', 0)
                                 - 2.55 * percent) <= 2, what='what Home Assistant heard of it')
        if number in (2, 3):
            world.restart_broker()
        until_s = time.monotonic() + 2
        wait_for(lambda: time.monotonic() > until_s, what='a while')
        # What the lamp said while the broker was away nobody heard, and Home Assistant, which
        # asks no lamp how it is, goes on to tell the state of before. For all that can be known
        # it was not done, and it is asked once more.
        assert world.commands['attic'] - before <= 1 + (number == 3), (number, label)
    assert not world.holds_since(states)


def test_3_a_hand_is_seen_at_once_and_held_by_attribute(world):
    world.begin(MOODS)
    took = []
    for level in itertools.islice(itertools.cycle((40, 200)), 5):
        world.label = 'happy'
        world.shines(90)
        settled_s = time.monotonic() + 1.5
        wait_for(lambda: time.monotonic() > settled_s, what='the end of its time')
        assert world.state['hold'] == 'OFF'
        called_s = time.monotonic()
        world.ha.call('light/turn_on', BED, brightness=level)
        world.until(hold='ON')
        took.append(time.monotonic() - called_s)
        if len(took) < 5:
            world.spy.publish('fer_ros/study/resume/set', '')
            world.until(hold='OFF')
    print(f'a hand was seen after {[round(1e3 * one) for one in took]} ms')
    # A busy machine is slower now and then; one that polls every 5 s is never so fast.
    assert min(took) <= 0.2
    first = world.restart()
    assert first['hold'] == 'ON'
    assert first['hold_reason'] == 'bed was changed manually (brightness)'
    world.label = 'sad'
    wait_for(lambda: world.rooms['attic'].lamp.color_temperature_k == pytest.approx(2200, abs=30),
             what='the color')
    assert world.level() == round(100 * 40 / 255)


def test_4_other_automations_are_not_people(world):
    world.begin(MOODS)
    world.label = 'happy'
    world.shines(90)
    settled_s = time.monotonic() + 1.5
    wait_for(lambda: time.monotonic() > settled_s, what='the end of its time')
    before = len(world.spy.of(STATE))
    for again in (False, True):
        if again:
            world.restart_home_assistant()
        world.ha.call('automation/turn_on', 'automation.clock')
        world.shines(16)
        until_s = time.monotonic() + 6
        wait_for(lambda: time.monotonic() > until_s, what='three runs of it')
        assert not world.holds_since(before), world.state
    world.ha.call('automation/turn_off', 'automation.clock')


def test_5_switch_policy_and_hold_outlive_a_kill(world):
    world.begin({**MOODS, 'other': {'by_emotion': {'happy': {'brightness': 0.5}}}})
    wait_for(lambda: world.ha.template("{{ states('select.fer_ros_study_policy') }}") == 'mood',
             what='the policy in Home Assistant')
    world.ha.call('select/select_option', 'select.fer_ros_study_policy', option='other')
    world.until(policy='other')
    world.label = 'happy'
    world.shines(50)
    world.ha.call('button/press', 'button.fer_ros_study_revert')
    world.until(hold='ON')
    first = world.restart()
    assert (first['policy'], first['hold']) == ('other', 'ON'), first
    world.ha.call('switch/turn_off', 'switch.fer_ros_study_enabled')
    world.until(enabled='OFF')
    first = world.restart()
    print('as it was {:.2f} s after the start, of which it worked {:.2f} s'.format(*world.took))
    # On an idle machine the two are the same; only the second is so on a busy one.
    assert world.took[1] < 1.5
    assert first['enabled'] == 'OFF' and first['emotion'] is None and first['policy'] == 'other'
    assert world.level() == 60
    wait_for(lambda: world.ha.state('switch.fer_ros_study_enabled') == 'off', what='the switch')


def test_6_quiet_hours_cap_the_way_back(world):
    world.begin({'night': {'by_emotion': {'sad': {'brightness': 0.1}}}},
                quiet_hours=[{'from': clock(-1), 'to': clock(1), 'action': 'dim',
                              'brightness_max': 0.15}])
    world.label = 'sad'
    world.shines(10)
    world.restart()
    world.until(emotion='sad')
    world.label = ''
    # 60 % is how it was: that is brighter than the cap, and waits for the end of the hours.
    wait_for(lambda: 'quiet hours until' in world.state['blocked_reason'], what='the reason')
    until_s = time.monotonic() + 3
    wait_for(lambda: time.monotonic() > until_s, what='a while')
    assert world.level() == 10
    world.spy.publish('fer_ros/study/revert/set', '')
    world.shines(60)


def test_7_bright_while_surprised_and_then_as_before(world):
    world.begin({'bright': {'by_emotion': {'surprise': {'brightness': 1.0, 'then': 'restore'}}}})
    world.rooms['attic'].change_manually(world.lamp(0.4))
    world.until(hold='ON')
    world.spy.publish('fer_ros/study/resume/set', '')
    world.until(hold='OFF')
    for again in (False, True):
        world.label = 'surprise'
        world.shines(100)
        if again:
            world.restart()
        world.label = 'neutral'
        world.shines(40)
        world.until(emotion='neutral')


def test_8_a_message_for_each_episode(world):
    world.begin({'tell': {'by_emotion': {'sad': {'message': '{emotion}, {people} there'}}}},
                {'tell': {'type': 'home_assistant_script', 'entity_id': 'script.tell'}})
    for count in (1, 2, 3):
        world.label = 'sad'
        wait_for(lambda: len(world.spy.of('told')) == count, what=f'message {count}')
        wait_for(lambda: len(world.events('message')) >= count, what='the event')
        if count == 2:
            world.restart_home_assistant()
        world.label = 'neutral'
        world.until(emotion='neutral')
        until_s = time.monotonic() + 1
        wait_for(lambda: time.monotonic() > until_s, what='the end of the episode')
    assert world.spy.of('told') == ['study: sad, 1 there'] * 3
    outcomes = [event['outcome'] for event in world.events('action') if event['target'] == 'tell']
    # Accepted is all that can be known of a script; a busy machine says so too late for the event.
    assert 'confirmed' in outcomes and len(outcomes) == 3, outcomes


def test_9_a_childs_room_takes_no_other_policy(world):
    world.begin({'calm': {'by_emotion': {'angry': {'brightness': 0.2}}}, **MOODS},
                allowed_policies=['calm'])
    select = 'select.fer_ros_study_policy'
    for again in (False, True):
        if again:
            world.restart()
        wait_for(lambda: world.ha.entity(select)['attributes'].get('options') == ['calm'],
                 what='the options')
        with pytest.raises(urllib.error.HTTPError):
            world.ha.call('select/select_option', select, option='mood')
        world.spy.publish('fer_ros/study/policy/set', 'mood')
        world.label = 'happy'
        world.until(emotion='happy')
        until_s = time.monotonic() + 2
        wait_for(lambda: time.monotonic() > until_s, what='a while')
        assert world.state['policy'] == 'calm' and world.level() == 60


def test_10_conditions_by_time_and_by_an_entity(world):
    guests = {'state': {'entity': 'input_boolean.guests', 'equals': 'on'}}
    world.begin({'when': {'rules': [
        {'name': 'later', 'emotion': 'happy', 'brightness': 1.0,
         'when': {'time': {'from': clock(2), 'to': clock(3)}}},
        {'name': 'guests', 'emotion': 'happy', 'brightness': 0.3, 'when': guests},
        {'name': 'alone', 'emotion': 'happy', 'brightness': 0.8,
         'when': {'time': {'from': clock(-1), 'to': clock(1)}}}]}})
    world.label = 'happy'
    world.shines(80)
    world.ha.call('input_boolean/turn_on', 'input_boolean.guests')
    world.shines(30)
    # It is off at each start; while Home Assistant is away nobody knows, and it counts as false.
    world.restart_home_assistant()
    world.shines(80)
    world.ha.call('input_boolean/turn_on', 'input_boolean.guests')
    world.shines(30)
    assert world.state['hold'] == 'OFF'


def test_11_a_lamp_that_was_away_is_not_an_override(world):
    world.begin(MOODS, LAMPS)
    world.label = 'happy'
    world.shines(90, 'floor')
    settled_s = time.monotonic() + 1.5
    wait_for(lambda: time.monotonic() > settled_s, what='the end of its time')
    before, asked = len(world.spy.of(STATE)), world.commands['floor']
    world.spy.publish('floor/available', 'offline', retain=True)
    wait_for(lambda: world.ha.state(FLOOR) == 'unavailable', what='its absence')
    world.restart()
    world.until(emotion='happy')
    # One that is back before it was known to be away was changed by somebody.
    world.until_diagnosed(f'{FLOOR} is unavailable')
    # It comes back as lamps do after a power cut, and is made what it was.
    world.rooms['floor'].change_manually(world.lamp(1.0))
    world.spy.publish('floor/available', 'online', retain=True)
    wait_for(lambda: world.commands['floor'] > asked, what='another command')
    world.shines(90, 'floor')
    assert not world.holds_since(before)


def test_12_a_websocket_that_drops_each_second(world):
    world.begin(MOODS)
    world.label = 'happy'
    world.shines(90)
    before, asked = len(world.spy.of(STATE)), world.commands['attic']
    world.proxy.dropping = True
    try:
        start = world.proxy.drops
        wait_for(lambda: world.proxy.drops >= start + 4, what='four drops')
        world.restart()
        world.until(emotion='happy')
        wait_for(lambda: world.proxy.drops >= start + 10, what='ten drops')
        # No lamp moves for it, and nobody is taken for its cause.
        assert world.commands['attic'] == asked and not world.holds_since(before)
        world.ha.call('light/turn_on', BED, brightness=20)
        world.until(hold='ON')
    finally:
        world.proxy.dropping = False
    world.label = 'sad'
    wait_for(lambda: world.rooms['attic'].lamp.color_temperature_k == pytest.approx(2200, abs=30),
             what='the color')
    assert world.level() == round(100 * 20 / 255)


def test_13_an_area_is_a_group_of_lights(world):
    known = {area['name'] for area in world.websocket({'type': 'config/area_registry/list'})[0]}
    if 'Attic' not in known:
        area, = world.websocket({'type': 'config/area_registry/create', 'name': 'Attic'})
        world.websocket(*({'type': 'config/entity_registry/update', 'entity_id': name,
                           'area_id': area['area_id']} for name in (BED, FLOOR)))
    world.begin(MOODS, {'all': {'type': 'home_assistant_lights', 'area': 'Attic'}})
    world.label = 'happy'
    world.shines(90)
    world.shines(90, 'floor')
    # One leaves, and is as before; the other goes on, also after a kill.
    world.websocket({'type': 'config/entity_registry/update', 'entity_id': FLOOR,
                     'area_id': None})
    world.shines(60, 'floor')
    world.restart()
    world.label = 'sad'
    world.shines(30)
    assert world.level('floor') == 60
    world.label = ''
    world.shines(60)


def test_14_switches_covers_and_players(world):
    world.begin({'film': {'by_emotion': {'happy': {'switch': 'on', 'blind': 0.3, 'volume': 0.2,
                                                   'then': 'restore'}}}}, {
        'fan': {'type': 'home_assistant_switch', 'entity_id': 'input_boolean.fan'},
        'curtain': {'type': 'home_assistant_cover', 'entity_id': 'cover.curtain'},
        'radio': {'type': 'home_assistant_media_player', 'entity_id': 'media_player.radio'}})

    def now():
        return (world.ha.state('input_boolean.fan'),
                world.ha.entity('cover.curtain')['attributes'].get('current_position'),
                world.ha.entity('media_player.radio')['attributes'].get('volume_level'))
    first = now()
    assert first[1:] == (100, 0.5)
    world.label = 'happy'
    wait_for(lambda: now() == ('on', 30, 0.2), what='all three')
    world.restart()
    world.until(emotion='happy')
    world.label = 'neutral'
    wait_for(lambda: now() == first, what='all as before')
    assert world.state['hold'] == 'OFF'


def test_15_the_blueprint_runs_on_the_event_entity(world):
    world.begin(MOODS)
    assert world.ha.state('automation.feeling') == 'on', world.ha.log()[-2000:]
    for count in (1, 2):
        world.label = 'sad'
        wait_for(lambda: world.spy.of('felt') and len(world.spy.of('felt')) >= count, what='it')
        world.label = 'happy'
        world.until(emotion='happy')
        if count == 1:
            world.restart_home_assistant()
            wait_for(lambda: world.ha.state('event.fer_ros_study_event') not in (
                None, 'unavailable'), what='the event entity')
    assert set(world.spy.of('felt')) == {'sad'}

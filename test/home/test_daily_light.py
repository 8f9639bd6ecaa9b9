# SPDX-License-Identifier: Apache-2.0
"""``base``: lights that follow the day, with moods on top; and ways back that quiet hours cut."""

from datetime import datetime, timezone
import json

from fer_ros.errors import ConfigurationError
from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.day import Day as DayLight
from fer_ros.home.decisions.memory import RoomMemory
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy, Policy
from fer_ros.home.policy.daily_light import DailyLight
from fer_ros.home.sun import elevation_deg
from fer_ros.home.virtual_lamp import VirtualLamp
from home_support import POLICY, Sim
import pytest

TEXT = POLICY.replace('version: 1', """version: 1
location: {latitude: 52.5, longitude: 13.4}""").replace(
    'happy: {strategy: mirror}', 'happy: {brightness: +10%, then: restore}').replace(
    'sad: {strategy: mirror}', 'sad: {brightness: 0.2, then: restore}')
QUICK = {'dwell_s': 0.5, 'cooldown_s': 0.5, 'transition_s': 0.5, 'smoothing_s': 0.2,
         'nobody': {'after_s': 2}, 'rate_limit': {'actions': 100, 'per_s': 60},
         'hold': {'scope': 'attribute', 'for_s': 600}}
#: Berlin, the day on which the night is as long as the day.
MIDNIGHT_S = datetime(2026, 3, 20, tzinfo=timezone.utc).timestamp()
RAMP = {'times': [{'at': '06:00', 'brightness': 0.4, 'color_temperature_k': 2200},
                  {'at': '08:00', 'brightness': 1.0, 'color_temperature_k': 5000}]}


class Day(Sim):
    """A house whose clock on the wall goes."""

    def __init__(self, base, *, at_s=0.0, text=TEXT, lamp=None, answers=True, **room):
        super().__init__(text, start_s=MIDNIGHT_S + at_s, answers=False,
                         **{**QUICK, 'base': base, **room})
        if lamp is not None:
            self.lamps['lamp'] = VirtualLamp(lamp)
        self.answers = answers
        self.report()

    def local_time(self, now_s):
        return datetime.fromtimestamp(now_s, timezone.utc)

    @property
    def lamp(self):
        return self.lamps['lamp'].state(self.now_s)

    @property
    def target(self):
        return self.room.targets['lamp']


def base_of(text):
    text = TEXT.replace('    policy: mirror', f'    policy: mirror\n    base: {text}')
    return parse_policy(text, 'file').rooms['study'].base


# The curve.

@pytest.mark.parametrize('elevation, brightness, kelvin', [
    (-90, 0.4, 2200), (-6, 0.4, 2200), (2, 0.7, 3056), (10, 1.0, 5000), (60, 1.0, 5000)])
def test_the_sun_has_a_curve(elevation, brightness, kelvin):
    assert base_of('sun').at(datetime(2026, 1, 1), elevation) == LightState(
        True, brightness, None, kelvin)


@pytest.mark.parametrize('text, at, expected', [
    ('{sun: {brightness: [0.2, 0.8]}}', '12:00', LightState(True, 0.5)),
    ('{sun: {color_temperature_k: [2000, 6000]}}', '12:00', LightState(True, None, None, 3000)),
    ("{times: [{at: '06:00', brightness: 0.2}, {at: '18:00', brightness: 0.8}]}", '12:00',
     LightState(True, 0.5)),
    ("{times: [{at: '06:00', brightness: 0.2}, {at: '18:00', brightness: 0.8}]}", '00:00',
     LightState(True, 0.5)),
    ("{times: [{at: '06:00', brightness: 0.2}, {at: '18:00', brightness: 0.8}]}", '18:00',
     LightState(True, 0.8)),
    ("{times: [{at: '06:00', color_temperature_k: 3000}]}", '05:00',
     LightState(True, None, None, 3000)),
])
def test_what_is_given_is_led(text, at, expected):
    assert base_of(text).at(datetime.fromisoformat(f'2026-01-01 {at}'), 2.0) == expected


def test_without_a_place_the_sun_is_not_known():
    assert DailyLight(sun={}).at(datetime(2026, 1, 1), None) is None


@pytest.mark.parametrize('text, message', [
    ('moon', 'base: '),
    ('{}', 'give sun or times: what moves the light over the day'),
    ("{sun: {}, times: [{at: '06:00', brightness: 0.2}]}", 'give sun or times'),
    ("{times: [{at: '18:00', brightness: 0.2}, {at: '06:00', brightness: 0.3}]}",
     'times are not in order: 06:00 comes after 18:00'),
    ("{times: [{at: '06:00', brightness: 0.2}, {at: '18:00'}]}",
     'some of the times give brightness and some do not'),
    ("{times: [{at: '06:00'}]}", 'the times give neither brightness nor color_temperature_k'),
    ('{sun: {}, targets: [lump]}', "'lump' is not a light of the room"),
    ('{sun: {brightness: 0.5}}', 'a list'),
])
def test_a_base_that_cannot_be_says_why(text, message):
    with pytest.raises(ConfigurationError) as error:
        base_of(text)
    assert message in str(error.value) and 'study.base' in str(error.value)


def test_the_sun_needs_the_place_of_the_house():
    text = TEXT.replace('location: {latitude: 52.5, longitude: 13.4}\n', '').replace(
        '    policy: mirror', '    policy: mirror\n    base: sun')
    with pytest.raises(ConfigurationError, match='rooms.study.base: requires the location of the '
                                                 'home'):
        parse_policy(text)


@pytest.mark.parametrize('home, room, expected', [
    ('sun', '', {'sun': {}}),
    ('sun', "base: {times: [{at: '06:00', brightness: 0.2}]}", None),
    ('sun', 'base: off', ''), ('off', '', ''),
    ('off', 'base: sun', {'sun': {}}),
])
def test_the_base_of_the_home_is_that_of_rooms_without_their_own(home, room, expected):
    text = TEXT.replace('rooms:\n', f'base: {home}\nrooms:\n').replace(
        '    policy: mirror', f'    policy: mirror\n    {room}')
    policy = parse_policy(text + """
  sensor: {sources: [hall/emotions]}
  kitchen: {policy: mirror, targets: {other: {type: terminal}}}
""")
    base = policy.rooms['study'].base
    if expected == '':
        assert base is None
    elif expected is None:
        assert base.sun is None and base.times[0].brightness == 0.2
    else:
        assert base == DailyLight(**expected)
    assert policy.rooms['sensor'].base is None
    assert policy.rooms['kitchen'].base == policy.base
    # As it was written, it is read again.
    assert Policy.model_validate(policy.model_dump(by_alias=True)).rooms == policy.rooms


@pytest.mark.parametrize('base, message', [
    ('sun', 'file:3: base: requires the location of the home'),
    ("{times: [{at: '06:00', brightness: 0.2}], targets: [lamp]}",
     'base.targets: lights are named in the base of their room'),
    ('moon', 'file:3: base: ')])
def test_a_base_of_the_home_that_cannot_be_is_told_once(base, message):
    text = TEXT.replace('location: {latitude: 52.5, longitude: 13.4}\n', f'base: {base}\n')
    with pytest.raises(ConfigurationError) as error:
        parse_policy(text, 'file')
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1


# What the lamp does.

def test_a_lamp_follows_in_steps_that_nobody_sees():
    day = Day(RAMP, at_s=6 * 3600, lamp=LightState(True, 0.4, None, 2200))
    shown = []
    for _ in range(2 * 360):
        day.see('neutral', 10, step_s=1.0)
        shown.append(day.lamp)
        assert not day.status.on_hold
    assert shown[-1].brightness == pytest.approx(1.0, abs=0.021)
    assert shown[-1].color_temperature_k == pytest.approx(5000, rel=0.05)
    for before, after in zip(shown, shown[1:]):
        assert after.brightness - before.brightness <= 0.031
        assert 1e6 / before.color_temperature_k - 1e6 / after.color_temperature_k <= 12.5
    assert 20 <= len(day.actions) <= 70
    assert min(later.stamp_s - earlier.stamp_s for earlier, later in zip(
        day.actions, day.actions[1:])) >= 30
    assert {action.reason for action in day.actions} == {'the light of the day'}
    # It is not a response to anybody.
    assert day.status.last is None and all(action.daily for action in day.actions)


def test_a_lamp_that_is_far_off_comes_slowly_and_one_just_turned_on_at_once():
    day = Day(RAMP, at_s=4 * 3600)
    day.see([], 100)
    assert len(day.actions) in (3, 4) and 0.4 < day.lamp.brightness < 0.6
    day.lamps['lamp'].set(LightState(False), 0.0, day.now_s)
    day.see([], 5)
    day.command(RoomCommand.RESUME)
    count = len(day.actions)
    day.lamps['lamp'].set(LightState(True, 0.9, None, 4000), 0.0, day.now_s)
    day.see([], 4)
    light = day.target.day
    assert len(day.actions) == count + 1 and not day.status.on_hold
    assert day.lamp == LightState(True, light.brightness, None, light.color_temperature_k)


def test_the_first_step_comes_at_once_to_what_is_led():
    both = {'lamp': {'type': 'terminal'}, 'other': {'type': 'terminal'}}
    day = Day({**RAMP, 'targets': ['other']}, at_s=7 * 3600, targets=both, transition_s=0.7)
    action, = day.step([])
    assert (action.target, action.daily, action.transition_s) == ('other', True, 0.7)
    assert (action.emotion, action.confidence) == ('nobody', 0.0)
    assert not day.see([], 3)
    # What would get brighter waits for the end of the quiet hours, and what gets darker does not.
    for at_s, steps in ((7.5 * 3600, 0), (6 * 3600, 1)):
        day = Day({'times': [{**one, 'color_temperature_k': None} for one in RAMP['times']]},
                  at_s=at_s, quiet_hours=[{'from': '05:00', 'to': '08:00'}])
        assert len(day.step([])) == steps
    # Nor is a limit of the device passed, or a part that a person holds touched.
    day = Day(RAMP, at_s=7.5 * 3600)
    day.target.set_available(False)
    assert not day.step([])
    day = Day(RAMP, at_s=7.5 * 3600)
    day.target.holds.begin(['brightness', 'color'])
    assert not day.step([])


def test_the_light_of_the_day_is_looked_at_now_and_then_and_moves_in_steps():
    wall = [datetime(2026, 3, 20, 7)]
    policy = parse_policy(TEXT)
    clock = RoomClock(100.0, 1e9)
    light = DayLight(DailyLight(**RAMP), Surroundings(policy, lambda _: wall[0]), clock)
    first = light.light
    assert first.brightness == 0.7
    wall[0] = datetime(2026, 3, 20, 8)
    clock.s = 104.9
    assert light.light is first
    clock.s = 105.0
    assert light.light != first
    wall[0] = datetime(2026, 3, 20, 7)
    clock.s = 110.0
    first = light.light
    wall[0] = datetime(2026, 3, 20, 7, 3)
    clock.s = 115.0
    # Half a step further, and then more than a whole one.
    assert light.light is first and light._settings.at(wall[0], None) != first
    wall[0] = datetime(2026, 3, 20, 7, 5)
    clock.s = 120.0
    assert light.light == light._settings.at(wall[0], None) != first
    assert DayLight(None, Surroundings(policy), clock).light is None


def test_the_sun_leads_from_where_the_house_stands():
    day = Day('sun', at_s=5.25 * 3600)
    day.step([])
    assert day.target.day == base_of('sun').at(
        datetime(2026, 1, 1), elevation_deg(52.5, 13.4, day.now_s))
    assert day.target.day.brightness not in (0.4, 1.0)


def test_it_never_turns_a_lamp_on():
    day = Day(RAMP, at_s=7 * 3600, lamp=LightState(False))
    for mood in ('neutral', [], 'happy'):
        day.see(mood, 200, step_s=0.5)
    assert not day.actions and not day.lamp.on


def test_a_lamp_that_says_nothing_is_not_led():
    day = Day(RAMP, at_s=7 * 3600, answers=False)
    day.see('neutral', 100)
    assert not day.actions


def test_a_mood_comes_on_top_and_goes_to_what_the_day_then_is():
    day = Day(RAMP, at_s=6 * 3600, lamp=LightState(True, 0.4, None, 2200))
    day.see('neutral', 15)
    day.see('happy', 5)
    assert day.lamp.brightness == pytest.approx(0.5, abs=0.01)
    day.see('happy', 1800, step_s=1.0)
    # A quarter of the way.
    assert day.target.base.brightness == pytest.approx(0.55, abs=0.021)
    assert day.lamp.brightness == pytest.approx(day.target.base.brightness + 0.1, abs=1e-6)
    day.see('sad', 1800, step_s=1.0)
    assert day.lamp.brightness == 0.2
    day.see('neutral', 8)
    assert day.lamp.brightness == pytest.approx(0.7, abs=0.021)
    assert not day.status.on_hold


def test_a_person_is_left_alone_and_the_rest_follows():
    day = Day(RAMP, at_s=6 * 3600)
    day.see('neutral', 60)
    day.set_manually(brightness=0.9)
    kelvin = day.lamp.color_temperature_k
    day.see('neutral', 590, step_s=1.0)
    assert day.target.snapshot.held == ('brightness',)
    assert day.lamp.brightness == 0.9 and day.lamp.color_temperature_k != kelvin
    assert day.target.base.brightness == 0.9
    # When it is over it comes back as slowly as ever.
    day.see('neutral', 30)
    assert 0.85 < day.lamp.brightness < 0.9
    day.see('neutral', 900, step_s=1.0)
    assert day.lamp.brightness == pytest.approx(day.target.day.brightness, abs=0.021)


@pytest.mark.parametrize('command', [RoomCommand.SWITCH_OFF, RoomCommand.REVERT])
def test_a_room_that_is_off_or_on_hold_is_not_led(command):
    day = Day(RAMP, at_s=6 * 3600)
    day.see('neutral', 60)
    assert day.actions
    day.command(command)
    count = len(day.actions)
    day.see('neutral', 200)
    assert len(day.actions) == count


def test_quiet_hours_let_nothing_get_brighter():
    quiet = [{'from': '06:00', 'to': '07:00'}]
    day = Day(RAMP, at_s=6.5 * 3600, quiet_hours=quiet, lamp=LightState(True, 0.3, None, 2700))
    day.see('neutral', 120)
    assert not day.actions
    day.now_s = MIDNIGHT_S + 7 * 3600
    day.see('neutral', 120)
    assert day.lamp.brightness > 0.3


def test_the_steps_leave_room_for_moods_within_the_rate_limit():
    day = Day(RAMP, at_s=4 * 3600, rate_limit={'actions': 4, 'per_s': 200})
    day.see('neutral', 400)
    assert len(day.actions) <= 5
    day.see('happy', 5)
    assert day.actions[-1].emotion == 'happy'


def test_only_the_lights_that_are_named_follow():
    text = TEXT.replace('lamp: {type: terminal}', 'lamp: {type: terminal}\n'
                        '      shelf: {type: terminal}')
    day = Day({**RAMP, 'targets': ['shelf']}, at_s=4 * 3600, text=text)
    day.see('neutral', 70)
    assert {action.target for action in day.actions} == {'shelf'}


def test_a_step_is_known_as_one_after_a_restart():
    text = TEXT.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        'lamp: {type: terminal}', 'lamp: {type: mqtt_light, topic: a/lamp}')
    day = Day(RAMP, at_s=4 * 3600, text=text)
    day.see('neutral', 100)
    memory = RoomMemory.model_validate_json(json.dumps(day.room.memory()))
    other = Day(RAMP, at_s=4 * 3600 + 110, text=text, answers=False)
    other.step()
    other.room.recall(memory)
    other.lamps, other.answers = day.lamps, True
    count = len(other.actions)
    other.see('neutral', 100)
    assert other.lamp.brightness < 0.5 and len(other.actions) > count


# The way back in quiet hours.

NIGHT = [{'from': '22:00', 'to': '22:05', 'action': 'dim', 'brightness_max': 0.2}]
LIT = TEXT.replace('brightness: 0.2', 'brightness: 0.9').replace(
    'version: 1', 'version: 1\nbroker: {host: localhost}').replace(
    'lamp: {type: terminal}', 'lamp: {type: mqtt_light, topic: a/lamp}')


@pytest.mark.parametrize('touch', [None, 'brightness', 'off', 'mood', 'restart'])
def test_what_is_still_to_come_is_kept_until_somebody_chooses(touch):
    day = Day(None, at_s=22 * 3600 - 29.3, quiet_hours=NIGHT, text=LIT)
    day.see('neutral', 12)
    day.see('sad', 17)
    assert day.lamp.brightness == 0.9
    day.see('neutral', 10)
    # Brightest 0.2 at night; before the mood it was 0.6.
    assert day.lamp.brightness == pytest.approx(0.2) and day.target.partly
    if touch == 'brightness':
        day.set_manually(brightness=0.05)
    elif touch == 'off':
        day.set_manually(on=False)
    elif touch == 'mood':
        day.see('sad', 5)
        assert not day.target.partly
        day.see('neutral', 8)
    elif touch == 'restart':
        memory = RoomMemory.model_validate_json(json.dumps(day.room.memory()))
        old, day = day, Day(None, at_s=22 * 3600 + 60, quiet_hours=NIGHT, text=LIT,
                            answers=False)
        day.step()
        day.room.recall(memory)
        day.lamps, day.answers = old.lamps, True
    day.see('neutral' if touch else [], 330)
    expected = {'brightness': 0.05, 'off': 0.2}.get(touch, 0.6)
    assert day.lamp.brightness == pytest.approx(expected) and day.lamp.on == (touch != 'off')
    assert not day.target.partly
    count = len(day.actions)
    day.see('neutral', 30)
    assert len(day.actions) == count


# Rules that only bring back.

def test_a_rule_may_bring_back_a_blind_but_no_scene():
    text = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        'lamp: {type: terminal}', """lamp: {type: terminal}
      blind: {type: mqtt_blind, topic: a/blind}
      scenes: {type: mqtt_scene, topic: a/scenes, scenes: {calm: '1'}}""").replace(
        'angry: {strategy: soothe}', 'angry: {strategy: restore, targets: [blind]}')
    assert parse_policy(text).policies['mirror'].by_emotion['angry'].undoes
    for targets, message in (
            ('[scenes]', "'scenes' is a scene, which cannot be brought back to how it was"),
            ('[lump]', "'lump' is not a target of any room")):
        with pytest.raises(ConfigurationError, match=message):
            parse_policy(text.replace('targets: [blind]', f'targets: {targets}'))
    with pytest.raises(ConfigurationError, match='brings devices back, and asks for nothing else'):
        parse_policy(text.replace('targets: [blind]', 'blind: 0.5'))

# SPDX-License-Identifier: Apache-2.0
"""What lamps report is clamped, merged or not known, for that lamp alone; and what they can do."""

import json
from pathlib import Path

from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.home_assistant_light import light_limits
from fer_ros.home.devices.mqtt_light import MqttLight, MqttLightTarget
from fer_ros.home.kinds.base import Cause
from fer_ros.home.light import differences, KELVIN_RANGE, LightState, Limits
from home_support import POLICY, Sim
from hypothesis import given, settings
from hypothesis import strategies as st
from lamp_support import FAMILIES, Reader
import pytest

CASES = [json.loads(line) for line in (
    Path(__file__).parent / 'lights' / 'reports_out_of_range.jsonl').read_text().splitlines()]


def sensible(state):
    return state is None or (
        (state.brightness is None or 0 <= state.brightness <= 1)
        and (state.color is None or all(0 <= one <= 1 for one in state.color))
        and (state.color_temperature_k is None
             or KELVIN_RANGE[0] <= state.color_temperature_k <= KELVIN_RANGE[1]))


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['payload'])
def test_a_report_out_of_range_is_clamped_or_not_known(case):
    reader = Reader(case['dialect'])
    assert sensible(reader.payload(case['payload']))


NUMBERS = st.one_of(st.integers(), st.floats(), st.just(10 ** 400), st.none(), st.booleans(),
                    st.text(max_size=3), st.lists(st.integers(), max_size=3))


@pytest.mark.parametrize('family', FAMILIES)
@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([
    'state', 'brightness', 'color_temp', 'color', 'color_mode', 'POWER', 'Dimmer', 'HSBColor',
    'White', 'CT', 'Color', 'color_temp_kelvin', 'rgb_color', 'effect']), st.one_of(
        NUMBERS, st.sampled_from(['ON', 'OFF', 'on', '1,2,3', '999,999,999', 'color_temp']),
        st.dictionaries(st.sampled_from('rgbxyhs'), NUMBERS, max_size=3)), max_size=6))
def test_no_numbers_make_a_state_that_cannot_be(family, data):
    reader = Reader(family)
    if family == 'home_assistant':
        assert sensible(reader.payload(json.dumps({'state': 'on', 'attributes': data})))
        return
    for payload in ('{"state":"ON","POWER":"ON"}', json.dumps(data)):
        for decode in reader.dialect.state_topics.values():
            assert sensible(decode(payload.encode()))


@pytest.mark.parametrize('dialect, payloads, state', [
    # A report without the state: as known.
    ('zigbee2mqtt', ['{"state":"ON","brightness":200}', '{"brightness":13}'],
     LightState(True, 13 / 254)),
    ('zigbee2mqtt', ['{"state":"OFF"}', '{"brightness":13}'], LightState(False, 13 / 254)),
    ('tasmota', ['{"POWER":"ON"}', '{"Dimmer":40}'], LightState(True, 0.4)),
    ('home_assistant_json', ['{"state":"ON"}', '{"color":{"r":255,"g":0,"b":0}}'],
     LightState(True, None, (1.0, 0.0, 0.0))),
    # Nothing about the light, or nothing known yet.
    ('zigbee2mqtt', ['{"state":"ON"}', '{"linkquality":90}'], None),
    ('zigbee2mqtt', ['{"brightness":13}'], None), ('tasmota', ['{"Fade":"ON"}'], None),
    # Kelvin and mired.
    ('zigbee2mqtt', ['{"state":"ON","color_mode":"color_temp","color_temp":2700}'],
     LightState(True, None, None, 2700)),
    ('home_assistant_json', ['{"state":"ON","color_temp":370}'],
     LightState(True, None, None, 2703)),
    ('zigbee2mqtt', ['{"state":"ON","color_temp":100}'], LightState(True, None, None, 9000)),
    ('zigbee2mqtt', ['{"state":"ON","color_temp":65535}'], LightState(True)),
    # Tasmota's white channel is white, whatever color shone last.
    ('tasmota', ['{"POWER":"ON","Dimmer":50,"HSBColor":"285,100,0","White":50,"Color":"0"}'],
     LightState(True, 0.5, (1.0, 1.0, 1.0))),
    ('tasmota', ['{"POWER":"ON","Dimmer":50,"HSBColor":"285,100,50","White":0,"Color":"0"}'],
     LightState(True, 0.5, (0.75, 0.0, 1.0))),
    ('tasmota', ['{"POWER":"ON","Dimmer":150}'], LightState(True, 1.0)),
    ('tasmota', ['{"POWER":"ON","Dimmer":-5}'], LightState(True)),
])
def test_what_is_read(dialect, payloads, state):
    reader = Reader(dialect)
    read = [reader.payload(payload) for payload in payloads][-1]
    if state is None:
        assert read is None
    else:
        assert read.on == state.on and not differences(read, state)
        assert read.brightness == state.brightness
        assert (read.rgb is None) == (state.rgb is None)


def test_tasmotas_white_channel_is_asked_for_white():
    reader = Reader('tasmota')
    white = reader.payload(
        '{"POWER":"ON","Dimmer":50,"HSBColor":"285,100,0","White":50,"Color":"00000080"}')
    assert reader.dialect.encode(white, 1.0) == 'Fade 1;Speed 2;White 50;Power ON'
    # It has no color temperature: a warm white is mixed from its colors.
    assert not reader.dialect.limits.white
    warm = reader.dialect.limits.within(LightState(True, 0.5, color_temperature_k=2700))
    assert 'HSBColor 30,65,50' in reader.dialect.encode(warm, 1.0)


def test_wleds_effect_is_known_ended_and_restored():
    one = Reader('wled').dialect
    level, color, everything = one.state_topics.values()
    level(b'128')
    color(b'#FF8800')
    state = everything(b'<?xml version="1.0" ?><vs><ac>128</ac><fx>9</fx><sx>120</sx><ix>60</ix>'
                       b'<fp>11</fp></vs>')
    assert state.effect == 'fx=9,sx=120,ix=60,pal=11'
    assert everything(b'<vs><fx>0</fx></vs>').effect == ''
    assert everything(b'<vs></vs>') is None and everything(b'\xff<<<') is None
    before = LightState(True, 0.5, (1.0, 0.53, 0.0), effect=state.effect)
    for segment in json.loads(one.encode(before, 1.0))['seg']:
        assert {'fx': 9, 'sx': 120, 'ix': 60, 'pal': 11}.items() <= segment.items()
    # What is not ours is not repeated.
    assert json.loads(one.encode(LightState(True, effect='fx=9,rb=1'), 1.0)).get('seg') is None


def test_an_effect_is_part_of_how_a_light_was():
    sim = Sim(POLICY, answers=False, dwell_s=0.5, nobody={'after_s': 1})
    before = LightState(True, 0.6, (1.0, 0.5, 0.0), effect='fx=9')

    def say(state):
        sim.engine.report('study', 'lamp', state, now_s=sim.now_s)
    say(before)
    sim.see('happy', 4)
    asked = sim.actions[-1].request.light
    say(LightState(True, asked.brightness, asked.color))
    say(LightState(True, effect=''))
    sim.see('happy', 8)
    assert not sim.status.on_hold
    sim.see([], 3)
    assert sim.actions[-1].request.light == before
    # Somebody who starts another has changed the light.
    say(before)
    sim.see([], 8)
    say(LightState(True, effect='fx=3'))
    assert sim.status.on_hold


# What lights can do.

def devices(**feature):
    return json.dumps([{'friendly_name': 'other', 'definition': None}, {
        'friendly_name': 'living room/lamp', 'definition': {'exposes': [
            {'type': 'numeric', 'name': 'linkquality'},
            {'type': 'light', 'features': [{'name': 'state'}, {'name': 'brightness'}, *(
                [{'name': 'color_temp', **feature}] if feature else [])]}]}}]).encode()


def reader_of(topic):
    from fer_ros.home.devices.dialects import make_dialect
    return make_dialect(MqttLightTarget(type='mqtt_light', topic=topic))


def test_zigbee2mqtt_tells_what_its_lights_can_do():
    one = reader_of('home/zigbee2mqtt/living room/lamp')
    assert list(one.limit_topics) == [
        'home/bridge/devices', 'home/zigbee2mqtt/bridge/devices',
        'home/zigbee2mqtt/living room/bridge/devices']
    read = one.limit_topics['home/zigbee2mqtt/bridge/devices']
    for odd in (b'', b'{}', b'[1, null, {"friendly_name": "living room/lamp"}]', b'[' * 100000,
                devices(value_min='a', value_max=0)):
        read(odd)
    limits = read(devices(value_min=250, value_max=454))
    assert limits == one.limits
    assert limits.dimmable and limits.white and not limits.color
    assert limits.kelvin == (1e6 / 454, 1e6 / 250)
    asked = limits.within(LightState(True, 0.5, color_temperature_k=6500))
    assert json.loads(one.encode(asked, 0.0))['color_temp'] == 250
    assert limits.within(LightState(True, 0.5, (0.0, 0.0, 1.0))) == LightState(True, 0.5)
    assert not read(devices()).white
    assert one.limit_topics['home/bridge/devices'](devices(value_min=1, value_max=2)) is None


@pytest.mark.parametrize('attributes, limits', [
    ({}, Limits()), ({'supported_color_modes': None}, Limits()),
    ({'supported_color_modes': ['onoff']}, Limits(False, False, False)),
    ({'supported_color_modes': ['brightness']}, Limits(True, False, False)),
    ({'supported_color_modes': ['color_temp', 'xy'], 'min_color_temp_kelvin': 2202,
      'max_color_temp_kelvin': 4000}, Limits(True, True, True, (2202, 4000))),
    ({'supported_color_modes': ['color_temp'], 'min_color_temp_kelvin': 'a'},
     Limits(True, False, True))])
def test_home_assistant_tells_what_its_lights_can_do(attributes, limits):
    assert light_limits({'state': 'on', 'attributes': attributes}) == limits


def test_nothing_beyond_its_limits_is_asked_of_a_light():
    sim = Sim(POLICY.replace('happy: {strategy: mirror}', 'happy: {color_temperature_k: 6500}'),
              dwell_s=0.5)
    sim.room.targets['lamp'].limits = Limits(kelvin=(2203, 4000))
    sim.see('happy', 3)
    assert sim.actions[-1].request.light.color_temperature_k == 4000
    sim.room.targets['lamp'].limits = Limits(dimmable=False, color=False, white=False)
    # Nothing is left to ask.
    assert not sim.see('sad', 20)


class Link:
    """A connection that only notes what is subscribed to."""

    connected, problem, denied = True, '', {}

    def __init__(self):
        self.topics = {}

    def subscribe(self, topic, *, optional=False):
        self.topics[topic] = optional

    def publish(self, *_, **__):
        return True


def test_a_light_that_was_away_says_so_with_its_first_reports():
    told, limits, now = [], [], [0.0]
    spec = MqttLightTarget(type='mqtt_light', topic='z/living room/lamp')
    light = MqttLight(spec, DeviceContext(
        'study/lamp', lambda state, cause=Cause.UNKNOWN: told.append(cause), print,
        lambda: now[0], Link(), limits=limits.append))
    light.receive('z/living room/lamp', b'{"state":"ON"}')
    light.receive('z/living room/lamp/availability', b'offline')
    light.receive('z/living room/lamp', b'{"state":"ON"}')
    light.receive('z/living room/lamp/availability', b'online')
    light.receive('z/living room/lamp', b'{"state":"ON"}')
    now[0] = 5.0
    light.receive('z/living room/lamp', b'{"state":"ON"}')
    assert told == [Cause.UNKNOWN, Cause.RECOVERED, Cause.RECOVERED, Cause.UNKNOWN]
    # Other lights read the same list.
    assert not light.receive('z/bridge/devices', devices(value_min=250, value_max=454))
    assert [one.kelvin for one in limits] == [(1e6 / 454, 4000.0)]

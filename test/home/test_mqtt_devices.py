# SPDX-License-Identifier: Apache-2.0
"""How families of lights are asked, and what is understood of their answers."""

import json

from fer_ros.home.devices.dialects import DIALECTS, make_dialect
from fer_ros.home.devices.mqtt_light import MqttLightTarget
from fer_ros.home.light import differences, LightState
from fer_ros.home.policy import Broker
from fer_ros.home.world.discovery import HomeAssistantDiscovery
from hypothesis import given
from hypothesis import strategies as st
import pytest

BLUE = LightState(True, 0.5, (0.0, 0.0, 1.0))
WARM = LightState(True, 0.5, color_temperature_k=2500)
OFF = LightState(False)
#: The brightness stays.
ONLY_BLUE = LightState(True, None, (0.0, 0.0, 1.0))
#: Every segment that a controller may have, not only those selected in its app.
SEGMENTS = [{'id': index, 'fx': 0, 'col': [[0, 0, 255]]} for index in range(32)]


def dialect(name, **fields):
    return make_dialect(MqttLightTarget(type='mqtt_light', topic='a/b', dialect=name, **fields))


@pytest.mark.parametrize('name, light, topic, payload', [
    ('zigbee2mqtt', BLUE, 'a/b/set', {'state': 'ON', 'brightness': 127, 'transition': 1.5,
                                      'color': {'r': 0, 'g': 0, 'b': 255}}),
    ('zigbee2mqtt', WARM, 'a/b/set', {'state': 'ON', 'brightness': 127, 'transition': 1.5,
                                      'color_temp': 400}),
    ('zigbee2mqtt', OFF, 'a/b/set', {'state': 'OFF', 'transition': 1.5}),
    ('home_assistant_json', WARM, 'a/b/set', {'state': 'ON', 'brightness': 128,
                                              'transition': 1.5, 'color_temp': 400}),
    ('tasmota', BLUE, 'cmnd/a/b/Backlog0', 'Fade 1;Speed 3;HSBColor 240,100,50;Power ON'),
    ('tasmota', ONLY_BLUE, 'cmnd/a/b/Backlog0',
     'Fade 1;Speed 3;HSBColor1 240;HSBColor2 100;Power ON'),
    ('wled', ONLY_BLUE, 'a/b/api', {'on': True, 'transition': 15, 'seg': SEGMENTS}),
    ('zigbee2mqtt', ONLY_BLUE, 'a/b/set', {'state': 'ON', 'transition': 1.5,
                                           'color': {'r': 0, 'g': 0, 'b': 255}}),
    ('zigbee2mqtt', LightState(True, 0.5), 'a/b/set', {
        'state': 'ON', 'brightness': 127, 'transition': 1.5}),
    ('tasmota', WARM, 'cmnd/a/b/Backlog0', 'Fade 1;Speed 3;CT 400;Dimmer 50;Power ON'),
    ('tasmota', OFF, 'cmnd/a/b/Backlog0', 'Fade 1;Speed 3;Power OFF'),
    ('wled', BLUE, 'a/b/api', {'on': True, 'bri': 128, 'transition': 15, 'seg': SEGMENTS}),
    ('wled', OFF, 'a/b/api', {'on': False, 'transition': 15})])
def test_commands(name, light, topic, payload):
    one = dialect(name)
    assert one.command_topic == topic
    text = one.encode(light, 1.5)
    assert len(text) <= 4096
    assert (text if isinstance(payload, str) else json.loads(text)) == payload


@pytest.mark.parametrize('name, topic, payload, light', [
    # As Zigbee2MQTT reports: the mode says which of the two colors holds.
    ('zigbee2mqtt', 'a/b', '{"state":"ON","brightness":127,"color_mode":"color_temp",'
     '"color_temp":400,"color":{"x":0.47,"y":0.41},"linkquality":90}', WARM),
    ('zigbee2mqtt', 'a/b', '{"state":"ON","brightness":127,"color_mode":"xy",'
     '"color_temp":153,"color":{"x":0.1500,"y":0.0600}}', BLUE),
    ('zigbee2mqtt', 'a/b', '{"state":"ON","brightness":127,"color_mode":"hs",'
     '"color":{"hue":240,"saturation":100}}', BLUE),
    ('zigbee2mqtt', 'a/b', '{"state":"OFF","brightness":127}', OFF),
    ('home_assistant_json', 'a/b/state', '{"state":"ON","brightness":128,"color_mode":"rgb",'
     '"color":{"r":0,"g":0,"b":255}}', BLUE),
    ('tasmota', 'stat/a/b/RESULT', '{"POWER":"ON","Dimmer":50,"Color":"0,0,128",'
     '"HSBColor":"240,100,50"}', BLUE),
    ('tasmota', 'tele/a/b/STATE', '{"POWER":"ON","Dimmer":50,"HSBColor":"0,0,0","White":50,'
     '"CT":400}', WARM),
    ('wled', 'a/b/g', '128', LightState(True, 0.5))])
def test_answers(name, topic, payload, light):
    state = dialect(name).state_topics[topic](payload.encode())
    assert state.on == light.on and not differences(state, light)
    if light.on:
        assert (state.rgb is None) == (light.rgb is None)


def test_wled_tells_brightness_and_color_apart():
    one = dialect('wled')
    assert one.state_topics['a/b/c'](b'#0000FF') is None
    assert one.state_topics['a/b/g'](b'0') == OFF
    one.state_topics['a/b/g'](b'128')
    assert not differences(one.state_topics['a/b/c'](b'#0000FF'), BLUE)


@pytest.mark.parametrize('name', DIALECTS)
@given(payload=st.one_of(st.binary(max_size=60), st.sampled_from([
    b'[]', b'null', b'{"state":"ON","brightness":"x","color":[1]}', b'{"state":1}',
    b'{"state":"ON","brightness":NaN,"color_temp":0,"color":{"x":0,"y":0}}',
    b'{"POWER":"ON","HSBColor":"a,b,c","Dimmer":null}', b'#12', b'1e9', b'-5'])))
def test_nonsense_is_never_a_state_that_cannot_be(name, payload):
    one = dialect(name)
    for decode in one.state_topics.values():
        state = decode(payload)
        assert state is None or (
            (state.brightness is None or 0 <= state.brightness <= 1)
            and (state.color is None or all(0 <= c <= 1 for c in state.color)))
    for decode in one.availability_topics.values():
        assert decode(payload) in (True, False, None)


@pytest.mark.parametrize('payload, online', [
    (b'online', True), (b'Offline', False), (b'{"state":"online"}', True),
    (b'{"state":"offline"}', False), (b'"online"', True), (b'perhaps', None)])
def test_availability(payload, online):
    decode, = dialect('zigbee2mqtt').availability_topics.values()
    assert decode(payload) is online


def test_topics_of_ones_own():
    one = dialect('home_assistant_json', command_topic='x/command', state_topic='x/state')
    assert one.command_topic == 'x/command' and 'x/state' in one.state_topics


@pytest.mark.parametrize('room, policies, base', [
    ('study', ('mirror',), 'fer_ros'),
    ('r' * 40, tuple(f'{"p" * 38}{index}' for index in range(10, 42)), 'b' * 100)])
def test_discovery_stays_below_4_kib_however_long_the_names(room, policies, base):
    discovery = HomeAssistantDiscovery(Broker(host='localhost', base_topic=base),
                                       {room: policies}, '1.0', lambda *_: None)
    messages = discovery.discovery()
    assert all(len(payload.encode()) <= 4096 for _, payload in messages)
    assert len({topic for topic, _ in messages}) == len(messages)
    components = [key for _, payload in messages for key in json.loads(payload)['cmps']]
    assert len(components) == len(set(components)) == 14
    devices = {json.dumps(json.loads(payload)['dev']) for _, payload in messages}
    assert len(devices) == 1

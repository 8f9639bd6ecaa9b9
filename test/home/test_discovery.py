# SPDX-License-Identifier: Apache-2.0
"""The discovery against the rules of Home Assistant's MQTT integration (read in 2026.11)."""

import json

from fer_ros.emotions.labels import LABELS
from fer_ros.home.policy import Broker
from fer_ros.home.world.discovery import HomeAssistantDiscovery
import pytest

#: The abbreviations that Home Assistant expands, of the device, the origin and the rest.
LONG = {
    'avty': 'availability', 'avty_mode': 'availability_mode', 'avty_t': 'availability_topic',
    'cmd_t': 'command_topic', 'cmps': 'components', 'dev': 'device', 'dev_cla': 'device_class',
    'ent_cat': 'entity_category', 'evt_typ': 'event_types', 'exp_aft': 'expire_after',
    'ic': 'icon', 'json_attr_t': 'json_attributes_topic',
    'json_attr_tpl': 'json_attributes_template', 'o': 'origin', 'ops': 'options',
    'p': 'platform', 'stat_cla': 'state_class', 'stat_t': 'state_topic', 'uniq_id': 'unique_id',
    'unit_of_meas': 'unit_of_measurement', 'val_tpl': 'value_template'}
LONG_DEVICE = {'ids': 'identifiers', 'mf': 'manufacturer', 'mdl': 'model', 'sw': 'sw_version',
               'sa': 'suggested_area'}

#: What every entity may say, what a device may share with its entities, and what a platform adds.
COMMON = {'platform', 'name', 'unique_id', 'object_id', 'default_entity_id', 'icon',
          'entity_category', 'json_attributes_topic', 'json_attributes_template'}
SHARED = {'availability', 'availability_mode', 'availability_topic', 'state_topic',
          'command_topic', 'qos'}
PLATFORMS = {
    'sensor': {'value_template', 'device_class', 'options', 'state_class', 'unit_of_measurement',
               'expire_after', 'state_topic'},
    'binary_sensor': {'value_template', 'device_class', 'expire_after', 'state_topic'},
    'switch': {'value_template', 'command_topic', 'state_topic'},
    'select': {'value_template', 'command_topic', 'options', 'state_topic'},
    'button': {'command_topic'},
    'event': {'event_types', 'state_topic', 'value_template'}}
REQUIRED = {'sensor': {'state_topic'}, 'binary_sensor': {'state_topic'},
            'switch': {'command_topic'}, 'select': {'command_topic', 'options'},
            'button': {'command_topic'}, 'event': {'event_types', 'state_topic'}}


def lengthened(part, names):
    found = {names.get(key, key): value for key, value in part.items()}
    assert len(found) == len(part), 'a key stands there in both forms'
    return found


@pytest.fixture(params=[{}, {'base_topic': 'a/long/way/to/the/topics/of/the/bridge'}])
def devices(request):
    rooms = {'living_room': ('mirror', 'warm'), 'study': tuple(f'policy_{i}' for i in range(30))}
    discovery = HomeAssistantDiscovery(Broker(host='localhost', **request.param), rooms, '1.2.3',
                        lambda *_: None)
    found = []
    for topic, payload in discovery.discovery():
        prefix, kind, _, last = topic.split('/')
        assert (prefix, kind, last) == ('homeassistant', 'device', 'config')
        device = lengthened(json.loads(payload), LONG)
        device['device'] = lengthened(device['device'], LONG_DEVICE)
        device['origin'] = lengthened(device['origin'], LONG_DEVICE)
        device['components'] = {key: lengthened(part, LONG)
                                for key, part in device['components'].items()}
        found.append(device)
    return found


def test_the_device_and_its_origin_are_as_home_assistant_wants_them(devices):
    for device in devices:
        assert set(device) - SHARED == {'device', 'origin', 'components'}
        assert device['device']['identifiers'] and set(device['device']) <= {
            'name', *LONG_DEVICE.values()}
        assert device['origin'] == {'name': 'fer_ros', 'sw_version': '1.2.3'}
        assert ('availability_topic' in device) != ('availability' in device)
    # What does not fit into one message continues the same device.
    assert len({device['device']['identifiers'][0] for device in devices}) == 2 < len(devices)


def test_every_entity_says_what_its_platform_takes_and_nothing_else(devices):
    identities = []
    for device in devices:
        for part in device['components'].values():
            platform = part['platform']
            assert set(part) <= COMMON | PLATFORMS[platform]
            inherited = {key: value for key, value in device.items() if key in SHARED}
            assert REQUIRED[platform] <= set(part) | set(inherited)
            # Before 2025.10 the one, from then on the other names the entity.
            assert part['default_entity_id'] == f'{platform}.{part["object_id"]}'
            # The configuration of a device is what can be set.
            assert part.get('entity_category') in (None, 'diagnostic')
            identities.append(part['unique_id'])
    assert len(set(identities)) == len(identities)


def test_each_kind_of_entity_keeps_its_own_rules(devices):
    enums = 0
    for device in devices:
        for part in device['components'].values():
            if part['platform'] == 'sensor' and 'options' in part:
                enums += 1
                assert part['device_class'] == 'enum' and set(LABELS) < set(part['options'])
                assert not {'state_class', 'unit_of_measurement'} & set(part)
            elif part.get('unit_of_measurement'):
                assert part['state_class'] == 'measurement'
            if part['platform'] in ('sensor', 'binary_sensor'):
                assert isinstance(part['expire_after'], int) and part['expire_after'] > 0
            if part['platform'] == 'event':
                assert part['state_topic'] != device['state_topic']
                assert all(isinstance(kind, str) for kind in part['event_types'])
            if part['platform'] == 'select':
                assert part['options']
    assert enums == 2

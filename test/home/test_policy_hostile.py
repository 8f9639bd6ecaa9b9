# SPDX-License-Identifier: Apache-2.0
"""Files that are not a policy, and hostile policies: each gives one clear message."""

import copy
import json
import os
from pathlib import Path
import re
import time

from fer_ros.errors import ConfigurationError
from fer_ros.home.policy import load_policy, parse_policy, Policy, syntax
from home_support import POLICY
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import yaml

HOUSE = Path(__file__).parents[2] / 'config' / 'policies' / 'apartment.yaml'
#: Words of the validation library and of Python, which no policy contains.
FOREIGN = re.compile(r'\b[Ii]nput\b|instance of|[Dd]ictionary|[Tt]uple|pydantic|model|\bNone\b'
                     r'|\bTrue\b|\bFalse\b|something else|Traceback')


def edited(old, new):
    assert old in POLICY
    return POLICY.replace(old, new, 1)


def refused(text, name='house.yaml'):
    """Return what is said of a policy that is refused: each line has its place."""
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, name)
    message = str(caught.value)
    assert all(re.match(rf'{re.escape(name)}:\d+: ', part) for part in message.splitlines())
    assert not FOREIGN.search(message), message
    return message


BROKER = 'version: 1\nbroker: '
LIGHT = '{type: mqtt_light, topic: '
FAULTS = {
    'deep in braces': ('a: ' + '{a: ' * 3000, 1, 'nested more than 20 deep'),
    'deep in lists': (edited('version: 1', 'version: ' + '[' * 3000), 2, 'version.0.0'),
    'digits': (edited('brightness: 0.3', f'brightness: {"1" * 5000}'), 11,
               'brightness: a number of 5000 digits'),
    'digits behind the point': (edited('0.3', f'0.{"3" * 5000}'), 11, '5001 digits'),
    'digits in quotes': (edited('0.3', f'"{"3" * 5000}"'), 11, 'happy.brightness: '),
    'infinite': (edited('0.3', '1e999'), 11, 'happy.brightness: inf: expected a finite number'),
    'tag': (edited('version: 1', 'version: !!int abc'), 2, 'version: tags (!)'),
    'half a character': (edited('mirror:', 'mirror\ud800:'), 4, 'U+D800'),
    'half a character, escaped': (edited('policy: mirror', 'policy: "\\uD800"'), 14, ''),
    'beyond Unicode': (edited('policy: mirror', 'policy: "\\UFFFFFFFF"'), 14, 'not YAML'),
    'terminal control': (edited('policy: mirror', 'policy: "\\e[2J"'), 14, 'escape'),
    'zero byte': (edited('policy: mirror', 'policy: \0'), 14, 'U+0000'),
    'color as a comment': (edited('happy: {brightness: 0.3, color_temperature_k: 2200}',
                                  'happy:\n        brightness: 0.3\n        color: #ff0000'),
                           13, "warm.by_emotion.happy.color: #ff0000 is a comment without "
                           "quotes: write '#ff0000'"),
    'color as a comment in braces': (edited('color_temperature_k: 2200', 'color: #ff0000'), 11,
                                     '#ff0000 is a comment without quotes'),
    'no value': (edited('policy: mirror', 'policy:'), 14, 'rooms.study.policy: has no value'),
    'comment for a value': (edited('policy: mirror', 'policy: # later'), 14,
                            '(what follows # is a comment)'),
    'two documents': (POLICY + '---\n' + POLICY, 17, 'a second document'),
    'list for a key': (edited('policy: mirror', '? [a, b]\n    : 1'), 14, 'a key must be a word'),
    'text for a mapping': (edited('{type: terminal}', 'terminal'), 16,
                           'lamp: expected a mapping'),
    'mapping for a list': (edited('policy: mirror', 'policy: mirror\n    sources: {a: 1}'), 15,
                           'rooms.study.sources: expected a list'),
    'text for a flag': (edited('policy: mirror', 'policy: mirror\n    enabled: perhaps'), 15,
                        "rooms.study.enabled: 'perhaps': expected true or false"),
    'long word': (edited('policy: mirror', f'policy: mirror\n    enabled: {"x" * 99999}'), 15,
                  "xxx...': expected true or false"),
    'url for a host': (edited('version: 1', BROKER + '{host: "mqtt://10.0.0.2"}'), 3,
                       "broker.host: 'mqtt://10.0.0.2' is a complete address"),
    'port in the host': (edited('version: 1', BROKER + '{host: "10.0.0.2:1883"}'), 3,
                         'is a host with a port: write the number under port'),
    'port in brackets': (edited('version: 1', BROKER + '{host: "[::1]:1883"}'), 3,
                         'is a host with a port'),
    'host with a blank': (edited('version: 1', BROKER + '{host: "my broker"}'), 3,
                          "'my broker' is not a host name"),
    'long label': (edited('version: 1', BROKER + f'{{host: {"a" * 64}.lan}}'), 3,
                   'is not a host name'),
    'topic for commands': (edited('{type: terminal}', LIGHT + 'zigbee2mqtt/lamp/set}'), 16,
                           "rooms.study.targets.lamp.topic: 'zigbee2mqtt/lamp/set' is the "
                           "device's set topic: use its base topic 'zigbee2mqtt/lamp'"),
    'payload': (edited('{type: terminal}', '{type: mqtt_scene, topic: a, scenes: '
                       f'{{big: {"x" * 100_000}}}}}'), 16,
                "xxx...' has 100000 bytes: at most 4096"),
    'entity': (edited('{type: terminal}',
                      '{type: home_assistant_light, entity_id: switch.lamp}'), 16,
               "entity_id: 'switch.lamp' is not the id of an entity: expected light.name"),
    'one device in two rooms': (
        edited('rooms:', 'broker: {host: localhost}\nrooms:').replace(
            '{type: terminal}', LIGHT + 'a/lamp}') + '  hall:\n    policy: warm\n    targets:\n'
        '      ceiling: {type: mqtt_light, topic: a/other, command_topic: a/lamp/set}\n', 21,
        'rooms.hall.targets.ceiling: is the device of study.lamp as well (a/lamp/set)'),
    'rule without a device': (edited('{strategy: soothe}', '{blind: 0.5}'), 8,
                              'angry.blind: no room has a blind'),
    'target of another kind': (
        edited('{strategy: soothe}', '{strategy: soothe, targets: [fire]}').replace(
            'rooms:', 'broker: {host: localhost}\nrooms:').replace(
            '      lamp:', '      fire: {type: mqtt_scene, topic: a, scenes: {on: "1"}}\n'
            '      lamp:'), 8, "'fire' is a scene: the rule asks for a light"),
    'colon in a url': (edited('version: 1', 'version: 1\nhome_assistant: {url: "ftp://ha", '
                              'token: {env: T}}'), 3, 'is not a url'),
    'path of the interface': (edited('version: 1', 'version: 1\nhome_assistant: {url: '
                                     '"http://ha/?a=1", token: {env: T}}'), 3, 'query'),
    'not a policy': ('root:*:19000:0:99999:7:::\nuser:$6$abcdef$ghi:19000:\n', 1, ''),
    'keys of somebody': ('api_key: hush-hush\n', 1, 'not a policy'),
}


@pytest.mark.parametrize('parser', ['CSafeLoader', 'SafeLoader'])
@pytest.mark.parametrize('name', FAULTS)
def test_a_fault_is_reported_with_its_place(name, parser, monkeypatch):
    if not hasattr(yaml, parser):
        pytest.skip('this PyYAML has no parser in C')
    monkeypatch.setattr(syntax, '_PARSER', getattr(yaml, parser))
    text, line, words = FAULTS[name]
    message = refused(text)
    assert words in message, message
    assert re.search(rf'^house\.yaml:{line}: ', message, re.MULTILINE), message
    assert len(message) < 2000


@pytest.mark.parametrize('name', [
    'broker_is_a_url', 'broker_with_port_in_host', 'int_of_5000_digits', 'light_topic_ends_in_set',
    'nested_3000', 'scene_payload_100_kB', 'tag_bool_maybe', 'tag_int_abc', 'tag_timestamp'])
def test_the_reported_files_are_refused(shared, name):
    path = shared / 'cases' / 'policies' / f'{name}.yaml'
    with pytest.raises(ConfigurationError) as caught:
        load_policy(path)
    assert re.match(rf'{re.escape(str(path))}:\d+: [a-z].*', str(caught.value))
    assert not FOREIGN.search(str(caught.value).replace(str(path), ''))


@pytest.mark.parametrize('parser', ['CSafeLoader', 'SafeLoader'])
@pytest.mark.parametrize('text', [
    edited('version: 1', 'version: 1\n' + ''.join(f'k{i}: {i}\n' for i in range(60_000))),
    edited('{type: terminal}', '{' + ', '.join(f'k{i}: 1' for i in range(60_000)) + '}'),
    '[' * 500_000, '{a: ' * 200_000, 'x' * 999_999, '- ' * 400_000, '"' + '\\n' * 400_000 + '"'],
    ids=['keys', 'keys in braces', 'lists', 'mappings', 'a word', 'dashes', 'escapes'])
def test_no_text_costs_more_than_its_size(text, parser, monkeypatch):
    monkeypatch.setattr(syntax, '_PARSER', getattr(yaml, parser, yaml.SafeLoader))
    began_s = time.thread_time()
    refused(text)
    assert time.thread_time() - began_s < 1.0


def test_many_faults_are_counted():
    message = refused(edited('version: 1', 'version: 1\n' + ''.join(
        f'k{i}: {i}\n' for i in range(1000)))).splitlines()
    assert len(message) == 21 and message[0] == 'house.yaml:3: k0: unknown key'
    assert message[-1] == 'house.yaml:23: and 980 more faults from here on'


def test_only_a_regular_file_of_some_size_is_opened(tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    large = tmp_path / 'large'
    large.write_bytes(b' ' * 1_000_001)
    for path, words in ((pipe, 'a pipe or device'), ('/dev/zero', 'a pipe or device'),
                        (tmp_path, 'a folder'), (large, 'larger than 1000000 bytes'),
                        (tmp_path / 'no', 'No such file'), ('a\0b', 'null (byte|character)'),
                        ('~nobody-of-that-name/x', 'home directory'), ('x' * 5000, 'too long')):
        with pytest.raises(ConfigurationError, match=words):
            load_policy(path)


def test_nothing_of_another_file_is_quoted(tmp_path):
    path = tmp_path / 'shadow'
    for text in ('root:$6$hush:19000::\ndaemon:*:19000::\n', 'hush', 'hush: hush\n',
                 'a: "hush\nb: \'hush', 'hush: 1\nhush: 2', '-----BEGIN KEY-----\nhush\n',
                 '{"hush": "hush"}', 'user:hush@host', '%hush\n---\n', '!hush x', '*hush',
                 '@hush'):
        path.write_text(text)
        with pytest.raises(ConfigurationError) as caught:
            load_policy(path)
        assert 'hush' not in str(caught.value) or text == 'hush: 1\nhush: 2'


@pytest.mark.parametrize('text', [
    BROKER + '{host: localhost, username: me, password: hush}',
    BROKER + '{host: localhost, username: me, password: {value: hush}}',
    BROKER + '{host: localhost, username: me, password: [hush]}',
    BROKER + '{host: localhost, username: me, password: {env: [hush]}}',
    BROKER + '{host: localhost, pasword: hush}', BROKER + 'mqtt://me:hush@localhost',
    BROKER + '{host: "mqtt://me:hush@localhost"}', BROKER + '{host: "me:hush@localhost"}',
    BROKER + '{host: "mqtt://me:hu/sh@localhost"}', BROKER + '{port: "me:hush@localhost"}',
    'version: 1\nhome_assistant: {url: "http://me:hush@ha", token: {env: T}}',
    'version: 1\nhome_assistant: {url: "http://me:h/hush@ha", token: {env: T}}',
    'version: 1\nhome_assistant: {url: "http://ha", token: hush}',
    'version: 1\nhome_assistant: {url: "http://ha", token: hush: hush}',
    'version: 1\nhome_assistant: {url: "http://ha:hush@", token: 12345}'])
def test_a_secret_in_the_policy_is_not_shown(text):
    assert 'hush' not in refused(edited('version: 1', text))


def test_what_is_allowed_works():
    assert parse_policy('\ufeff' + POLICY[1:]) == parse_policy(POLICY)
    policy = parse_policy(edited('version: 1', BROKER + '{host: "[::1]", port: ~}'))
    assert policy.broker.host == '::1' and policy.broker.is_local
    assert parse_policy(edited('version: 1', BROKER + '{host: münchen.local}')).broker


def paths(data, path=()):
    """Return the paths to all that a policy holds."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) \
        if isinstance(data, list) else ()
    for step, value in items:
        yield from paths(value, (*path, step))


BASE = yaml.safe_load(HOUSE.read_text())
WHERE = list(paths(BASE))[1:]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-10**25, 10**25), st.floats(), st.text(max_size=30),
    st.sampled_from(['', ' ', '0', '-1', '1e400', '#ff0000', '/', '+', '#', '22:61', 'a' * 300,
                     'mqtt://a', 'a:1', '\u2028', '{}', 'null', 'off', '1_000', '0x1F', '\x85']),
    st.lists(st.integers(-2, 2), max_size=3), st.dictionaries(
        st.text(max_size=5), st.integers(0, 2), max_size=2))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHERE), VALUES, st.booleans())
def test_any_value_anywhere_is_accepted_or_refused_in_the_policys_words(where, value, is_key):
    data = copy.deepcopy(BASE)
    *way, last = where
    inside = data
    for step in way:
        inside = inside[step]
    if is_key and isinstance(inside, dict):
        inside[str(value)] = inside.pop(last)
    else:
        inside[last] = value
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    try:
        policy = parse_policy(text, 'f')
    except ConfigurationError as error:
        for part in str(error).splitlines():
            assert re.match(r'f:\d+: \S', part), error
            words = re.sub(rf"'.*?'|{re.escape(str(value))}", '', part)
            assert not FOREIGN.search(words), part
            part.encode()
    else:
        assert isinstance(policy, Policy)
        json.dumps(policy.model_dump(mode='json'), allow_nan=False)

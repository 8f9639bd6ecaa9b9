# SPDX-License-Identifier: Apache-2.0
"""Policy files, good and broken; each fault names file, line and field."""

from datetime import time
from pathlib import Path
import re

from fer_ros.errors import ConfigurationError
from fer_ros.home import fields
from fer_ros.home.policy import Broker, load_policy, parse_policy, QuietHours, Secret
from home_support import POLICY
import pydantic
import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / 'config' / 'policies').glob('*.yaml'))


def test_there_are_three_examples_and_the_default_needs_no_broker():
    assert len(EXAMPLES) >= 3
    assert load_policy(next(p for p in EXAMPLES if p.stem == 'default')).broker is None


@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_good(path):
    policy = load_policy(path)
    assert policy.sources and all(room.targets for room in policy.rooms.values())


def edited(old, new):
    assert old in POLICY
    return POLICY.replace(old, new, 1)


BROKEN = {
    # not YAML at all
    'syntax': ('rooms: [', 1, 'not YAML'),
    # a list instead of a mapping
    'list': ('- 1', 1, 'the file is not a mapping'),
    'empty': ('', 1, 'the file is not a mapping'),
    'duplicate key': (edited('    policy: mirror', '    policy: mirror\n    policy: warm'), 15,
                      "rooms.study: 'policy' is listed twice"),
    'unknown key': (edited('    policy: mirror', '    policy: mirror\n    dwell: 3'), 15,
                    'rooms.study.dwell: unknown key'),
    'missing key': (edited('    policy: mirror\n', ''), 13, 'rooms.study.policy: is missing'),
    'wrong type': (edited('    policy: mirror', '    policy: mirror\n    dwell_s: soon'), 15,
                   "rooms.study.dwell_s: 'soon'"),
    'out of range': (edited('brightness: 0.3', 'brightness: 30'), 11,
                     'policies.warm.by_emotion.happy.brightness: 30: expected at most 1'),
    'not a number': (edited('brightness: 0.3', 'brightness: .nan'), 11,
                     'policies.warm.by_emotion.happy.brightness: nan'),
    'unknown emotion': (edited('sad:', 'melancholy:'), 7,
                        "policies.mirror.by_emotion.melancholy: 'melancholy': expected 'angry'"),
    'unknown strategy': (edited('soothe', 'sooth'), 8,
                         "policies.mirror.by_emotion.angry.strategy: 'sooth': expected 'mirror'"),
    'unknown policy': (edited('policy: mirror', 'policy: miror'), 14,
                       "rooms.study.policy: 'miror' is not among the policies: mirror, warm"),
    'unknown target type': (edited('type: terminal', 'type: lamp'), 16,
                            "rooms.study.targets.lamp: unknown type 'lamp'"),
    'target without type': (edited('{type: terminal}', '{on: true}'), 16,
                            'rooms.study.targets.lamp: type is missing'),
    'broker missing': (edited('{type: terminal}', '{type: mqtt_light, topic: a/b}'), 16,
                       'rooms.study.targets.lamp: mqtt_light requires a broker'),
    'wildcard topic': (edited('{type: terminal}', "{type: mqtt_light, topic: 'a/#'}"), 16,
                       'rooms.study.targets.lamp.topic'),
    'thresholds crossed': (edited('    policy: mirror',
                                  '    policy: mirror\n    enter_threshold: 0.2'), 13,
                           'rooms.study: exit_threshold (0.35) must be below'),
    'rule without content': (edited('{strategy: soothe}', '{}'), 8,
                             'policies.mirror.by_emotion.angry: the rule requests nothing'),
    'two colors': (edited('brightness: 0.3', "color: '#ff0000'"), 11, 'not both'),
    'bad color': (edited('{strategy: soothe}', '{color: red}'), 8,
                   "policies.mirror.by_emotion.angry.color: 'red' is not a color"),
    'bad time of day': (edited('    policy: mirror',
                               '    policy: mirror\n    quiet_hours: [{from: 25:00, to: 6:00}]'),
                        15, "rooms.study.quiet_hours.0.from: '25:00' is not a time of day"),
    'no length': (edited('    policy: mirror',
                         '    policy: mirror\n    quiet_hours: [{from: 6:00, to: 6:00}]'),
                  15, 'the part is empty'),
    'time zone': (edited('version: 1', 'version: 1\ntime_zone: Mars/Olympus'), 3,
                  "time_zone: 'Mars/Olympus' is not a known time zone"),
    'version': (edited('version: 1', 'version: 7'), 2, 'version: 7: expected 1'),
    'room name': (edited('  study:', '  "Study #1":'), 13,
                  "rooms.Study #1: 'Study #1' is not a valid name"),
    'alias': (edited('{strategy: soothe}', '&a {strategy: soothe}') + '\nx: *a', 8,
              'anchors and aliases'),
    'tag': (edited('{strategy: soothe}', '!!python/object/apply:os.system [ls]'), 8,
            'tags (!) are not allowed'),
    'password in the file': (edited('version: 1', 'version: 1\nbroker: {host: localhost, '
                                    'username: me, password: secret}'), 3,
                             'broker.password: a secret is never written into the policy'),
    'url': (edited('version: 1', 'version: 1\nhome_assistant: {url: "http://ha:port", '
                   'token: {env: X}}'), 3, "home_assistant.url: 'http://ha:***' is not a url"),
    'topic': (edited('    policy: mirror', '    policy: mirror\n    sources: ["a b"]'), 15,
              "rooms.study.sources.0: 'a b' is not the name of a ROS topic"),
}


@pytest.mark.parametrize('name', BROKEN)
def test_a_broken_policy_is_refused_with_file_line_and_field(name):
    text, line, words = BROKEN[name]
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, 'house.yaml')
    message = str(caught.value)
    assert words in message, message
    assert re.search(rf'^house\.yaml:{line}: ', message, re.MULTILINE), message
    # Every line of the message has its place.
    assert all(re.match(r'house\.yaml:\d+: ', part) for part in message.splitlines())


def test_every_fault_is_reported_at_once_and_in_order():
    text = edited('sad:', 'sat:').replace('type: terminal', 'type: lamp')
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, 'f')
    assert [part.split(':')[1] for part in str(caught.value).splitlines()] == ['7', '16']


@pytest.mark.parametrize('data, words', [
    (b'\xff\xfe\x00', 'not a text file in UTF-8'), (None, 'cannot be read')])
def test_files_that_cannot_be_read_are_named(tmp_path, data, words):
    path = tmp_path / 'p.yaml'
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)


def test_words_mean_what_people_think():
    policy = parse_policy(edited('{strategy: soothe}', '{strategy: off}').replace(
        '    policy: mirror',
        '    policy: mirror\n    quiet_hours: [{from: 22:30, to: 6:05}]\n    dwell_s: 1e0'))
    assert policy.policies['mirror'].by_emotion['angry'].strategy == 'off'
    quiet, = policy.rooms['study'].quiet_hours
    assert (quiet.start, quiet.end) == (time(22, 30), time(6, 5))
    assert policy.rooms['study'].dwell_s == 1


@pytest.mark.parametrize('start, end, inside, outside', [
    ('22:30', '06:00', ['22:30', '23:59', '00:00', '05:59'], ['06:00', '12:00', '22:29']),
    ('13:00', '15:00', ['13:00', '14:59'], ['12:59', '15:00', '00:00'])])
def test_quiet_hours(start, end, inside, outside):
    quiet = QuietHours.model_validate({'from': start, 'to': end})
    assert all(quiet.contains(time.fromisoformat(moment)) for moment in inside)
    assert not any(quiet.contains(time.fromisoformat(moment)) for moment in outside)


@pytest.mark.parametrize('fields, tls, port', [
    ({'host': 'localhost'}, False, 1883), ({'host': '127.0.0.1'}, False, 1883),
    ({'host': '::1'}, False, 1883), ({'host': 'home.lan'}, True, 8883),
    ({'host': '192.168.1.2'}, True, 8883), ({'host': '192.168.1.2', 'tls': False}, False, 1883),
    ({'host': 'localhost', 'tls': True}, True, 8883),
    ({'host': 'localhost', 'ca_file': '/ca.pem', 'port': 1234}, True, 1234)])
def test_the_connection_is_encrypted_unless_the_broker_is_here(fields, tls, port):
    broker = Broker.model_validate(fields)
    assert (broker.uses_tls, broker.effective_port) == (tls, port)


def test_secrets_come_from_the_environment_or_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv('A_SECRET', 'hush')
    assert Secret(env='A_SECRET').read('x') == 'hush'
    path = tmp_path / 'secret'
    path.write_text('hush\n')
    assert Secret(file=str(path)).read('x') == 'hush'
    monkeypatch.delenv('A_SECRET')
    path.write_text('')
    for secret, words in ((Secret(env='A_SECRET'), 'A_SECRET is not set'),
                          (Secret(file=str(path)), 'is empty'),
                          (Secret(file=str(tmp_path / 'no')), 'cannot be read')):
        with pytest.raises(ConfigurationError, match=words):
            secret.read('broker.password')


def test_an_old_pydantic_is_named(monkeypatch):
    import importlib
    monkeypatch.setattr(pydantic, 'VERSION', '1.8.2')
    with pytest.raises(ConfigurationError, match=r'pydantic 1\.8\.2 is too old.*pip install'):
        importlib.reload(fields)

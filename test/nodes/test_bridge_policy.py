# SPDX-License-Identifier: Apache-2.0
"""The bridge's policy: selected, reloaded, or refused, wholly."""

import os

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from bridge_support import action, call, POLICY  # noqa: E402
from fer_ros.conversions import home as home_conversions  # noqa: E402
from fer_ros.home.light import differences  # noqa: E402
from fer_ros.msg import AmbientAction, AttentionArray, FaceAttention, HomeState  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from home_support import emotion  # noqa: E402
from made_up_camera import Camera  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402


def test_a_policy_is_selected_and_a_file_reloaded_wholly_or_not_at_all(home):
    home.camera.seen = [emotion('happy')]
    mirror = home_conversions.message_to_action(action(home)).request.light
    assert home.bridge.set_parameters([Parameter('policy', value='warm')])[0].successful
    assert action(home, 1).request.light.color_temperature_k == 2200
    answer = home.bridge.set_parameters([Parameter('policy', value='cold')])[0]
    assert not answer.successful and 'mirror, warm' in answer.reason
    home.file.write_text(POLICY.replace('dwell_s: 0.3', 'dwel_s: 0.3'))
    answer = call(home, Trigger, 'reload', Trigger.Request())
    assert not answer.success
    assert answer.message == f'{home.file}:17: rooms.study.dwel_s: unknown key'
    home.file.write_text(POLICY.replace('brightness: 0.3', 'brightness: 0.7'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    assert action(home, 2).request.light.brightness == pytest.approx(0.7)
    assert differences(home_conversions.message_to_action(action(home, 2)).request.light, mirror)


def test_whatever_the_file_holds_the_bridge_answers_and_keeps_the_old_policy(home, tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    hostile = ['a: ' + '[' * 3000, POLICY.replace('version: 1', f'version: {"1" * 5000}'),
               POLICY.replace('version: 1', 'version: !!int abc'), '\ud800',
               POLICY + ''.join(f'k{i}: 1\n' for i in range(60_000)),
               POLICY.replace('version: 1', 'version: 1\nbroker: {host: "mqtt://me:hush@h"}'),
               POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost, ca_file: '
                              f'{pipe}, username: me, password: {{env: HOME}}}}')]
    for text in hostile:
        home.file.write_bytes(text.encode('utf-8', 'surrogatepass'))
        answer = call(home, Trigger, 'reload', Trigger.Request())
        assert not answer.success and answer.message and 'hush' not in answer.message
        answer = home.bridge.set_parameters([Parameter('policy_file', value=str(home.file))])[0]
        assert not answer.successful and 'internal' not in answer.reason
    for path in (str(pipe), '/dev/zero', str(tmp_path), '~nobody-of-that-name/x'):
        answer = home.bridge.set_parameters([Parameter('policy_file', value=path)])[0]
        assert not answer.successful and 'cannot be read' in answer.reason
    home.camera.seen = [emotion('happy')]
    assert action(home).emotion == 'happy'


def test_a_reload_that_lacks_a_secret_leaves_everything_as_it_was(home, monkeypatch):
    monkeypatch.delenv('NO_SUCH_PASSWORD', raising=False)
    home.camera.seen = [emotion('happy')]
    action(home)
    home.file.write_text(POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost, '
                                        'username: me, password: {env: NO_SUCH_PASSWORD}}'))
    answer = call(home, Trigger, 'reload', Trigger.Request())
    assert not answer.success
    assert answer.message == \
        'broker.password: the environment variable NO_SUCH_PASSWORD is not set'
    home.camera.seen = [emotion('sad')]
    assert action(home, 1).emotion == 'sad'


def test_a_reload_may_name_other_cameras(home):
    home.file.write_text(POLICY.replace('    policy: mirror\n',
                                        '    policy: mirror\n    sources: [attic/emotions]\n'))
    assert call(home, Trigger, 'reload', Trigger.Request()).success
    home.camera.seen = [emotion('sad')]
    attic = Camera(home, 'attic/emotions')
    try:
        attic.seen = [emotion('happy')]
        assert action(home).emotion == 'happy'
        assert home.node.count_subscribers('emotions') == 0
    finally:
        attic.close()


def test_a_malformed_policy_fails_configure_with_its_place_and_may_be_fixed(graph, tmp_path):
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.replace('happy: {strategy: mirror}', 'happy: {strategy: glow}'))
    bridge = graph.add(SmartHomeBridge, start=False, policy_file=str(file))
    assert not bridge.start()
    assert f'{file}:6: policies.mirror.by_emotion.happy.strategy' in bridge._failure
    file.write_text(POLICY)
    assert bridge.start()


def test_a_missing_policy_file_is_named(graph, tmp_path):
    bridge = graph.add(SmartHomeBridge, start=False, policy_file=str(tmp_path / 'none.yaml'))
    assert not bridge.start()
    assert 'none.yaml: cannot be read' in bridge._failure


def test_the_default_policy_works_without_a_broker(graph):
    bridge = graph.add(SmartHomeBridge)
    assert bridge._home.rooms and not bridge._home.connections


def test_a_rule_with_attention_acts_only_on_who_looks(graph, tmp_path):
    policy = tmp_path / 'policy.yaml'
    policy.write_text(POLICY.replace('happy: {strategy: mirror}',
                                     'happy: {brightness: 0.9, when: {attention: camera}}'))
    graph.add(SmartHomeBridge, policy_file=str(policy), lamp_display='none', state_file='none')
    actions = graph.collect(AmbientAction, 'ambient_actions', qos.RESULT)
    states = graph.collect(HomeState, '/smart_home_bridge/home_state', qos.STATE)
    attention = graph.publisher(AttentionArray, 'attention', qos.RESULT)
    camera = Camera(graph)
    try:
        camera.seen = [emotion('happy')]

        def looking(label):
            message = AttentionArray(faces=[FaceAttention(track_id=1, label=label)])
            attention.publish(message)
            return bool(actions)
        wait_for(lambda: not looking('away') and states and 'attention is away, expected camera'
                 in states[-1].rooms[0].blocked_reason, what='the reason why nothing is done')
        assert not actions
        wait_for(lambda: looking('camera'), what='an action for who looks')
        assert actions[0].request.light.brightness == pytest.approx(0.9)
    finally:
        camera.close()

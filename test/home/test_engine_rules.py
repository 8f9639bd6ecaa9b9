# SPDX-License-Identifier: Apache-2.0
"""What rules ask for: quiet hours, regions of valence and arousal, some targets of many."""

from datetime import datetime

from fer_ros.home.commands import RoomCommand
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.answer import failing, is_open
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.kinds.scene import SceneRequest
from fer_ros.home.policy.rules import PlacedRule, Rule
from home_support import COLOR_ONLY, emotion, POLICY, policy_of, REGIONS, Sim
import pytest


@pytest.mark.parametrize('hour, acts', [(21, True), (23, False), (3, False), (7, True)])
def test_quiet_hours_go_over_midnight(hour, acts):
    sim = Sim(hour=hour, quiet_hours=[{'from': '22:30', 'to': '06:30'}])
    assert bool(sim.see('happy', 10)) == acts
    assert acts or sim.status.blocked_reason == 'quiet hours until 06:30'


def test_quiet_hours_may_dim():
    sim = Sim(hour=23, quiet_hours=[{'from': '22:30', 'to': '06:30', 'action': 'dim',
                                     'brightness_max': 0.1}])
    action, = sim.see('happy', 10)
    assert action.request.light.brightness == pytest.approx(0.1) and 'quiet hours' in action.reason


@pytest.mark.parametrize('utc_s, inside', [
    # Europe/Berlin, spring 2024: 02:00 becomes 03:00 at 01:00 UTC on 31 March.
    (1711846799, True), (1711846800, False),
    # Autumn 2024: 03:00 becomes 02:00 at 01:00 UTC on 27 October; both 02:30 lie inside.
    (1729987200 + 1800, True), (1729987200 + 5400, True), (1729987200 + 7200, False)])
def test_quiet_hours_follow_daylight_saving(utc_s, inside):
    text = POLICY.replace('version: 1', 'version: 1\ntime_zone: Europe/Berlin')
    engine = DecisionEngine(policy_of(
        text, quiet_hours=[{'from': '01:00', 'to': '03:00'}], smoothing_s=0, dwell_s=0.1,
        minimum_frames=2))
    for now_s in (utc_s - 0.2, utc_s - 0.1, utc_s):
        engine.observe('emotions', [emotion('happy')], now_s, now_s=now_s)
        engine.tick(now_s)
    blocked = engine.snapshot('study').blocked_reason
    assert blocked == ('quiet hours until 03:00' if inside else '')


def test_a_region_of_valence_and_arousal_acts_where_no_emotion_has_a_rule():
    sim = Sim(REGIONS, policy='regions')
    action, = sim.see([emotion('fear', valence=-0.6, arousal=0.7)], 5)
    assert action.request.light.color_temperature_k and action.emotion == 'fear'
    assert action.reason.startswith('tense for')
    # On its border nothing flutters.
    for index in range(300):
        sim.step([emotion('fear', valence=-0.2 + 0.05 * (-1) ** index, arousal=0.7)])
    assert len(sim.actions) == 1
    action, = sim.see('happy', 20)
    assert action.request.light.brightness == pytest.approx(0.9)


@pytest.mark.parametrize('valence, inside_before, inside', [
    (-0.21, True, True), (-0.21, False, True),
    # Within the margin a region is not left, but not entered either.
    (-0.15, True, True), (-0.15, False, False),
    (-0.05, True, False), (-0.05, False, False)])
def test_a_region_is_left_only_beyond_its_margin(valence, inside_before, inside):
    sim = Sim(REGIONS, policy='regions', smoothing_s=0, dwell_s=0.5)
    sim.see([emotion('fear', valence=-0.6 if inside_before else 0.5, arousal=0.7)], 5)
    assert len(sim.actions) == inside_before
    sim.see([emotion('fear', valence=valence, arousal=0.7)], 20)
    assert sim.status.blocked_reason == ('' if inside else 'no rule for fear')
    assert len(sim.actions) == (inside_before or inside)


def test_an_emotion_below_the_threshold_is_not_named_though_its_region_acts():
    sim = Sim(REGIONS, policy='regions', minimum_confidence=0.3)
    action, = sim.see([emotion('fear', 0.45, valence=-0.6, arousal=0.7)], 5)
    assert action.emotion == 'uncertain' and action.reason.startswith('tense for')
    assert sim.status.emotion == 'uncertain' and sim.status.valence == pytest.approx(-0.6)
    sim.see([emotion('fear', 0.55, valence=-0.6, arousal=0.7)], 5)
    assert sim.status.emotion == 'fear'


def test_targets_of_other_kinds_are_asked_for_what_they_can():
    text = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        '      happy: {strategy: mirror}',
        '      happy: {strategy: mirror, scene: party, blind: 0.5}', 1).replace(
        '      lamp: {type: terminal}', """\
      lamp: {type: terminal, has_color: false, brightness_max: 0.4}
      mood: {type: mqtt_scene, topic: z/group/set, scenes: {party: '{}'}}
      blind: {type: mqtt_blind, topic: z/blind}""")
    sim = Sim(text, answers=False)
    by_target = {action.target: action for action in sim.see('happy', 5)}
    assert by_target['mood'].request.scene == 'party'
    assert by_target['blind'].request.position == 0.5
    assert by_target['lamp'].request.light.brightness == pytest.approx(0.4)
    assert len(sim.actions) == 3


def test_a_rule_for_scenes_asks_nothing_of_lights():
    text = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        'happy: {strategy: mirror}', 'happy: {scene: party}', 1).replace(
        '      lamp: {type: terminal}', """\
      lamp: {type: terminal}
      blind: {type: mqtt_blind, topic: z/blind}
      mood: {type: mqtt_scene, topic: z/group/set, scenes: {party: '{}'}}
      other: {type: mqtt_scene, topic: z/other/set, scenes: {calm: '{}'}}""")
    action, = Sim(text).see('happy', 5)
    assert (action.target, action.request) == ('mood', SceneRequest('party'))


@pytest.mark.parametrize('level, asked', [(0.1, None), (0.6, 0.2)])
def test_quiet_hours_never_brighten(level, asked):
    sim = Sim(COLOR_ONLY, hour=23, quiet_hours=[{'from': '22:30', 'to': '06:30',
                                                 'action': 'dim'}])
    sim.set_manually(brightness=level)
    sim.command(RoomCommand.RESUME)
    action, = sim.see('happy', 10)
    assert action.request.light.brightness == asked


def test_a_lamp_without_color_is_asked_for_none():
    sim = Sim(POLICY.replace('{type: terminal}', '{type: terminal, has_color: false}'))
    action, = sim.see('happy', 8)
    assert action.request.light.brightness and action.request.light.color is None
    assert not action.request.light.color_temperature_k and not sim.status.on_hold


def test_a_rule_for_some_targets_leaves_the_others_alone():
    text = POLICY.replace('sad: {strategy: mirror}',
                          'sad: {strategy: "off", targets: [lamp]}')
    sim = Sim(text, targets={'lamp': {'type': 'terminal'}, 'other': {'type': 'terminal'}})
    assert {action.target for action in sim.see('happy', 5)} == {'lamp', 'other'}
    action, = sim.see('sad', 20)
    assert action.target == 'lamp' and not action.request.light.on


def test_a_rule_with_a_duration_is_done_once_while_it_lasts():
    text = POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 0.9, for_s: 2}')
    sim = Sim(text, cooldown_s=0, dwell_s=0.5, smoothing_s=0.2, transition_s=0)
    done, undone = sim.see('happy', 8)
    assert [one.request.light.brightness for one in (done, undone)] == [0.9, 0.6]
    assert undone.stamp_s - done.stamp_s == pytest.approx(2.0, abs=0.15)
    assert sim.status.blocked_reason == 'happy was done for 2 s'
    # A person can let it begin again.
    for commands in ((RoomCommand.RESUME,), (RoomCommand.SWITCH_OFF, RoomCommand.SWITCH_ON)):
        for command in commands:
            sim.command(command)
        assert len(sim.see('happy', 5)) == 2


ALONE, CROWD, LONG = {'people': 'alone'}, '2 people are in view, expected alone', {'lasted_s': 5}
SHORT = 'it has lasted 1 s, expected 5 s'


@pytest.mark.parametrize('when, people, holds, words', [
    (None, 2, True, set()), (ALONE, 1, True, set()), (ALONE, 2, False, {CROWD}),
    # That it has to last does not keep it from leading.
    (LONG, 1, True, {SHORT}), ({**LONG, **ALONE}, 2, False, {CROWD, SHORT})])
def test_which_conditions_keep_a_rule_from_leading(when, people, holds, words):
    placed = PlacedRule(('by_emotion', 'happy'), Rule(brightness=0.5, when=when),
                        frozenset(('happy',)))
    moment = Moment(local=datetime(2026, 1, 5), people=people, lasted_s=1.0)
    assert is_open(placed, moment) == holds
    assert set(filter(None, failing(placed, moment).split('; '))) == words


@pytest.mark.parametrize('count, level', [(1, 0.2), (2, 0.9)])
def test_a_rule_for_any_feeling_leads_only_where_its_conditions_hold(count, level):
    text = POLICY.replace('  mirror:', """  mirror:
    rules: [{name: calm, when: {people: alone}, brightness: 0.2}]""", 1).replace(
        'happy: {strategy: mirror}', 'happy: {brightness: 0.9}')
    sim = Sim(text, cooldown_s=0, dwell_s=0.5, smoothing_s=0.2)
    faces = [emotion('happy', track_id=index) for index in range(count)]
    assert sim.see(faces, 3)[-1].request.light.brightness == level

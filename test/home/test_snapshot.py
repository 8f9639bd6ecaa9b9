# SPDX-License-Identifier: Apache-2.0
"""What is reported of a room, and when."""

from dataclasses import replace

from fer_ros.home.kinds.light import LightRequest
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from fer_ros.home.snapshot import (
    ChangeDetector,
    DeviceSnapshot,
    events,
    LastAction,
    RoomSnapshot,
)
import pytest

LAMP = DeviceSnapshot('lamp', 'light', True, ControlState.IDLE, None)
ROOM = RoomSnapshot('study', True, 'mirror', ('mirror', 'warm'), True, 'happy', 0.75, 1, 0.5, 0.25,
                    devices=(LAMP,))
ACTION = LastAction('lamp', LightRequest(LightState(True, 0.5)), 'happy for 2 s')


@pytest.mark.parametrize('change', [
    {'enabled': False}, {'policy': 'warm'}, {'policies': ('mirror',)}, {'fresh': False},
    {'emotion': 'sad'}, {'emotion': None}, {'faces': 0}, {'hold_left_s': 5.0},
    {'hold_reason': 'why'}, {'last': ACTION}, {'room': 'library'},
    {'devices': (replace(LAMP, available=False),)},
    {'devices': (replace(LAMP, state=ControlState.COMMANDED),)},
    {'devices': (replace(LAMP, reported=LightState(False)),)}])
def test_facts_are_published_at_once(change):
    detector = ChangeDetector()
    detector.mark_published([ROOM], 10.0)
    assert not detector.due([ROOM], 10.1)
    assert detector.due([replace(ROOM, **change)], 10.1)


@pytest.mark.parametrize('change', [
    {'confidence': 0.8}, {'valence': 0.6}, {'arousal': 0.3}, {'faces': 2},
    {'blocked_reason': 'cooling down'}])
def test_figures_wait_for_their_second(change):
    detector = ChangeDetector()
    detector.mark_published([ROOM], 10.0)
    changed = [replace(ROOM, **change)]
    assert not detector.due(changed, 10.9) and detector.due(changed, 11.0)


def test_a_hold_that_runs_down_is_a_figure():
    held = replace(ROOM, hold_left_s=5.0)
    detector = ChangeDetector()
    detector.mark_published([held], 10.0)
    assert not detector.due([replace(held, hold_left_s=4.5)], 10.5)
    assert detector.due([ROOM], 10.5)


def test_what_does_not_change_is_published_again_only_where_that_is_wanted():
    detector = ChangeDetector()
    assert detector.due([ROOM], 10.0)
    detector.mark_published([ROOM], 10.0)
    assert not detector.due([ROOM], 1e9)
    assert not detector.due([ROOM], 14.9, repeat_s=5.0) and detector.due([ROOM], 15.0, repeat_s=5)
    detector.reset()
    assert detector.due([ROOM], 10.0)


def test_another_number_of_rooms_is_published_at_once():
    detector = ChangeDetector()
    detector.mark_published([ROOM], 10.0)
    assert detector.due([ROOM, replace(ROOM, room='library')], 10.0) and detector.due([], 10.0)


@pytest.mark.parametrize('fields, fresh, known, occupied', [
    ({}, True, True, True), ({'faces': 0, 'emotion': 'nobody'}, True, True, False),
    # One of two cameras sees a face, the other is blind.
    ({'fresh': False}, False, True, True),
    ({'fresh': False, 'emotion': None, 'faces': 0}, False, False, None),
    # Switched off, its cameras are not listened to.
    ({'enabled': False, 'emotion': None, 'faces': 0}, True, False, None)])
def test_fresh_and_known_are_two_things(fields, fresh, known, occupied):
    room = replace(ROOM, **fields)
    assert (room.fresh, room.stale, room.known, room.occupied) == (
        fresh, not fresh, known, occupied)


def test_words_for_people():
    assert (ROOM.last_action, ROOM.last_reason) == ('', '')
    acted = replace(ROOM, last=ACTION)
    assert (acted.last_action, acted.last_reason) == ('lamp: on 50%', 'happy for 2 s')
    assert not ROOM.on_hold and replace(ROOM, hold_left_s=0.1).on_hold
    assert not LAMP.known and replace(LAMP, reported=LightState(False)).known


UNKNOWN = {'emotion': None, 'faces': 0}
EMPTY = {'emotion': 'nobody', 'faces': 0}


@pytest.mark.parametrize('before, now, expected', [
    ({}, {}, []), ({}, {'emotion': 'sad'}, [('emotion', {'emotion': 'sad', 'confidence': 0.75})]),
    ({}, EMPTY, [('emotion', {'emotion': 'nobody', 'confidence': 0.75}), ('empty', {})]),
    (EMPTY, {}, [('emotion', {'emotion': 'happy', 'confidence': 0.75}), ('occupied', {})]),
    # Not known is neither an emotion nor somebody who left or came.
    ({}, UNKNOWN, []), (UNKNOWN, {}, [('emotion', {'emotion': 'happy', 'confidence': 0.75})]),
    (UNKNOWN, EMPTY, [('emotion', {'emotion': 'nobody', 'confidence': 0.75})]),
    ({}, {'hold_left_s': 9.0, 'hold_reason': 'lamp'}, [('hold', {'reason': 'lamp'})]),
    ({'hold_left_s': 9.0}, {'hold_left_s': 8.0}, []),
    ({'hold_left_s': 9.0}, {}, [('resumed', {})]),
    ({}, {'enabled': False}, [('switched_off', {})]),
    ({'enabled': False}, {}, [('switched_on', {})])])
def test_what_happened_between_two_snapshots(before, now, expected):
    assert events(replace(ROOM, **before), replace(ROOM, **now)) == expected


def test_the_confidence_of_an_event_is_rounded():
    assert events(ROOM, replace(ROOM, emotion='sad', confidence=0.123456)) == [
        ('emotion', {'emotion': 'sad', 'confidence': 0.12})]

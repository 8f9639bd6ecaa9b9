# SPDX-License-Identifier: Apache-2.0
"""What rooms do becomes events: begin and end of emotions, people, and who set a lamp."""

from dataclasses import replace

from fer_ros.habits.recorder import Recorder
from fer_ros.home.action import NOBODY
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from fer_ros.home.snapshot import DeviceSnapshot, RoomSnapshot
import pytest


class Watched:
    """A room whose snapshots are recorded ten times a second."""

    def __init__(self):
        self.recorder, self.now_s, self.events = Recorder(), 1000.0, []
        self.snapshot = RoomSnapshot('study', True, 'mirror', ('mirror',), True, NOBODY)

    def pass_(self, seconds, *, lamp=None, state=ControlState.IDLE, emotion=None, held=()):
        """Let time pass with the room as it is, or as it is from now on; return what happened."""
        if emotion is not None:
            self.snapshot = replace(self.snapshot, emotion=emotion,
                                    faces=0 if emotion == NOBODY else 1)
        if lamp is not None:
            self.snapshot = replace(self.snapshot, devices=(
                DeviceSnapshot('lamp', 'light', True, state, lamp, held),))
        new = []
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            new += self.recorder.room(self.snapshot, self.now_s)
        self.events += new
        return [(one.kind.value, one.value) if not one.light else
                (one.actor.value, one.light) for one in new]


@pytest.fixture
def room():
    """Return a room where nobody is, with a lamp that shines."""
    room = Watched()
    assert room.pass_(3, lamp=LightState(True, 0.6)) == []
    return room


def test_an_emotion_begins_and_ends(room):
    assert room.pass_(3, emotion='sad') == [('occupied', ''), ('emotion', 'sad')]
    assert room.pass_(60) == []
    assert room.pass_(3, emotion='happy') == [('emotion_end', 'sad'), ('emotion', 'happy')]
    ended = room.events[-2]
    assert ended.lasted_s == pytest.approx(63, abs=0.5)
    assert room.pass_(6, emotion=NOBODY) == [('empty', ''), ('emotion_end', 'happy')]


@pytest.mark.parametrize('flicker', ['happy', 'uncertain', NOBODY])
def test_a_flicker_is_no_event(room, flicker):
    room.pass_(5, emotion='sad')
    room.pass_(1, emotion=flicker)
    assert [one for one in room.pass_(9, emotion='sad') if one[0].startswith('emotion')] == []


def test_what_a_person_sets_is_one_event_when_it_stands_still(room):
    room.pass_(5, emotion='sad')
    for level in (0.5, 0.4, 0.3):
        assert room.pass_(0.5, lamp=LightState(True, level),
                          state=ControlState.OVERRIDDEN) == []
    assert room.pass_(3) == [('person', LightState(True, 0.3))]
    assert room.events[-1].emotion == 'sad' and room.events[-1].by_person
    assert room.pass_(30) == []
    # Once more, in the same hold.
    assert room.pass_(3, lamp=LightState(True, 0.8), state=ControlState.OVERRIDDEN) == [
        ('person', LightState(True, 0.8))]


def test_what_is_held_is_what_a_person_changed_whatever_rules_do_beside(room):
    room.pass_(5, emotion='sad')
    room.pass_(1, lamp=LightState(True, 0.3, (0, 0, 1)), state=ControlState.COMMANDED,
               held=('brightness',))
    assert room.pass_(3) == [('person', LightState(True, 0.3, (0, 0, 1)))]
    # The rule goes on with the color.
    assert room.pass_(3, lamp=LightState(True, 0.3, (1, 0, 0)), state=ControlState.CONFIRMED,
                      held=('brightness',)) == []
    assert room.pass_(3, lamp=LightState(True, 0.5, (1, 0, 0)), state=ControlState.CONFIRMED,
                      held=('brightness',)) == [('person', LightState(True, 0.5, (1, 0, 0)))]


def test_turning_a_lamp_on_is_a_person(room):
    room.pass_(3, lamp=LightState(False), state=ControlState.OVERRIDDEN)
    assert room.pass_(3, lamp=LightState(True, 0.4)) == [('person', LightState(True, 0.4))]


@pytest.mark.parametrize('states', [
    (ControlState.COMMANDED, ControlState.SETTLING, ControlState.CONFIRMED),
    (ControlState.RESTORING, ControlState.RESTORING, ControlState.IDLE)])
def test_what_we_ask_of_a_lamp_is_no_person(room, states):
    room.pass_(5, emotion='sad')
    for level, state in zip((0.5, 0.4, 0.3), states):
        assert room.pass_(3, lamp=LightState(True, level), state=state) == []


def test_a_lamp_that_was_overridden_before_the_start_was_not_changed_now():
    room = Watched()
    assert room.pass_(9, lamp=LightState(True, 0.3), state=ControlState.OVERRIDDEN) == []


def test_who_sets_a_lamp_after_leaving_the_picture_felt_what_was_seen_last(room):
    room.pass_(5, emotion='sad')
    room.pass_(8, emotion=NOBODY)
    room.pass_(3, lamp=LightState(True, 0.3), state=ControlState.OVERRIDDEN)
    assert room.events[-1].emotion == 'sad'
    room.pass_(90)
    room.pass_(3, lamp=LightState(True, 0.9), state=ControlState.OVERRIDDEN)
    assert room.events[-1].emotion == ''


def test_a_clock_set_back_ends_nothing_twice(room):
    room.pass_(5, emotion='sad')
    room.now_s -= 3600
    assert room.pass_(5) == []
    assert room.pass_(3, emotion='happy') == [('emotion_end', 'sad'), ('emotion', 'happy')]
    assert room.events[-2].lasted_s >= 0

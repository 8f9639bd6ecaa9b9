# SPDX-License-Identifier: Apache-2.0
"""What rooms do becomes events: begin and end of emotions, people, and who set a lamp."""

from dataclasses import replace

from fer_ros.habits.recorder import AUTOMATIONS_PER_HOUR, Recorder
from fer_ros.home.action import AmbientAction, Command, NOBODY
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.kinds.message import MessageRequest
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from fer_ros.home.snapshot import DeviceSnapshot, RoomSnapshot
import pytest


class Watched:
    """A room whose snapshots are recorded ten times per second."""

    def __init__(self):
        self.recorder, self.now_s, self.events = Recorder(), 1000.0, []
        self.snapshot = RoomSnapshot('study', True, 'mirror', ('mirror',), True, NOBODY)

    def pass_(self, seconds, *, lamp=None, state=ControlState.IDLE, emotion=None, held=(),
              cause=Cause.UNKNOWN):
        """Let time pass with the room as it is, or as it is from now on; return what happened."""
        if emotion is not None:
            self.snapshot = replace(self.snapshot, emotion=emotion,
                                    faces=0 if emotion == NOBODY else 1)
        if lamp is not None:
            self.snapshot = replace(self.snapshot, devices=(
                DeviceSnapshot('lamp', getattr(lamp, 'kind', 'light'), True, state, lamp, held),))
            self.recorder.reported('study', 'lamp', cause)
        new = []
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            new += self.recorder.room(self.snapshot, self.now_s)
        self.events += new
        return [(one.kind.value, one.value) if not one.light else
                (one.actor.value, one.light) for one in new]


@pytest.fixture
def room():
    """Return an empty room with a lamp that is on."""
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
def test_a_flicker_is_not_an_event(room, flicker):
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
def test_what_we_ask_of_a_lamp_is_not_a_person(room, states):
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


@pytest.mark.parametrize('state', [ControlState.CONFIRMED, ControlState.OVERRIDDEN])
def test_what_an_automation_sets_is_the_automation_s(room, state):
    room.pass_(5, emotion='sad')
    # Overridden: where the policy lets automations hold a lamp as people do.
    assert room.pass_(3, lamp=LightState(True, 0.2), state=state, cause=Cause.AUTOMATION) == [
        ('automation', LightState(True, 0.2))]
    assert not room.events[-1].by_person
    assert room.pass_(3, lamp=LightState(True, 0.9), state=ControlState.OVERRIDDEN,
                      cause=Cause.PERSON) == [('person', LightState(True, 0.9))]


def test_who_goes_on_where_an_automation_began_is_a_person(room):
    room.pass_(1, lamp=LightState(True, 0.2), cause=Cause.AUTOMATION)
    assert room.pass_(3, lamp=LightState(True, 0.8), state=ControlState.OVERRIDDEN) == [
        ('person', LightState(True, 0.8))]


def test_an_automation_that_follows_the_sun_does_not_fill_the_log(room):
    told = [one for step in range(60) for one in room.pass_(
        3, lamp=LightState(True, 0.9 - step / 100), cause=Cause.AUTOMATION)]
    assert 2 <= len(told) <= 4
    told = [one for step in range(60) for one in room.pass_(
        3, lamp=LightState(step % 2 == 0), cause=Cause.AUTOMATION)]
    assert len(told) <= AUTOMATIONS_PER_HOUR
    room.now_s += 3600
    assert room.pass_(3, lamp=LightState(True, 0.1), cause=Cause.AUTOMATION)


def test_a_blind_that_a_person_moves_is_recorded_too(room):
    room.pass_(3, lamp=BlindState(0.8))
    assert room.pass_(4, lamp=BlindState(0.3), state=ControlState.OVERRIDDEN,
                      held=('position',)) == [('action', '30% open')]
    assert room.events[-1].by_person
    assert room.pass_(4, lamp=BlindState(0.9), state=ControlState.COMMANDED) == []


def test_the_text_of_a_message_is_not_recorded(room):
    action = AmbientAction(
        stamp_s=1.0, room='study', target='phone', command=Command.SET,
        request=MessageRequest('sad at 87 %'), transition_s=0.0, emotion='sad', confidence=0.9,
        reason='', frame_id='')
    event = room.recorder.action(action, room.now_s)
    assert event.value == 'message' and '87' not in event.dump()


def test_conditions_are_recorded_as_they_change():
    recorder, told = Recorder(), []

    def pass_(first_s, last_s, **states):
        for now_s in range(first_s, last_s):
            told.extend(recorder.conditions('study', states, float(now_s)))
        return [(one.kind.value, one.value) for one in told]

    assert pass_(0, 20, dark='no', tv='unknown') == [('condition', 'dark = no')]
    # A sensor that flickers at its limit is none that has changed.
    assert len(pass_(20, 23, dark='yes', tv='unknown')) == 1
    assert pass_(23, 40, dark='no', tv='yes')[1:] == [('condition', 'tv = yes')]
    assert pass_(40, 60, dark='yes', tv='unknown')[2:] == [
        ('condition', 'dark = yes'), ('condition', 'tv = unknown')]
    assert told[2].time_s == 45.0
    # A clock that is set back ends nothing.
    assert len(pass_(10, 30, dark='yes', tv='unknown')) == 4

# SPDX-License-Identifier: Apache-2.0
"""Whatever a lamp says on its way to what was asked is ours, in every family, at any phase."""

from fer_ros.home.color import chromaticity_distance, GAMUTS, within_gamut
from fer_ros.home.commands import RoomCommand
from fer_ros.home.kinds.base import Cause
from fer_ros.home.light import LightState
from home_support import POLICY, Sim
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lamp_support import Bulb, FAMILIES, MANNERS, Reader
import pytest

TEXT = POLICY.replace('lamp: {type: terminal}', 'lamp: {type: terminal, turn_on: true}').replace(
    'angry: {strategy: soothe}', "angry: {strategy: 'off'}")
OFF, WARM = LightState(False, 0.6, color_temperature_k=2700), LightState(
    True, 0.6, color_temperature_k=2700)


class Home(Sim):
    """One lamp, which is read through its family's words."""

    def __init__(self, family, start, manner, every_s, first_s, *, polled=False, **room):
        self.bulb = None
        super().__init__(TEXT, **room)
        self.reader, self.polled = Reader(family), polled
        self.bulb = Bulb(start, manner, every_s, first_s, self.now_s)
        self.say(start)

    def say(self, light):
        for state in self.reader.states(light):
            self.engine.report('study', 'lamp', state, now_s=self.now_s)

    def report(self):
        if self.bulb is not None:
            self.room.targets['lamp'].delay_s = self.bulb.every_s if self.polled else 0.0
            for light in self.bulb.reports(self.now_s):
                self.say(light)

    def carry_out(self, actions):
        for action in actions:
            self.bulb.ask(action.request.light, action.transition_s, self.now_s)
        self.actions += actions
        return list(actions)

    @property
    def shines(self):
        return self.bulb.lamp.state(self.now_s)


FADES = given(
    start=st.sampled_from([OFF, WARM]),
    manner=st.sampled_from(sorted(MANNERS)),
    every_s=st.sampled_from([0.1, 0.2, 0.5, 1.0]), first_s=st.floats(0, 1),
    transition_s=st.sampled_from([0.0, 0.5, 1.5, 4.0]),
    moods=st.lists(st.sampled_from(['happy', 'sad', 'angry', '']), min_size=1, max_size=3),
    nobody=st.sampled_from(['restore', 'off']))


@pytest.mark.parametrize('family', FAMILIES)
@settings(max_examples=8, deadline=None)
@FADES
@example(start=OFF, manner='end first', every_s=0.1, first_s=0.0, transition_s=1.5,
         moods=['happy', '', 'happy'], nobody='restore')
@example(start=WARM, manner='end first', every_s=0.1, first_s=0.0, transition_s=1.5,
         moods=['happy', '', 'happy', ''], nobody='off')
@example(start=OFF, manner='level first', every_s=0.1, first_s=0.0, transition_s=0.0,
         moods=['sad', '', 'sad'], nobody='restore')
def test_a_lamp_that_only_follows_is_never_an_override(family, start, manner, every_s, first_s,
                                                  transition_s, moods, nobody):
    home = Home(family, start, manner, every_s, first_s, transition_s=transition_s, cooldown_s=1,
                dwell_s=0.5, smoothing_s=0.2, nobody={'after_s': 1, 'action': nobody},
                hold={'scope': 'room', 'settle_s': 2})
    for mood in moods:
        before = len(home.actions)
        home.see(mood or [], 8)
        assert not home.status.on_hold, home.status.hold_reason
        assert len(home.actions) - before <= 1
        if mood in ('happy', 'sad'):
            assert home.shines.on


@settings(max_examples=10, deadline=None)
@given(poll_s=st.sampled_from([0.5, 2.0, 5.0]), first_s=st.floats(0, 5),
       manner=st.sampled_from(['plain', 'end first']), start=st.sampled_from([OFF, WARM]),
       transition_s=st.sampled_from([0.5, 1.5, 3.0]))
def test_a_lamp_that_is_polled_is_none_either_at_any_phase(poll_s, first_s, manner, start,
                                                           transition_s):
    home = Home('home_assistant', start, manner, poll_s, first_s, polled=True, cooldown_s=1,
                transition_s=transition_s, dwell_s=0.5, smoothing_s=0.2, nobody={'after_s': 1})
    for mood in ('happy', '', 'happy', 'angry', ''):
        home.see(mood or [], 16)
        assert not home.status.on_hold, (mood, home.status.hold_reason)
    assert home.shines.on == start.on
    assert len(home.actions) == 5 if start.on else 4


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('phase_s', [0.3, 1.2, 3.0])
def test_a_manual_change_during_a_fade_to_off_is_an_override(family, phase_s):
    home = Home(family, WARM, 'plain', 0.2, 0.0, transition_s=1.5, dwell_s=0.5,
                smoothing_s=0.2, nobody={'after_s': 60}, cooldown_s=30)
    home.see('angry', 2)
    while not home.actions:
        home.see('angry', 0.1)
    home.see('angry', phase_s)
    home.bulb.lamp.set(LightState(True, 1.0), 0.0, home.now_s)
    home.see('angry', 6)
    # It is not what was asked any more; a rule may ask again once the feeling has lasted again.
    assert home.status.on_hold or home.room.targets['lamp'].request is None


def test_off_for_an_empty_room_is_said_once():
    home = Home('zigbee2mqtt', WARM, 'plain', 0.2, 0.0, nobody={'after_s': 1, 'action': 'off'},
                dwell_s=0.5)
    home.see([], 5)
    assert len(home.actions) == 1 and not home.shines.on
    # A person whom no camera sees turns it on.
    home.bulb.lamp.set(WARM, 0.0, home.now_s)
    home.see([], 60)
    assert len(home.actions) == 1 and home.shines.on
    # When somebody has been there, the room may be left again.
    home.see('neutral', 3)
    home.see([], 5)
    assert len(home.actions) == 2


def test_a_restore_that_comes_late_is_not_an_override():
    home = Home('zigbee2mqtt', OFF, 'plain', 1e9, 1e9, dwell_s=0.5, nobody={'after_s': 1})
    home.see('happy', 5)
    home.say(home.shines)
    home.see([], 10)
    assert home.actions[-1].request.light.on is False
    home.say(OFF)
    assert not home.status.on_hold


def test_a_lamp_that_has_just_come_back_and_follows_is_asked_once():
    home = Home('home_assistant', WARM, 'plain', 1e9, 1e9, transition_s=1.5, dwell_s=0.5,
                smoothing_s=0.2, cooldown_s=0)
    home.see('neutral', 5)
    # Away, and back: for some seconds whatever it says is taken for its start state.
    home.room.targets['lamp'].unheard = True
    for _ in range(40):
        home.engine.report('study', 'lamp', home.shines, Cause.RECOVERED, now_s=home.now_s)
        home.see('happy', 0.1)
    assert len(home.actions) == 1 and not home.status.on_hold
    # As lamps are after a power cut: not as it was asked.
    home.room.targets['lamp'].unheard = True
    home.engine.report('study', 'lamp', WARM, Cause.RECOVERED, now_s=home.now_s)
    home.see('happy', 2.5)
    home.say(home.shines)
    home.see('happy', 10)
    assert len(home.actions) == 2 and not home.status.on_hold


def test_a_lamp_that_is_back_but_does_not_listen_yet_is_asked_again_once():
    home = Home('home_assistant', WARM, 'plain', 1.0, 0.0, transition_s=0.5, dwell_s=0.5,
                smoothing_s=0.2, cooldown_s=0)
    take, home.bulb.ask = home.bulb.ask, lambda *_: None
    home.see('happy', 2)
    home.room.targets['lamp'].unheard = True
    home.engine.report('study', 'lamp', WARM, Cause.RECOVERED, now_s=home.now_s)
    before = len(home.actions)
    home.see('happy', 1)
    assert len(home.actions) == before + 1
    home.bulb.ask = take
    home.see('happy', 20)
    assert len(home.actions) == before + 2 and home.shines != WARM
    assert home.room.targets['lamp'].confirmed and not home.status.on_hold


# Switched on, and changed at once.

@pytest.mark.parametrize('level, after_s', [(0.01, 0.2), (0.01, 1.5), (0.3, 0.6), (1.0, 0.6)])
def test_what_a_person_chooses_right_after_switching_on_is_kept(level, after_s):
    home = Home('zigbee2mqtt', WARM, 'plain', 0.1, 0.0, dwell_s=0.5, smoothing_s=0.2,
                hold={'settle_s': 2.0, 'for_s': 100})
    home.see('neutral', 15)
    home.bulb.lamp.set(LightState(False), 0.0, home.now_s)
    home.see('neutral', 3)
    home.command(RoomCommand.RESUME)
    home.bulb.lamp.set(WARM, 0.0, home.now_s)
    home.see('happy', after_s)
    home.bulb.lamp.set(LightState(True, level), 0.0, home.now_s)
    home.see('happy', 20)
    assert home.shines.brightness == level and home.status.on_hold and not home.actions


def test_a_lamp_that_rises_to_its_level_by_itself_was_only_switched_on():
    home = Home('zigbee2mqtt', WARM, 'plain', 0.1, 0.0, dwell_s=0.5, smoothing_s=0.2)
    home.see('neutral', 15)
    home.bulb.lamp.set(LightState(False), 0.0, home.now_s)
    home.see('neutral', 3)
    home.bulb.lamp.set(WARM, 1.0, home.now_s)
    home.see('happy', 8)
    assert not home.status.on_hold and len(home.actions) == 1


# Lamps that cannot do what was asked.

def test_the_nearest_color_of_a_lamp_is_not_an_override():
    blue = (0.0, 0.0, 1.0)
    nearest = [within_gamut(blue, gamut) for gamut in GAMUTS]
    # One of them is further away than the tolerance.
    assert max(chromaticity_distance(one, blue) for one in nearest) > 0.035
    home = Home('zigbee2mqtt', WARM, 'plain', 1e9, 1e9, dwell_s=0.5)
    home.engine = Sim(TEXT.replace('happy: {strategy: mirror}',
                                   "happy: {color: '#0000ff', brightness: 0.7}"),
                      dwell_s=0.5).engine
    home.now_s += 1
    home.say(WARM)
    home.see('happy', 5)
    assert home.actions[-1].request.light.color == blue
    for one in nearest:
        home.say(LightState(True, 0.7, one))
        home.see('happy', 5)
        assert not home.status.on_hold


def test_whites_out_of_a_lamps_range_are_not_an_override():
    text = TEXT.replace('happy: {strategy: mirror}', 'happy: {color_temperature_k: 6500}')
    sim = Sim(text, answers=False, dwell_s=0.5)
    sim.engine.report('study', 'lamp', WARM, now_s=sim.now_s)
    sim.see('happy', 4)
    assert len(sim.actions) == 1
    for _ in range(5):
        # Asked for 154 mired, it goes to the 250 that it can.
        sim.engine.report('study', 'lamp', LightState(True, 0.6, color_temperature_k=4000),
                          now_s=sim.now_s)
        sim.see('happy', 3)
    assert not sim.status.on_hold and sim.room.targets['lamp'].confirmed
    # Somebody who then takes another white is seen.
    sim.engine.report('study', 'lamp', LightState(True, 0.6, color_temperature_k=2200),
                      now_s=sim.now_s)
    assert sim.status.on_hold


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('pause_s', [1.6, 4.9, 30.0])
def test_nor_is_one_that_fades_while_the_process_stands_still(family, pause_s):
    """It was stopped, or the machine was full: the reports of meanwhile come all at once."""
    home = Home(family, WARM, 'plain', 0.2, 0.0, transition_s=1.5, dwell_s=0.5, smoothing_s=0.2,
                nobody={'after_s': 60}, cooldown_s=1)
    while not home.actions:
        home.see('sad', 0.1)
    home.see('sad', 0.7)
    resumed_s = home.now_s + pause_s
    queued = []
    while home.now_s < resumed_s:
        home.now_s += 0.1
        queued += home.bulb.reports(home.now_s)
    for light in queued:
        home.say(light)
    home.see('sad', 6)
    assert not home.status.on_hold, home.status.hold_reason
    assert home.shines.on and len(home.actions) == 1

# SPDX-License-Identifier: Apache-2.0
"""The table of a device's states, walked; and the engine, which takes each of its arrows."""

from itertools import product
from pathlib import Path
import re

from fer_ros.cli.policy import main
from fer_ros.home.commands import RoomCommand
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.lifecycle import ACTIVE, after, ControlState, Event, TRANSITIONS
from fer_ros.home.light import LightState
from home_support import emotion, POLICY, Sim
import pytest

S, E = ControlState, Event
DOCS = (Path(__file__).parents[2] / 'docs' / 'home.md').read_text(encoding='utf-8')


def reachable(start):
    found, left = set(), [start]
    while left:
        for state in TRANSITIONS[left.pop()].values():
            if state not in found:
                found.add(state)
                left.append(state)
    return found


@pytest.mark.parametrize('state', S)
def test_every_state_leads_to_every_other(state):
    assert reachable(state) == set(S)


@pytest.mark.parametrize('state, event', list(product(S, E)))
def test_what_the_table_does_not_list_cannot_happen(state, event):
    if event in TRANSITIONS[state]:
        assert after(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(ValueError, match=f'{event.value} cannot happen to a device that is '
                                             f'{state.value}'):
            after(state, event)


def test_a_person_is_obeyed_in_every_state():
    assert all(after(state, E.CHANGED_MANUALLY) is S.OVERRIDDEN for state in S)
    # And nothing is in force any more.
    assert not {S.OVERRIDDEN, S.IDLE} & ACTIVE


def test_the_drawing_in_the_docs_is_the_one_that_the_command_prints(capsys):
    assert main(['states']) == 0
    printed = capsys.readouterr().out
    assert re.search(r'```mermaid\n(.*?)```', DOCS, re.S).group(1) == printed
    assert all(f'`{state.value}`' in DOCS for state in S)


# The engine: scripts that end in a state, and the states on the way.

MOVED = LightState(True, 0.9, (1.0, 0.0, 0.0))
BEFORE = LightState(True, 0.6, color_temperature_k=2700)


class Script:
    """A lamp that says what the script makes it say."""

    def __init__(self):
        self.sim = Sim(POLICY.replace('happy: {strategy: mirror}', "happy: {color: '#ff0000', "
                                      'brightness: 0.9}'),
                       answers=False, transition_s=1.0, cooldown_s=0.0, smoothing_s=0.0,
                       dwell_s=0.5,
                       hold={'settle_s': 1.0, 'for_s': 5}, nobody={'after_s': 1.0})
        self.target = self.sim.room.targets['lamp']
        self.say(BEFORE)
        self.states = [self.target.state]

    def note(self):
        if self.states[-1] is not self.target.state:
            self.states.append(self.target.state)

    def say(self, state):
        self.sim.engine.report('study', 'lamp', state, now_s=self.sim.now_s)

    def do(self, step):
        if isinstance(step, LightState):
            self.say(step)
        elif isinstance(step, RoomCommand):
            self.sim.command(step)
        elif step == 'failed':
            self.target.failed()
        elif isinstance(step, str):
            count = len(self.sim.actions)
            for _ in range(100):
                self.sim.step([] if step == 'nobody' else [emotion(step)])
                if len(self.sim.actions) > count:
                    break
        else:
            for _ in range(round(step * 10)):
                self.sim.step()
        self.note()


HALF = LightState(True, 0.75, (1.0, 0.5, 0.3))
OTHER = LightState(True, 0.2, (0.0, 1.0, 0.0))
OFF = LightState(False)
ASKED = [S.IDLE, S.COMMANDED]


@pytest.mark.parametrize('steps, states', [
    (['happy', MOVED], [*ASKED, S.CONFIRMED]),
    (['happy', HALF, MOVED, 3], [*ASKED, S.SETTLING, S.CONFIRMED]),
    # Echoed at once, and then on the way.
    (['happy', MOVED, HALF, MOVED], [*ASKED, S.CONFIRMED, S.SETTLING, S.CONFIRMED]),
    (['happy', MOVED, HALF], [*ASKED, S.CONFIRMED, S.SETTLING]),
    # Silent, or as it was: deaf either way; what comes late counts.
    (['happy', 3], [*ASKED, S.UNRESPONSIVE]),
    (['happy', BEFORE, 3, BEFORE], [*ASKED, S.UNRESPONSIVE]),
    (['happy', 3, MOVED], [*ASKED, S.UNRESPONSIVE, S.CONFIRMED]),
    (['happy', 3, OTHER], [*ASKED, S.UNRESPONSIVE, S.OVERRIDDEN]),
    # A person, at every stage.
    ([OTHER], [S.IDLE, S.OVERRIDDEN]),
    (['happy', OTHER], [*ASKED, S.OVERRIDDEN]),
    (['happy', HALF, 3], [*ASKED, S.SETTLING, S.OVERRIDDEN]),
    (['happy', MOVED, 3, OTHER], [*ASKED, S.CONFIRMED, S.OVERRIDDEN]),
    (['happy', MOVED, 3, OTHER, 6], [*ASKED, S.CONFIRMED, S.OVERRIDDEN, S.IDLE]),
    (['happy', MOVED, 3, OTHER, RoomCommand.RESUME], [
        *ASKED, S.CONFIRMED, S.OVERRIDDEN, S.IDLE]),
    (['happy', MOVED, 3, OFF, LightState(True)], [*ASKED, S.CONFIRMED, S.OVERRIDDEN, S.IDLE]),
    # Back to how it was.
    (['happy', MOVED, 'nobody', BEFORE, 3], [*ASKED, S.CONFIRMED, S.RESTORING, S.IDLE]),
    (['happy', MOVED, RoomCommand.REVERT, BEFORE, 3], [
        *ASKED, S.CONFIRMED, S.RESTORING, S.IDLE]),
    (['happy', MOVED, 'nobody', OTHER], [*ASKED, S.CONFIRMED, S.RESTORING, S.OVERRIDDEN]),
    (['happy', MOVED, 'nobody', HALF, 3], [*ASKED, S.CONFIRMED, S.RESTORING, S.OVERRIDDEN]),
    (['happy', MOVED, 'nobody', 'failed'], [*ASKED, S.CONFIRMED, S.RESTORING, S.COMMANDED]),
    # Not handed over, and carried out after all.
    (['happy', 'failed'], [*ASKED, S.IDLE]),
    (['happy', 'failed', MOVED], [*ASKED, S.IDLE, S.CONFIRMED]),
    (['happy', 'failed', MOVED, 3, BEFORE], [*ASKED, S.IDLE, S.CONFIRMED, S.OVERRIDDEN]),
    # A command lost before the newest request no longer explains a change: a person did it.
    (['happy', 'failed', 'angry', 'angry', MOVED], [
        *ASKED, S.IDLE, S.COMMANDED, S.OVERRIDDEN]),
    (['happy', MOVED, 'angry', 'failed', MOVED], [
        *ASKED, S.CONFIRMED, S.COMMANDED, S.CONFIRMED]),
])
def test_a_device_goes_from_state_to_state(steps, states):
    script = Script()
    for step in steps:
        script.do(step)
    assert script.states == states
    assert script.target.snapshot.state is states[-1]
    assert script.target.silent == (states[-1] is S.UNRESPONSIVE)
    if states[-1] in ACTIVE:
        assert script.target.confirmed == (states[-1] is S.CONFIRMED)


def test_going_back_on_is_interrupted_by_another_emotion():
    script = Script()
    for step in ('happy', MOVED, 'nobody', 'sad'):
        script.do(step)
    assert script.states[-2:] == [S.RESTORING, S.COMMANDED]
    # How it was before the first action is still known.
    script.do(RoomCommand.REVERT)
    assert script.sim.actions[-1].request.light == BEFORE


FURNISHED = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
    'happy: {strategy: mirror}', 'happy: {scene: party, blind: 0.5}', 1).replace(
    '      lamp: {type: terminal}', """\
      mood: {type: mqtt_scene, topic: z/group/set, scenes: {party: '{}'}}
      blind: {type: mqtt_blind, topic: z/blind}""")


def furnished(**room):
    sim = Sim(FURNISHED, **room)
    sim.engine.report('study', 'blind', BlindState(1.0), now_s=sim.now_s)
    assert len(sim.see('happy', 5)) == 2
    return sim


def test_a_scene_says_nothing_and_is_never_called_silent():
    sim = furnished()
    sim.see('happy', 60)
    assert sim.room.targets['mood'].state is S.COMMANDED
    assert not sim.room.targets['mood'].silent and sim.status.devices[0].reported is None


@pytest.mark.parametrize('position, state', [
    (None, S.UNRESPONSIVE), (0.5, S.CONFIRMED), (0.54, S.CONFIRMED), (0.8, S.SETTLING)])
def test_a_blind_has_its_time(position, state):
    sim = furnished()
    if position is not None:
        sim.engine.report('study', 'blind', BlindState(position), now_s=sim.now_s)
    sim.see('happy', 10)
    blind = sim.room.targets['blind']
    assert blind.state is state and blind.silent == (state is S.UNRESPONSIVE)


@pytest.mark.parametrize('position, moved', [(0.54, False), (0.56, True), (0.9, True)])
def test_a_blind_that_a_person_moved_is_left_where_it_is(position, moved):
    sim = furnished(hold={'for_s': 20}, nobody={'after_s': 2})
    sim.engine.report('study', 'blind', BlindState(0.5), now_s=sim.now_s)
    sim.see('happy', 10)
    sim.engine.report('study', 'blind', BlindState(position), now_s=sim.now_s)
    assert sim.status.on_hold == moved
    sim.see('happy', 1)
    sim.command(RoomCommand.RESUME)
    # Nobody is there any more: what a person chose is not undone, what we did is.
    restored = [action for action in sim.see([], 30) if action.target == 'blind']
    assert [action.request.position for action in restored] == [] if moved else [1.0]


def test_a_blind_that_stands_where_it_stood_was_not_moved():
    sim = furnished()
    for _ in range(2):
        sim.engine.report('study', 'blind', BlindState(0.8), now_s=sim.now_s)
        sim.see('happy', 10)
    assert not sim.status.on_hold and sim.room.targets['blind'].state is S.SETTLING

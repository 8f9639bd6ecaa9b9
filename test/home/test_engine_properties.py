# SPDX-License-Identifier: Apache-2.0
"""What the decisions promise, whatever comes in."""

from fer_ros.emotions.labels import LABELS
from home_support import emotion, POLICY, Sim
from hypothesis import example, given, settings
from hypothesis import strategies as st
import numpy as np

WORDS = st.sampled_from(['happy', 'sad', 'angry', 'neutral', 'uncertain', 'nobody', 'silence'])
#: What is seen, for how many tenths of a second, and with which confidence.
SCENES = st.lists(st.tuples(WORDS, st.integers(1, 80), st.floats(0.3, 0.99)), min_size=1,
                  max_size=25)
ROOMS = st.fixed_dictionaries({
    'smoothing_s': st.sampled_from([0.0, 0.3, 1.0]),
    'dwell_s': st.sampled_from([0.1, 0.5, 2.0]),
    'cooldown_s': st.sampled_from([0.0, 3.0]),
    'transition_s': st.sampled_from([0.0, 1.5]),
    'minimum_frames': st.integers(2, 4),
    'rate_limit': st.fixed_dictionaries({'actions': st.integers(1, 4),
                                         'per_s': st.sampled_from([10.0, 60.0])}),
    'nobody': st.fixed_dictionaries({'after_s': st.sampled_from([0.5, 3.0]),
                                     'action': st.sampled_from(['restore', 'off', 'keep'])}),
})
RARELY = settings(max_examples=20, deadline=None)


def play(sim, scenes, on_action=lambda action, seen: None):
    for label, tenths, sure in scenes:
        seen = None if label == 'silence' else [] if label == 'nobody' else [emotion(label, sure)]
        for _ in range(tenths):
            for action in sim.step(seen):
                on_action(action, seen)


@RARELY
@given(ROOMS, SCENES)
def test_never_more_than_the_rate_limit(room, scenes):
    sim = Sim(**room)
    play(sim, scenes)
    limit = room['rate_limit']
    stamps = [action.stamp_s for action in sim.actions]
    for first, last in zip(stamps, stamps[limit['actions']:]):
        assert last - first >= limit['per_s'] - 1e-3


class Leader:
    """Which label leads over time: a second, simpler implementation."""

    def __init__(self, room):
        self._room, self._belief, self._stamp_s = room, np.zeros(len(LABELS)), None
        self.run = []

    def see(self, stamp_s, faces):
        """Record a frame: the unbroken run of frames that one label has led."""
        room = self._room
        if self._stamp_s is not None and stamp_s - self._stamp_s > room.stale_after_s:
            self._belief, self._stamp_s, self.run = np.zeros(len(LABELS)), None, []
        step_s = 0.0 if self._stamp_s is None else stamp_s - self._stamp_s
        weight = 1 - np.exp(-step_s / room.smoothing_s) if room.smoothing_s else 1.0
        self._stamp_s = stamp_s
        seen = np.zeros(len(LABELS))
        if faces and faces[0].label != 'uncertain' \
                and faces[0].confidence >= room.minimum_confidence:
            seen = faces[0].filtered
        self._belief = self._belief + weight * (seen - self._belief)
        leader = LABELS[int(np.argmax(self._belief))] if self._belief.sum() > 1e-6 else None
        if self.run and self.run[-1][1] != leader:
            self.run = []
        self.run.append((stamp_s, leader))


@RARELY
@given(ROOMS, SCENES)
# Interrupted, and back for less than the dwell.
@example({'smoothing_s': 0.0, 'dwell_s': 2.0, 'cooldown_s': 0.0, 'transition_s': 0.0,
          'minimum_frames': 2}, [('happy', 15, 0.9), ('sad', 5, 0.9), ('happy', 25, 0.9)])
@example({'smoothing_s': 0.0, 'dwell_s': 0.1, 'cooldown_s': 0.0, 'transition_s': 0.0,
          'minimum_frames': 4}, [('happy', 3, 0.9), ('sad', 3, 0.9), ('happy', 6, 0.9)])
def test_an_action_only_on_a_feeling_that_has_lasted_its_dwell_in_fresh_frames(room, scenes):
    sim = Sim(**room)
    settings_ = sim.policy.rooms['study']
    leader = Leader(settings_)
    for label, tenths, sure in scenes:
        seen = None if label == 'silence' else [] if label == 'nobody' else [emotion(label, sure)]
        for _ in range(tenths):
            actions = sim.step(seen)
            if seen is not None:
                leader.see(sim.now_s - 0.05, seen)
            for action in actions:
                if action.emotion == 'nobody':
                    continue
                run = leader.run
                assert run and run[-1][1] == action.emotion
                assert sim.now_s - run[-1][0] <= settings_.stale_after_s + 1e-3
                assert len(run) >= settings_.minimum_frames
                assert run[-1][0] - run[0][0] >= settings_.dwell_s - 1e-3


@RARELY
@given(ROOMS, SCENES)
@example({'nobody': {'after_s': 0.5, 'action': 'keep'}, 'smoothing_s': 0.0, 'dwell_s': 0.1,
          'cooldown_s': 0.0}, [('angry', 2, 0.5), ('nobody', 6, 0.5), ('angry', 2, 0.5)])
def test_never_the_same_twice_in_a_row(room, scenes):
    # Restored, or off when people leave, is something else in between.
    sim = Sim(**room)
    play(sim, scenes)
    asked = [(action.request.light, action.command) for action in sim.actions]
    assert all(before != after for before, after in zip(asked, asked[1:]))


@RARELY
@given(st.floats(0.45, 0.55), st.floats(0.0, 0.08), st.integers(0, 2**32 - 1),
       st.sampled_from([0.0, 0.3]))
def test_no_oscillation_on_a_threshold(level, noise, seed, smoothing_s):
    import random
    generator = random.Random(seed)
    sim = Sim(enter_threshold=0.5, exit_threshold=0.4, minimum_confidence=0.0, cooldown_s=0.0,
              smoothing_s=smoothing_s, dwell_s=0.3)
    for _ in range(250):
        sim.step([emotion('happy', level + generator.uniform(-noise, noise))])
    assert len(sim.actions) <= 1


@RARELY
@given(ROOMS, SCENES, st.floats(0.02, 0.4), SCENES)
def test_after_a_manual_change_nothing_is_done_until_the_hold_ends(room, before, level, after):
    sim = Sim(**room, hold={'for_s': 10000})
    play(sim, before)
    sim.see('happy', 10)
    if not sim.lamps['lamp'].state(sim.now_s).on:
        return
    sim.set_manually(brightness=level)
    sim.see('happy', 4)
    if not sim.status.on_hold:
        # Too close to the previous state to be noticed.
        return
    done = len(sim.actions)
    play(sim, after)
    assert len(sim.actions) == done
    assert abs(sim.lamps['lamp'].state(sim.now_s).brightness - level) < 1e-6


#: Rules that leave something as it is.
PARTIAL = POLICY.replace('happy: {strategy: mirror}', "happy: {color: '#00ff00'}").replace(
    'sad: {strategy: mirror}', 'sad: {brightness: 0.3}').replace(
    'angry: {strategy: soothe}', 'angry: {color_temperature_k: 2200}')


@RARELY
@given(st.sampled_from([POLICY, PARTIAL]), ROOMS, SCENES)
def test_a_lamp_that_follows_is_never_taken_for_an_override(text, room, scenes):
    sim = Sim(text, **room)
    play(sim, scenes)
    assert not sim.status.on_hold


@RARELY
@given(ROOMS, SCENES)
def test_what_no_rule_asks_for_is_never_changed(room, scenes):
    sim = Sim(PARTIAL.replace("{color: '#00ff00'}", '{color_temperature_k: 5000}').replace(
        '{brightness: 0.3}', '{color_temperature_k: 3000}'), **{**room, 'nobody': {
            'action': 'restore'}})
    level = sim.lamps['lamp'].state(sim.now_s).brightness
    for label, tenths, sure in scenes:
        play(sim, [(label, tenths, sure)])
        assert abs(sim.lamps['lamp'].state(sim.now_s).brightness - level) < 1e-6


@RARELY
@given(ROOMS, SCENES, st.sampled_from([0.1, 0.04]))
def test_stale_data_change_nothing(room, scenes, step_s):
    sim = Sim(**room)
    play(sim, scenes)
    sim.see(None, sim.policy.rooms['study'].stale_after_s + 0.2, step_s)
    assert not sim.see(None, 30, step_s * 5)

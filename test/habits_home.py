# SPDX-License-Identifier: Apache-2.0
"""A real home on a simulated clock, whose evenings pass quickly."""

from fer_ros.habits.views import HabitAnswer
from fer_ros.home.controller import HomeController
from fer_ros.home.light import LightState
from habits_support import DAY_S, MONDAY_S
from home_support import emotion

POLICY = """
version: 1
time_zone: UTC
habits: {{folder: '{folder}'}}
policies:
  bright:
    by_emotion:
      sad: {{brightness: 0.8}}
      happy: {{brightness: 1.0}}
rooms:
  study:
    policy: bright
    habits: {mode}
    targets:
      lamp: {{type: terminal}}
      floor: {{type: terminal}}
    smoothing_s: 0.1
    dwell_s: 1.0
    cooldown_s: 1.0
    transition_s: 0.0
    stale_after_s: 6.0
    nobody: {{after_s: 3, action: keep}}
    hold: {{for_s: 60, settle_s: 0.5}}
"""


class Evenings:
    """A home in which somebody is sad in the evening."""

    def __init__(self, folder, mode='apply', policy=POLICY):
        self.folder = folder / 'habits'
        self.policy_file = folder / 'home.yaml'
        self.rules_file = folder / 'home.habits.yaml'
        self.policy_file.write_text(policy.format(folder=self.folder, mode=mode))
        self.now_s, self.day, self.actions = MONDAY_S, 0, []
        self.start()

    def start(self):
        """Start the home, as after a restart."""
        self.home = HomeController(self.policy_file, on_action=self.actions.append,
                                   clock=lambda: self.now_s)

    def pass_(self, seconds, label=None, step_s=0.5):
        """Pass time in which somebody is seen."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += step_s
            self.home.observe('emotions', [emotion(label)] if label else [], self.now_s - 0.01,
                              now_s=self.now_s)
            self.home.tick(self.now_s)

    def evening(self, level=0.3, label='sad', hour=19.5):
        """Pass an evening; a person sets the lamp to the level, or leaves it (None)."""
        self.now_s = MONDAY_S + self.day * DAY_S + hour * 3600
        self.day += 1
        self.pass_(8, label)
        level_before = self.lamp.brightness
        if level is not None:
            self.set_manually(level)
            self.pass_(4, label)
            self.pass_(62, label, 1.0)
        else:
            self.pass_(24, label, 1.0)
        self.pass_(8)
        # What is changed at equal distances is taken for an automation.
        self.pass_(90 * (self.day % 2), None, 1.0)
        return level_before

    def set_manually(self, level):
        """Set the lamp as a person does."""
        self.home.change_manually('study', 'lamp', LightState(True, level), self.now_s)

    def answer(self, answer=HabitAnswer.YES, habit=''):
        """Answer what the room suggests."""
        return self.home.answer_suggestion('study', answer, self.now_s, habit)

    @property
    def lamp(self):
        """How the lamp shines."""
        return self.home.snapshot('study').devices[0].reported

    @property
    def habits(self):
        """What the room has learned."""
        return self.home.snapshot('study').habits

    @property
    def statuses(self):
        """The status of each habit."""
        return [one.status for one in self.habits.habits]


def suggested(home):
    """Let evenings pass until the room suggests something; return after how many overrides."""
    for count in range(1, 11):
        home.evening()
        if home.habits.suggestion:
            return count
    raise AssertionError('nothing was suggested')

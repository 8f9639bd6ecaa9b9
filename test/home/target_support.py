# SPDX-License-Identifier: Apache-2.0
"""A device of a room by itself, to the second."""

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.light import LightRequest
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import LightState
from home_support import POLICY, study_of

OFF = LightState(False)
CHANGED, ADJUSTED, LIT = (Event.CHANGED_MANUALLY, Event.ADJUSTED, Event.TURNED_ON_MANUALLY)
FREE, CLOCK, BACK = Cause.UNKNOWN, Cause.AUTOMATION, Cause.RECOVERED
BROKER = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
    '{type: terminal}', '{type: mqtt_light, topic: a}')


def white(level, kelvin=2700):
    """Return a light that is on."""
    return LightState(True, level, None, kelvin)


class Lamp:
    """A lamp that is told and asked at given seconds; an attempt lasts 1 + 2 s."""

    def __init__(self, text=POLICY, **room):
        settings = study_of(text, **{'hold': {'settle_s': 2, 'for_s': 100}, **room})
        self.clock = RoomClock(0.0, 1000.0)
        self.target = Target('lamp', settings.targets['lamp'], settings, self.clock)

    def at(self, now_s):
        """Let it be a time; return what the time alone has told."""
        self.clock.s, self.clock.now_s = now_s, 1000.0 + now_s
        return self.target.check_time().event

    def say(self, now_s, state, cause=FREE):
        """Report; return what it was taken for."""
        self.at(now_s)
        return self.target.report(state, cause).event

    def ask(self, now_s, light, event=Event.SET, *, fade_s=1.0, resting=False):
        """Ask for a light as the engine does."""
        self.at(now_s)
        if event is Event.SET and not resting:
            self.target.remember()
        return self.target.ask(event, LightRequest(light), fade_s, resting=resting)

    @property
    def refusal(self):
        """Why it cannot be asked now."""
        return self.target.refusal(LightRequest(white(0.5)))

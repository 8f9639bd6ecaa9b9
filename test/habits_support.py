# SPDX-License-Identifier: Apache-2.0
"""What the tests of habits share: evenings in a simulated home, as events."""

from fer_ros.habits.events import Actor, EventKind, HomeEvent
from fer_ros.home.light import LightState

DAY_S = 86_400.0
#: Monday, 2026-01-05 00:00 UTC.
MONDAY_S = 1_767_571_200.0
POLICY_LIGHT = LightState(True, 0.7, (0.2, 0.2, 1.0))
WANTED = LightState(True, 0.3, (0.2, 0.2, 1.0))


def event(time_s, kind, room='study', **more):
    """Return an event in the study, in UTC."""
    return HomeEvent(time_s=time_s, room=room, kind=EventKind(kind), **more)


def evening(day, chosen=WANTED, *, hour=19.5, emotion='sad', set_to=POLICY_LIGHT, habit='',
            lasts_s=1800.0):
    """Return the events of an emotion: a rule sets the lamp, and a person may set it otherwise."""
    begin_s = MONDAY_S + day * DAY_S + hour * 3600
    events = [event(begin_s, 'emotion', value=emotion, emotion=emotion)]
    if set_to is not None:
        events.append(event(begin_s + 5, 'action', actor=Actor.HABIT if habit else Actor.RULE,
                            target='lamp', light=set_to, emotion=emotion, habit=habit))
    if chosen is not None:
        events.append(event(begin_s + 60, 'action', actor=Actor.PERSON, target='lamp',
                            light=chosen, emotion=emotion))
    return [*events, event(begin_s + lasts_s, 'emotion_end', value=emotion, lasted_s=lasts_s)]

# SPDX-License-Identifier: Apache-2.0
"""What the demo shows on a terminal and elsewhere."""

from collections import defaultdict
import io
import re

import pytest

pytest.importorskip('rich', reason='rich, which draws the screen, is not installed')
from fer_ros.cli.demo_display import Lines, LiveScreen, View  # noqa: E402
from fer_ros.home.action import AmbientAction, Command  # noqa: E402
from fer_ros.home.kinds.light import LightRequest  # noqa: E402
from fer_ros.home.light import LightState  # noqa: E402
from home_support import emotion  # noqa: E402
from rich.console import Console  # noqa: E402


def action(light, reason='happy [for] 2 s'):
    return AmbientAction(
        stamp_s=0.0, room='study', target='lamp', command=Command.SET,
        request=LightRequest(light), transition_s=1.0, emotion='happy', confidence=0.9,
        reason=reason)


def drawn(display, view, *, terminal, event=''):
    file = io.StringIO()
    with display(Console(file=file, force_terminal=terminal, width=80, height=60)) as screen:
        if event:
            screen.event(event)
        screen.show(view)
    return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', file.getvalue())


@pytest.mark.parametrize('fields, words', [
    ({}, ['nobody in view', 'lamp unchanged']),
    ({'emotions': [emotion('happy', 0.9, track_id=7)], 'rate_hz': 29.5, 'latency_ms': 8.25},
     ['#7 happy 90%', '90%', 'disgust', '29.5 Hz', 'stamp to emotion 8.2 ms']),
    ({'emotions': [emotion('uncertain', track_id=i) for i in range(6)]}, ['#3', 'and 2 more']),
    ({'action': action(LightState(True, 0.7, (1.0, 0.7, 0.1))), 'actions': 3},
     ['home: on, 70%', 'study/lamp', 'happy [for] 2 s', 'actions 3']),
    # The reported state takes precedence over the requested one.
    ({'action': action(LightState(True, 0.7)), 'lamp': LightState(False)}, ['home: off']),
    ({'lamp': LightState(True, None), 'hold': 'lamp was changed manually'},
     ['home: on, 100%', 'left alone: lamp was changed manually'])])
def test_the_screen_shows_faces_rates_and_the_lamp(fields, words):
    text = drawn(LiveScreen, View('clip.mp4', **fields), terminal=True, event='[bold] told')
    assert all(word in text for word in ['clip.mp4', '[bold] told', *words]), text


def test_elsewhere_each_event_is_a_line_and_nothing_is_drawn():
    view = View('clip.mp4', emotions=[emotion('sad', 0.8, track_id=2)], frames=9, rate_hz=30.0,
                latency_ms=7.0)
    text = drawn(Lines, view, terminal=False, event='a line ' * 30)
    assert text.splitlines() == ['a line ' * 30, '9 frames, 30.0 Hz, 7.0 ms: #2 sad 80%']


@pytest.mark.parametrize('received, replaced, skipped, lost', [
    (100, 0, 0, {}), (100, 10, 0, {'dropped by the detector, a newer image came': 10}),
    # Nine of them by the middleware, before they were received.
    (91, 10, 0, {'dropped by the detector, a newer image came': 10}),
    (91, 10, 5, {'dropped by the detector, a newer image came': 10,
                 'skipped by the detector, which was late': 5}),
    (80, 10, 0, {'lost between camera and detector': 20,
                 'dropped by the detector, a newer image came': 10})])
def test_a_frame_that_was_lost_is_counted_once(received, replaced, skipped, lost):
    pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
    from fer_ros.cli.demo_summary import lost_frames
    read = 100 - sum(lost.values())
    figures = defaultdict(int, {
        ('camera_driver', 'images published'): 100,
        ('face_detector', 'images received'): received,
        ('face_detector', 'images dropped (newer came)'): replaced,
        ('face_detector', 'frames skipped (load)'): skipped,
        ('face_detector', 'images processed'): read,
        ('emotion_classifier', 'face arrays received'): read,
        ('emotion_classifier', 'face arrays processed'): read})
    found = lost_frames(lambda *names: figures[names], read)
    assert {name: count for name, count in found.items() if count} == lost


def test_the_rates_come_every_two_seconds_at_most():
    file = io.StringIO()
    lines = Lines(Console(file=file, force_terminal=False))
    for _ in range(5):
        lines.show(View('clip.mp4'))
    assert file.getvalue().count('nobody in view') == 1

# SPDX-License-Identifier: Apache-2.0
"""The demo's output: a live screen on a terminal, lines elsewhere."""

from dataclasses import dataclass, field
import time

from fer_ros.emotions.colors import EMOTION_COLORS
from fer_ros.emotions.labels import LABELS
from fer_ros.home.action import AmbientAction
from fer_ros.home.light import LightState
from fer_ros.types import FaceEmotion
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_BAR_CELLS = 24


@dataclass
class View:
    """The data that the demo displays."""

    source: str
    emotions: list[FaceEmotion] = field(default_factory=list)
    action: AmbientAction | None = None
    lamp: LightState | None = None
    hold: str = ''
    actions: int = 0
    frames: int = 0
    rate_hz: float = 0.0
    latency_ms: float = 0.0


class LiveScreen:
    """Live display of faces, rates and the lamp."""

    def __init__(self, console: Console):
        self._live = Live(console=console, refresh_per_second=10, transient=False)

    def __enter__(self):
        self._live.start()
        return self

    def __exit__(self, *_):
        self._live.stop()

    def show(self, view: View) -> None:
        """Draw the view, at most ten times per second."""
        self._live.update(render(view))

    def event(self, text: str) -> None:
        """Print a line above the screen."""
        self._live.console.print(text, markup=False)


class Lines:
    """Line output: one line per change, and the rates every two seconds."""

    def __init__(self, console: Console):
        self._console = console
        self._next_s = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, view: View) -> None:
        """Print the rates, at most every two seconds."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + 2.0
        faces = ', '.join(f'#{e.track_id} {e.label} {e.confidence:.0%}' for e in view.emotions)
        self.event(f'{view.frames} frames, {view.rate_hz:.1f} Hz, {view.latency_ms:.1f} ms: '
                   f'{faces or "nobody in view"}')

    def event(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def render(view: View) -> Group:
    """Return the screen as a rich renderable."""
    faces = [face_panel(emotion) for emotion in view.emotions[:4]]
    if not faces:
        faces = [Panel('nobody in view', width=50, style='grey50')]
    if len(view.emotions) > 4:
        faces.append(Text(f'and {len(view.emotions) - 4} more'))
    status = (f'{view.source}   frames {view.frames}   {view.rate_hz:.1f} Hz   '
              f'stamp to emotion {view.latency_ms:.1f} ms   actions {view.actions}')
    return Group(Text(status), *faces, lamp_panel(view))


def face_panel(emotion: FaceEmotion) -> Panel:
    """Return a panel of one face: filtered emotions as bars, the single frame's as marks."""
    table = Table.grid(padding=(0, 1))
    for label, now, filtered in zip(LABELS, emotion.probabilities, emotion.filtered):
        cells = round(float(filtered) * _BAR_CELLS)
        bar = list('█' * cells + '·' * (_BAR_CELLS - cells))
        bar[min(_BAR_CELLS - 1, int(float(now) * _BAR_CELLS))] = '|'
        table.add_row(f'{label:>8}', Text(''.join(bar), style=EMOTION_COLORS[label].on_dark),
                      f'{float(filtered):4.0%}')
    title = (f'#{emotion.track_id} {emotion.label} {emotion.confidence:.0%} for '
             f'{emotion.duration_s:.1f} s')
    return Panel(table, title=title, width=50,
                 border_style=EMOTION_COLORS[emotion.label].on_dark)


def lamp_panel(view: View) -> Panel:
    """Return a panel of the lamp: its reported state and the reason for it."""
    action, lamp = view.action, view.lamp
    if lamp is None and action is not None and action.request.kind == 'light':
        lamp = action.request.expected
    if view.hold:
        text = f'left alone: {view.hold}'
    elif action is None:
        text = 'lamp unchanged: no commands yet'
    else:
        text = f'{action.room}/{action.target}\n{action.reason}'
    if lamp is None or not lamp.on:
        return Panel(Text(text), title='home' if lamp is None else 'home: off', width=50)
    level = 1.0 if lamp.brightness is None else lamp.brightness
    red, green, blue = (round(255 * channel * (0.25 + 0.75 * level))
                        for channel in lamp.rgb or (1.0, 1.0, 1.0))
    ink = 'black' if 0.3 * red + 0.6 * green + 0.1 * blue > 110 else 'white'
    return Panel(Text(text), title=f'home: on, {level:.0%}', width=50,
                 style=f'{ink} on rgb({red},{green},{blue})')

# SPDX-License-Identifier: Apache-2.0
"""A simulation drawn as an SVG picture: what was seen above, what the devices did below."""

from collections.abc import Iterable
from html import escape

from fer_ros.emotions.colors import EMOTION_COLORS
from fer_ros.home.action import AmbientAction
from fer_ros.home.controller import HomeController
from fer_ros.home.decisions.surroundings import Surroundings
from fer_ros.home.kinds.base import State
from fer_ros.home.light import LightState
from fer_ros.home.policy import Policy
from fer_ros.home.recording import ManualChange, Seen
from fer_ros.home.simulation import simulate

_WIDTH, _LEFT, _RIGHT = 760, 150, 12
_TOP, _LANE, _HEIGHT, _BREAK = 40, 44, 32, 26
#: Nothing recorded for longer is a break in the axis, seconds.
_GAP_S = 70.0
#: Devices are looked at so often, seconds.
_SAMPLE_S = 0.5
#: A device without a color is drawn in this one.
_INK = '#3d6a8a'


class _Axis:
    """Places of times; long breaks are cut out."""

    def __init__(self, times: Iterable[float]):
        self._parts: list[list[float]] = []
        for time_s in times:
            if not self._parts or time_s - self._parts[-1][1] > _GAP_S:
                self._parts.append([time_s, time_s])
            self._parts[-1][1] = max(time_s, self._parts[-1][1])
        breaks = _BREAK * (len(self._parts) - 1)
        length = sum(end - start for start, end in self._parts) or 1.0
        self._scale = (_WIDTH - _LEFT - _RIGHT - breaks) / length

    def x(self, time_s: float) -> float:
        """Return the place of a time."""
        x = float(_LEFT)
        for start, end in self._parts:
            if time_s <= end:
                return x + max(0.0, time_s - start) * self._scale
            x += (end - start) * self._scale + _BREAK
        return x - _BREAK

    def together(self, a_s: float, b_s: float) -> bool:
        """Return whether both times are drawn, and no break lies between them."""
        return any(start <= a_s and b_s <= end for start, end in self._parts)

    @property
    def marks(self) -> list[tuple[float, float]]:
        """Times to write below, with the room that each has."""
        found = []
        for start, end in self._parts:
            width = (end - start) * self._scale
            count = max(1, int(width // 110))
            found += [(start + (end - start) * k / count, width / count) for k in range(count)]
        return found


def draw(policy: Policy, recording: Iterable[Seen | ManualChange], title: str, *,
         after_s: float = 60.0) -> str:
    """Return the picture of what a policy would have done about a recording.

    :param after_s: how long to continue after the end with nobody in view.
    """
    entries = list(recording)
    reports: dict[str, list[tuple[float, State | None]]] = {}
    times: list[float] = []

    def watch(now_s: float, home: HomeController) -> None:
        if times and now_s - times[-1] < _SAMPLE_S:
            return
        times.append(now_s)
        for room in home.snapshots:
            for device in room.devices:
                reports.setdefault(f'{room.room}/{device.target}', []).append(
                    (now_s, device.reported))

    done = [(now_s, what) for now_s, what in simulate(
        policy, entries, after_s=after_s, watch=watch) if isinstance(what, AmbientAction)]
    last_s = entries[-1].stamp_s if entries else 0.0
    axis = _Axis([*(one.stamp_s for one in entries), *(at_s for at_s in times if at_s > last_s)])
    local = Surroundings(policy).local
    alone = len(policy.rooms) == 1
    lanes = [(source, _people(entries, source, axis)) for source in policy.sources]
    for key, states in reports.items():
        states = [(at_s, state) for at_s, state in states if axis.together(at_s, at_s)]
        acted = [(at_s, one) for at_s, one in done if f'{one.room}/{one.target}' == key]
        hands = [one.stamp_s for one in entries if isinstance(one, ManualChange)
                 and f'{one.room}/{one.target}' == key]
        lanes.append((key.partition('/')[2] if alone else key,
                      _device(states, acted, hands, axis)))
    height = _TOP + _LANE * len(lanes) + 26
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
           f'viewBox="0 0 {_WIDTH} {height}" role="img" font-family="sans-serif" '
           f'font-size="12"><title>{escape(title)}</title>'
           f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
           f'<text x="10" y="20" font-size="14">{escape(title)}</text>']
    for number, (name, parts) in enumerate(lanes):
        out.append(f'<g transform="translate(0 {_TOP + _LANE * number})">'
                   f'<text x="10" y="{_HEIGHT / 2 + 4:.0f}">{escape(name)}</text>'
                   f'<path d="M{_LEFT} {_HEIGHT}H{_WIDTH - _RIGHT}" stroke="#d4d4d4"/>'
                   f'{"".join(parts)}</g>')
    for at_s, _ in axis.marks:
        out.append(f'<text x="{axis.x(at_s):.1f}" y="{height - 10}" fill="#555">'
                   f'{local(at_s):%H:%M:%S}</text>')
    return '\n'.join([*out, '</svg>\n'])


def _spans(values: Iterable[tuple[float, object]], axis: _Axis) \
        -> list[tuple[float, float, object]]:
    """Return the spans in which a value was the same."""
    spans: list[list] = []
    for at_s, value in values:
        if spans and axis.together(spans[-1][1], at_s):
            spans[-1][1] = at_s
            if spans[-1][2] == value:
                continue
        spans.append([at_s, at_s, value])
    return [tuple(span) for span in spans]


def _people(entries: list, source: str, axis: _Axis) -> list[str]:
    """Draw what one camera saw."""
    seen = [(one.stamp_s, (one.faces[0].label, len(one.faces)) if one.faces else None)
            for one in entries if isinstance(one, Seen) and one.source == source]
    out = []
    for start, end, value in _spans(seen, axis):
        if value is None:
            continue
        label, count = value
        x, width = axis.x(start), axis.x(end) - axis.x(start)
        words = label if count == 1 else f'{count} × {label}'
        shown = words if width > 7 * len(words) else ''
        out.append(f'<rect x="{x:.1f}" y="6" width="{width:.1f}" height="{_HEIGHT - 10}" rx="3" '
                   f'fill="{EMOTION_COLORS[label].on_light}"><title>{words}</title></rect>')
        if shown:
            out.append(f'<text x="{x + 5:.1f}" y="{_HEIGHT / 2 + 5:.0f}" fill="#fff">{shown}'
                       '</text>')
    return out


def _device(states: list, acted: list, hands: list[float], axis: _Axis) -> list[str]:
    """Draw what one device did, and where a person changed it."""
    out = []
    for start, end, look in _spans([(at_s, _look(state)) for at_s, state in states], axis):
        if look is None or not look[0]:
            continue
        level, color = look
        height = max(1.5, (_HEIGHT - 2) * level)
        out.append(f'<rect x="{axis.x(start):.1f}" y="{_HEIGHT - height:.1f}" '
                   f'width="{max(0.5, axis.x(end) - axis.x(start)):.1f}" height="{height:.1f}" '
                   f'fill="{color}"/>')
    for at_s, action in acted:
        x, words = axis.x(at_s), escape(action.describe())
        silent = all(state is None for _, state in states)
        if silent:
            out.append(_sign(x, '✉' if action.request.kind == 'message' else '✦', words))
        else:
            out.append(f'<path d="M{x:.1f} 0V{_HEIGHT}" stroke="#222" stroke-dasharray="2 2">'
                       f'<title>{words}</title></path>')
    return out + [_sign(axis.x(at_s), '☝', 'changed manually') for at_s in hands]


def _sign(x: float, sign: str, words: str) -> str:
    return (f'<text x="{x:.1f}" y="{_HEIGHT - 8}" font-size="18">{sign}<title>{words}</title>'
            '</text>')


def _look(state: State | None) -> tuple[float, str] | None:
    """Return how high and in which color a state is drawn."""
    if state is None:
        return None
    if not isinstance(state, LightState):
        return round(float(next(iter(vars(state).values()))), 2), _INK
    if not state.on:
        return 0.0, _INK
    level = 1.0 if state.brightness is None else state.brightness
    return round(level, 2), '#' + ''.join(
        f'{round(255 * channel):02x}' for channel in state.rgb or (1.0, 0.93, 0.8))

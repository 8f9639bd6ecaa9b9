# SPDX-License-Identifier: Apache-2.0
"""The present state of the dashboard, written by the node and read by the web server."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
import math
import threading
import time

from fer_ros.dashboard.history import History
from fer_ros.dashboard.plain import whole
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import cut
from fer_ros.habits.views import RoomHabits
from fer_ros.home.action import AmbientAction
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.light import LightState
from fer_ros.home.snapshot import ChangeDetector, DeviceSnapshot, LastAction, RoomSnapshot
from fer_ros.statistics import LatencyWindow, RateMeter
from fer_ros.types import FaceEmotion, PersonAttention

#: Version of ``/api/state``; incremented when a value changes its meaning.
VERSION = 2
ACTIONS_KEPT = 50
#: Maximum number of nodes; more are forgotten, since names come from other nodes.
_NODES_KEPT = 256
LEVELS = ('ok', 'warn', 'error', 'stale')
#: Maximum time between a picture and the image of the faces drawn on it, seconds.
_SAME_MOMENT_S = 0.5
#: Attention is forgotten if it is not updated for this long, seconds.
_ATTENTION_S = 1.5
#: A node not heard for this long is forgotten, seconds.
_FORGOTTEN_S = 3600.0
#: Maximum number of values of a node, and characters of its message.
_MAXIMUM_VALUES, _MAXIMUM_MESSAGE = 100, 2000


class _Camera:
    def __init__(self, name: str):
        self.name = name
        self.people: list[FaceEmotion] = []
        # Recent results: the stamp, and the boxes by person as fractions of the image.
        self.boxes: deque[tuple[float, list[list[float]]]] = deque(maxlen=60)
        self.attention: dict[int, PersonAttention] = {}
        self.seen_s = self.attended_s = float('-inf')
        self.size = (0, 0)
        self.model = self.label_set = ''
        self.rate, self.latency = RateMeter(), LatencyWindow(size=100)
        self.picture = {'status': 'absent', 'reason': 'no data received yet'}
        self.reason = ''


class DashboardState:
    """Holds the displayed state as plain values; thread-safe.

    :param cameras: the cameras' names.
    :param history_h: how long people's emotions are kept, hours.
    :param gone_after_s: a node or camera not seen for this long counts as gone, seconds.
    :param clock: a monotonic clock, seconds.
    """

    def __init__(self, cameras: Sequence[str], *, history_h: float = 4.0,
                 gone_after_s: float = 1.8, clock: Callable[[], float] = time.monotonic):
        self._cameras = {name: _Camera(name) for name in cameras}
        self._order = {name: i for i, name in enumerate(cameras)}
        self._gone_after_s, self._clock = gone_after_s, clock
        self.history = History(tuple(cameras), history_h)
        self._rooms: list[dict] = []
        self._changes = ChangeDetector(figures_s=0.0)
        self._actions: deque[dict] = deque(maxlen=ACTIONS_KEPT)
        self._bridge = ('absent', 'no data from the smart-home bridge yet')
        self._nodes: dict[str, dict] = {}
        self._lock = threading.RLock()
        # Version counters of the parts, for subscribers to changes.
        self._versions = {'people': 0, 'home': 0, 'health': 0}
        self._health_shown: tuple = ()

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras' names."""
        return tuple(self._cameras)

    # Input.

    def see(self, camera: str, emotions: Iterable[FaceEmotion], *, now_s: float,
            stamp_s: float = 0.0, size: tuple[int, int] = (0, 0), model: str = '',
            label_set: str = '') -> None:
        """Update the people that a camera sees.

        :param now_s: the node's time, and ``stamp_s`` that of the image, seconds.
        """
        with self._lock:
            entry = self._cameras[camera]
            entry.people = sorted(emotions, key=lambda emotion: emotion.track_id)
            entry.boxes.append((stamp_s, _boxes(entry.people, size)))
            entry.seen_s = self._clock()
            entry.size, entry.model, entry.label_set = size, model, label_set
            entry.rate.tick(entry.seen_s)
            entry.latency.add((now_s - stamp_s) * 1e3)
            attention = self._attention(entry)
            for emotion in entry.people:
                looks = attention.get(emotion.track_id)
                self.history.add(self._order[camera], emotion, now_s, looks.state if looks else '')
            self._versions['people'] += 1

    def attend(self, camera: str, people: Iterable[PersonAttention]) -> None:
        """Record where the people that a camera sees look."""
        with self._lock:
            entry = self._cameras[camera]
            entry.attention = {person.track_id: person for person in people}
            entry.attended_s = self._clock()
            self._versions['people'] += 1

    def picture(self, camera: str, status: str, reason: str = '') -> None:
        """Record whether a camera has a picture and why not.

        :param status: 'live', 'absent', 'off', or 'ended' (a file or folder has ended).
        """
        with self._lock:
            entry = self._cameras[camera]
            if entry.picture != {'status': status, 'reason': reason}:
                entry.picture = {'status': status, 'reason': reason}
                self._versions['people'] += 1

    def silence(self, camera: str, reason: str) -> None:
        """Record why a camera delivers no emotions; empty if it does, or if unknown."""
        with self._lock:
            entry = self._cameras[camera]
            if entry.reason != reason:
                entry.reason = reason
                self._versions['people'] += 1

    def act(self, action: AmbientAction) -> None:
        """Record an action of the bridge."""
        with self._lock:
            self._actions.appendleft({
                'time_s': round(action.stamp_s, 3), 'room': action.room, 'target': action.target,
                'command': action.command.name.lower(), 'request': _request(action.request),
                'transition_s': _number(action.transition_s), 'emotion': action.emotion,
                'confidence': _number(action.confidence),
                'reason': action.reason, 'outcome': action.outcome.name.lower(),
                'detail': action.detail})
            self._versions['home'] += 1

    def rooms(self, rooms: Sequence[RoomSnapshot]) -> None:
        """Record the state of all rooms and their devices."""
        with self._lock:
            if self._changes.due(rooms, self._clock()):
                self._changes.mark_published(rooms, self._clock())
                self._rooms = [_room(room) for room in rooms]
                self._versions['home'] += 1

    def bridge(self, status: str, reason: str = '') -> None:
        """Record whether the bridge is available ('active' or 'absent') and why not."""
        with self._lock:
            if self._bridge != (status, reason):
                self._bridge = status, reason
                self._versions['home'] += 1

    def diagnose(self, name: str, level: int, message: str, values: dict[str, str]) -> None:
        """Record a node's status on /diagnostics; long texts are cut."""
        with self._lock:
            now_s = self._clock()
            self._nodes[cut(name)] = {
                'level': LEVELS[min(max(level, 0), 3)], 'message': message[:_MAXIMUM_MESSAGE],
                'values': {cut(key): cut(value) for key, value in islice(
                    values.items(), _MAXIMUM_VALUES)},
                'seen_s': now_s, 'left': False}
            self._nodes = {one: node for one, node in self._nodes.items()
                           if now_s - node['seen_s'] < _FORGOTTEN_S}
            while len(self._nodes) > _NODES_KEPT:
                del self._nodes[min(self._nodes, key=lambda one: self._nodes[one]['seen_s'])]
            self._versions['health'] += 1

    def present(self, names: set[str]) -> None:
        """Record which nodes are in the graph: one that left counts as gone at once."""
        with self._lock:
            for name, node in self._nodes.items():
                if name not in names and not node['left']:
                    node['left'] = True
                    self._versions['health'] += 1

    # Output.

    def versions(self) -> dict[str, int]:
        """Return a version number for each part, which changes whenever the part does."""
        with self._lock:
            # Nodes become gone by time alone.
            shown = tuple((name, self._gone(node)) for name, node in self._nodes.items())
            shown += tuple(self._silent(entry) for entry in self._cameras.values())
            if shown != self._health_shown:
                self._health_shown = shown
                for part in self._versions:
                    self._versions[part] += 1
            return dict(self._versions)

    def gone(self, name: str) -> str:
        """Return why a node counts as gone, or an empty string if it does not."""
        with self._lock:
            node = self._nodes.get(name)
            if node is None or not self._gone(node):
                return ''
            why = 'it has left the ROS graph' if node['left'] else (
                f'it has not been seen for {self._clock() - node["seen_s"]:.0f} s')
            return f'{name} is gone: {why}. Start it again, or see its log.'

    def ended(self, name: str) -> str:
        """Return the camera driver's message that its clip has ended, or an empty string."""
        with self._lock:
            node = self._nodes.get(name)
            over = node is not None and not self._gone(node) and node['level'] == 'ok' \
                and node['values'].get('source state') == 'ended'
            return node['message'] if over else ''

    def complaint(self, name: str) -> str:
        """Return a node's own message about its problem, or an empty string."""
        with self._lock:
            node = self._nodes.get(name)
            return '' if node is None or node['level'] == 'ok' else f'{name}: {node["message"]}'

    def reason(self, camera: str) -> str:
        """Return why a camera has no picture, or that it is waiting for the next one."""
        with self._lock:
            return self._cameras[camera].picture['reason'] or 'waiting for the next picture'

    def faces(self, camera: str, stamp_s: float) -> list[list[float]]:
        """Return the faces in a picture: the id, and x, y, width and height of each box.

        They come from the image with the nearest stamp.

        :param stamp_s: the picture's stamp, seconds.
        :returns: boxes as fractions of the picture's width and height.
        """
        with self._lock:
            near = min(self._cameras[camera].boxes, default=(math.inf, []),
                       key=lambda seen: abs(seen[0] - stamp_s))
        return near[1] if abs(near[0] - stamp_s) <= _SAME_MOMENT_S else []

    def people_part(self) -> list[dict]:
        """Return the cameras with the people they see."""
        with self._lock:
            return [self._camera(entry) for entry in self._cameras.values()]

    def home_part(self) -> dict:
        """Return the rooms with their lamps, and the last actions."""
        with self._lock:
            return {'status': self._bridge[0], 'reason': self._bridge[1],
                    'rooms': list(self._rooms), 'actions': list(self._actions)}

    def health_part(self) -> list[dict]:
        """Return the status of each node, and whether it is gone."""
        with self._lock:
            return [{
                'name': name, 'level': 'gone' if self._gone(node) else node['level'],
                'message': self.gone(name) or node['message'],
                'age_s': round(self._clock() - node['seen_s'], 1), 'values': node['values'],
            } for name, node in sorted(self._nodes.items())]

    def snapshot(self, now_s: float) -> dict:
        """Return the complete state, as in ``/api/state``.

        :param now_s: the node's time, seconds.
        """
        with self._lock:
            return {'version': VERSION, 'time_s': round(now_s, 3),
                    'cameras': self.people_part(), 'home': self.home_part(),
                    'nodes': self.health_part()}

    def _gone(self, node: dict) -> bool:
        return node['left'] or self._clock() - node['seen_s'] > self._gone_after_s

    def _silent(self, entry: _Camera) -> bool:
        return self._clock() - entry.seen_s > self._gone_after_s

    def _attention(self, entry: _Camera) -> dict[int, PersonAttention]:
        fresh = self._clock() - entry.attended_s <= _ATTENTION_S
        return entry.attention if fresh else {}

    def _camera(self, entry: _Camera) -> dict:
        silent, attention = self._silent(entry), self._attention(entry)
        latency = entry.latency.median_ms
        return {
            'name': entry.name, 'status': 'silent' if silent else 'live',
            'rate_hz': 0.0 if silent else round(entry.rate.rate_hz(self._clock()), 1),
            'latency_ms': None if silent or math.isnan(latency) else round(latency, 1),
            'width': entry.size[0], 'height': entry.size[1], 'model': entry.model,
            'label_set': entry.label_set, 'picture': dict(entry.picture),
            'reason': entry.reason if silent else '',
            # What was seen long ago is not what is felt now.
            'people': [] if silent else [
                _person(emotion) | {'attention': _looks(attention.get(emotion.track_id))}
                for emotion in entry.people]}


def _person(emotion: FaceEmotion) -> dict:
    box = emotion.box
    return {
        'id': emotion.track_id, 'label': emotion.label,
        'confidence': _number(emotion.confidence), 'duration_s': _number(emotion.duration_s),
        'quality': _number(emotion.quality), 'valence': _number(emotion.valence),
        'arousal': _number(emotion.arousal),
        'probabilities': _by_label(emotion.probabilities),
        'filtered': _by_label(emotion.filtered),
        'box': [whole(box.x), whole(box.y), whole(box.width), whole(box.height)]}


def _looks(person: PersonAttention | None) -> dict | None:
    return None if person is None else {
        'state': person.state, 'duration_s': _number(person.duration_s), 'reason': person.reason,
        'zone': person.zone, 'zone_s': _number(person.zone_s), 'expected': person.expected,
        'expected_probability': _number(person.expected_probability),
        'eyes': None if person.eyes is None else [_number(share) for share in person.eyes],
        'gaze': None if person.gaze is None else [_number(share) for share in person.gaze]}


def _boxes(people: Sequence[FaceEmotion], size: tuple[int, int]) -> list[list[float]]:
    width, height = size
    if not width or not height:
        return []
    return [[emotion.track_id, *(_number(share) for share in (
        emotion.box.x / width, emotion.box.y / height, emotion.box.width / width,
        emotion.box.height / height))] for emotion in people]


def _room(room: RoomSnapshot) -> dict:
    return {
        'name': room.room, 'title': room.title or room.room, 'enabled': room.enabled,
        'policy': room.policy,
        'policies': list(room.policies), 'fresh': room.fresh, 'emotion': room.emotion,
        'confidence': _number(room.confidence) if room.known else None,
        'faces': room.faces if room.known else None,
        'on_hold': room.on_hold, 'hold_left_s': whole(room.hold_left_s),
        'hold_reason': room.hold_reason, 'last': _last(room.last),
        'blocked_reason': room.blocked_reason, 'habits': _habits(room.habits),
        'devices': [_device(device) for device in room.devices]}


def _habits(habits: RoomHabits | None) -> dict | None:
    if habits is None:
        return None
    asked = habits.suggestion
    return {
        'mode': habits.mode, 'enabled': habits.enabled, 'expected': habits.expected,
        'suggestion': None if asked is None else {
            'habit': asked.habit, 'target': asked.target, 'sentence': asked.sentence,
            'now': asked.now},
        'habits': [{
            'habit': one.habit, 'target': one.target, 'emotion': one.emotion, 'part': one.part,
            'sentence': one.sentence, 'status': one.status.word, 'sure': _number(one.sure),
            'right': one.right, 'times': one.times} for one in habits.habits]}


def _last(last: LastAction | None) -> dict | None:
    return None if last is None else {
        'target': last.target, 'request': _request(last.request), 'reason': last.reason}


def _device(device: DeviceSnapshot) -> dict:
    found = {'name': device.target, 'kind': device.kind, 'available': device.available,
             'state': device.state.value, 'known': device.known}
    return found | (_fields(device.reported) if device.known else {})


def _request(request: Request) -> dict:
    what = request.expected if request.kind == 'light' else request
    return {'kind': request.kind, **_fields(what)}


def _fields(what: State | Request) -> dict:
    """Return a light's state, or the fields of another kind, under their names."""
    if isinstance(what, LightState):
        return {'light': {
            'on': what.on, 'brightness': None if what.brightness is None
            else _number(what.brightness), 'color': None if what.rgb is None else _hex(what.rgb),
            'color_temperature_k': what.color_temperature_k}}
    return {name: value if isinstance(value, (str, bool)) else _number(value)
            for name, value in vars(what).items()}


def _by_label(probabilities) -> dict[str, float]:
    return {label: _number(value) for label, value in zip(LABELS, probabilities)}


def _number(value: float) -> float:
    value = float(value)
    # Browsers do not accept NaN.
    return round(value, 3) if math.isfinite(value) else 0.0


def _hex(color: tuple[float, float, float]) -> str:
    return '#' + ''.join(f'{whole(255 * min(1.0, max(0.0, _number(c)))):02x}' for c in color)

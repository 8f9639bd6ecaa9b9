# SPDX-License-Identifier: Apache-2.0
"""Named zones to look at: their positions, and which one a gaze hits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fer_ros.attention.gaze import angle_between_deg, direction_of
from fer_ros.errors import ConfigurationError
import numpy as np

#: Zone of a gaze at the camera, always there; of one that meets no zone; and of none.
CAMERA_ZONE, ELSEWHERE, NO_ZONE = 'camera', 'elsewhere', ''
#: Default width of a zone, degrees around its center.
RADIUS_DEG = 15.0
# A zone is left for another after the gaze was there for so long, seconds.
_DWELL_S = 0.25
_EXPECTED = ("expected 'NAME=direction YAW PITCH [RADIUS]' in degrees or 'NAME=point X Y Z "
             "[FRAME] [RADIUS]' in meters")


@dataclass(frozen=True)
class Zone:
    """A zone to look at.

    :ivar direction_deg: yaw and pitch of the gaze that meets it from anywhere, relative to the
        camera's axes; or None.
    :ivar point_m: where it is, in ``frame``; or None.
    :ivar frame: of the point; empty: the camera's optical frame.
    """

    name: str
    radius_deg: float = RADIUS_DEG
    direction_deg: tuple[float, float] | None = None
    point_m: tuple[float, float, float] | None = None
    frame: str = ''


def parse_zones(texts: Sequence[str]) -> tuple[Zone, ...]:
    """Return the zones of a parameter; empty texts are skipped.

    :raises ConfigurationError: naming the text and what was expected.
    """
    zones = tuple(_parse(text) for text in texts if text.strip())
    names = [zone.name for zone in zones]
    if double := [name for name in names if names.count(name) > 1]:
        raise ConfigurationError(f'zones: {double[0]!r} is listed twice')
    return zones


def _parse(text: str) -> Zone:
    name, equals, rest = text.partition('=')
    name, words = name.strip(), rest.split()
    count = {'direction': 2, 'point': 3}.get(words[0] if words else '')
    if not equals or not name or count is None or name in (CAMERA_ZONE, ELSEWHERE):
        raise ConfigurationError(f'zones: {text!r}: {_EXPECTED}')
    frame = ''
    values = words[1:]
    if count == 3 and len(values) > 3 and not _is_number(values[3]):
        frame = values.pop(3)
    if not count <= len(values) <= count + 1 or not all(map(_is_number, values)):
        raise ConfigurationError(f'zones: {text!r}: {_EXPECTED}')
    numbers = [float(value) for value in values]
    radius = numbers[count] if len(numbers) > count else RADIUS_DEG
    if not 1 <= radius <= 90:
        raise ConfigurationError(f'zones: {text!r}: the radius must be 1 to 90 degrees')
    place = tuple(numbers[:count])
    return Zone(name, radius, direction_deg=place) if count == 2 else \
        Zone(name, radius, point_m=place, frame=frame)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def zone_of(gaze: np.ndarray, position_m: np.ndarray, looks_at_camera: bool,
            zones: Sequence[Zone], points_m: Mapping[str, np.ndarray]) -> str:
    """Return the zone that a gaze meets.

    :param gaze: unit vector, camera frame.
    :param position_m: of the eyes, camera frame.
    :param points_m: where zones with a frame of their own are now, camera frame, by name; one
        that is absent cannot be met.
    """
    best, name = 1.0, CAMERA_ZONE if looks_at_camera else ELSEWHERE
    for zone in zones:
        if zone.direction_deg is not None:
            towards = direction_of(np.array(zone.direction_deg))
        else:
            point = points_m.get(zone.name) if zone.frame else np.array(zone.point_m)
            if point is None or not np.any(point - position_m):
                continue
            towards = point - position_m
        share = float(angle_between_deg(gaze, towards)) / zone.radius_deg
        if share < best:
            best, name = share, zone.name
    return name


class ZoneWatch:
    """Tracks which zone a person looks at, with dwell."""

    def __init__(self):
        self.zone, self.since_s = NO_ZONE, 0.0
        self._wanted, self._wanted_s = NO_ZONE, 0.0

    def update(self, seen: str, interval_s: float) -> tuple[str, float] | None:
        """Take in the zone of one reading, :data:`NO_ZONE` where the gaze is not known.

        :returns: the zone that was left and for how long it had been looked at, seconds, in the
            one frame in which it is left.
        """
        self.since_s += interval_s
        if seen in (self.zone, NO_ZONE):
            self._wanted = self.zone
            return None
        if seen != self._wanted:
            self._wanted, self._wanted_s = seen, 0.0
        self._wanted_s += interval_s
        if self.zone and self._wanted_s < _DWELL_S:
            return None
        left = (self.zone, max(0.0, self.since_s - self._wanted_s))
        self.zone, self.since_s = seen, self._wanted_s
        return left if left[0] else None

# SPDX-License-Identifier: Apache-2.0
"""Data shared by the rooms of a home: local time, sun and outside states."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from fer_ros.home.conditions import StateSource
from fer_ros.home.policy import Policy
from fer_ros.home.sun import elevation_deg, is_up

#: Returns the local date and time of a time in seconds since 1970.
LocalTime = Callable[[float], datetime]


class Surroundings:
    """Holds local time, sun and outside states.

    :param local_time: by default in the policy's ``time_zone``, or the machine's.
    :ivar states: the latest payload of each outside state; unavailable ones are missing.
    """

    def __init__(self, policy: Policy, local_time: LocalTime | None = None):
        zone = ZoneInfo(policy.time_zone) if policy.time_zone else None
        self.local = local_time or (lambda now_s: datetime.fromtimestamp(now_s, zone))
        self._location = policy.location
        self.states: dict[StateSource, object] = {}

    def elevation_deg(self, now_s: float) -> float | None:
        """Return how high the sun stands, or None where the policy does not say where that is."""
        place = self._location
        return None if place is None else elevation_deg(place.latitude, place.longitude, now_s)

    def sun_up(self, now_s: float) -> bool | None:
        """Return whether the sun is up, or None if the policy has no location."""
        place = self._location
        return None if place is None else is_up(place.latitude, place.longitude, now_s)

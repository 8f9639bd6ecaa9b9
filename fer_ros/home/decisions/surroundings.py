# SPDX-License-Identifier: Apache-2.0
"""What the rooms of a home share: the time on the wall, the sun, and states from outside."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from fer_ros.home.conditions import StateSource
from fer_ros.home.policy import Policy
from fer_ros.home.sun import elevation_deg, is_up

#: Gives the date and time on the wall of a time in seconds since 1970.
LocalTime = Callable[[float], datetime]


class Surroundings:
    """What is around the rooms; all of it is given.

    :param local_time: by default that of the policy's ``time_zone``, or of the machine.
    :ivar states: the newest payload of each outside state; what cannot be heard is not in it.
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
        """Return whether the sun is up, or None where the policy does not say where that is."""
        place = self._location
        return None if place is None else is_up(place.latitude, place.longitude, now_s)

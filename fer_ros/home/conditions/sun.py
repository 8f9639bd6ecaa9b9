# SPDX-License-Identifier: Apache-2.0
"""``sun``: whether it is up or down at the home."""

from typing import Any, Literal

from fer_ros.home.conditions.base import Condition, Finding, Moment

#: What a policy lacks that asks for the sun.
LOCATION_MISSING = ('requires the location of the home: write location: {latitude: 52.5, '
                    'longitude: 13.4}')


class SunCondition(Condition):
    """The sun is up, or down."""

    name = 'sun'
    field = Literal['up', 'down']

    def judge(self, expected: str, moment: Moment) -> Finding:
        """Return whether the sun is up, or down, as expected."""
        if moment.sun_up is None:
            return Finding(False, 'the location of the home is unknown, and so is the sun', True)
        here = 'up' if moment.sun_up else 'down'
        return Finding(here == expected, f'the sun is {here}, expected {expected}')

    def fault(self, expected: str, policy: Any) -> str:
        """Return an error if the policy has no location."""
        return '' if policy.location is not None else LOCATION_MISSING


SUN = SunCondition()

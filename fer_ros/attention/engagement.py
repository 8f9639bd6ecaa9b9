# SPDX-License-Identifier: Apache-2.0
"""Convert attention to the engagement levels of ROS4HRI."""

from fer_ros.attention.state import CAMERA, UNKNOWN

#: Levels, as hri_msgs/EngagementLevel has them.
LEVELS = ('UNKNOWN', 'DISENGAGED', 'ENGAGING', 'ENGAGED', 'DISENGAGING')
# Time of looking at the camera that engages, and of looking elsewhere that ends it, seconds.
_ENGAGES_S, _ENDS_S = 1.5, 1.5


class Engagement:
    """Tracks the engagement of one person with the camera."""

    def __init__(self):
        self.level = 'UNKNOWN'

    def update(self, state: str, duration_s: float) -> str:
        """Update with a state of attention and its duration; return the level."""
        was_engaged = self.level in ('ENGAGED', 'DISENGAGING')
        if state == UNKNOWN:
            self.level = 'UNKNOWN'
        elif state == CAMERA:
            self.level = 'ENGAGED' if was_engaged or duration_s >= _ENGAGES_S else 'ENGAGING'
        else:
            self.level = 'DISENGAGING' if was_engaged and duration_s < _ENDS_S else 'DISENGAGED'
        return self.level

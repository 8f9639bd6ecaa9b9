# SPDX-License-Identifier: Apache-2.0
"""From attention to engagement in the words of ROS4HRI."""

from fer_ros.attention.state import CAMERA, UNKNOWN

#: Levels, as hri_msgs/EngagementLevel has them.
LEVELS = ('UNKNOWN', 'DISENGAGED', 'ENGAGING', 'ENGAGED', 'DISENGAGING')
# Looking so long at the camera engages, looking elsewhere so long ends it, seconds.
_ENGAGES_S, _ENDS_S = 1.5, 1.5


class Engagement:
    """The engagement of one person with what stands behind the camera."""

    def __init__(self):
        self.level = 'UNKNOWN'

    def update(self, state: str, duration_s: float) -> str:
        """Take in a state of attention and for how long it has been; return the level."""
        was_engaged = self.level in ('ENGAGED', 'DISENGAGING')
        if state == UNKNOWN:
            self.level = 'UNKNOWN'
        elif state == CAMERA:
            self.level = 'ENGAGED' if was_engaged or duration_s >= _ENGAGES_S else 'ENGAGING'
        else:
            self.level = 'DISENGAGING' if was_engaged and duration_s < _ENDS_S else 'DISENGAGED'
        return self.level

# SPDX-License-Identifier: Apache-2.0
from fer_ros.attention.drawing import mark_gaze
from fer_ros.attention.engagement import Engagement
import numpy as np


def test_engagement_comes_with_a_lasting_look_and_goes_with_a_lasting_one_away():
    engagement = Engagement()
    steps = [('unknown', 0, 'UNKNOWN'), ('away', 0.5, 'DISENGAGED'), ('camera', 0.3, 'ENGAGING'),
             ('away', 0.2, 'DISENGAGED'), ('camera', 0.5, 'ENGAGING'), ('camera', 1.6, 'ENGAGED'),
             ('down', 0.4, 'DISENGAGING'), ('camera', 0.1, 'ENGAGED'), ('down', 2, 'DISENGAGED'),
             ('unknown', 1, 'UNKNOWN')]
    assert [engagement.update(state, seconds) for state, seconds, _ in steps] == [
        level for *_, level in steps]


def test_a_gaze_is_marked_by_an_arrow_and_one_at_the_camera_by_a_dot():
    away, camera = (np.zeros((100, 200, 3), np.uint8) for _ in range(2))
    mark_gaze(away, np.array([50.0, 50.0]), np.array([0.5, 0.0]), 'away', 120)
    mark_gaze(camera, np.array([50.0, 50.0]), np.array([0.5, 0.0]), 'camera', 120)
    assert away[50, 100].any() and not camera[50, 100].any() and camera[50, 50].any()
    assert not away[50, 20].any()

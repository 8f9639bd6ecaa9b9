# SPDX-License-Identifier: Apache-2.0
from fer_ros.attention.engagement import Engagement


def test_engagement_comes_with_a_lasting_look_and_goes_with_a_lasting_one_away():
    engagement = Engagement()
    steps = [('unknown', 0, 'UNKNOWN'), ('away', 0.5, 'DISENGAGED'), ('camera', 0.3, 'ENGAGING'),
             ('away', 0.2, 'DISENGAGED'), ('camera', 0.5, 'ENGAGING'), ('camera', 1.6, 'ENGAGED'),
             ('down', 0.4, 'DISENGAGING'), ('camera', 0.1, 'ENGAGED'), ('down', 2, 'DISENGAGED'),
             ('unknown', 1, 'UNKNOWN')]
    assert [engagement.update(state, seconds) for state, seconds, _ in steps] == [
        level for *_, level in steps]

# SPDX-License-Identifier: Apache-2.0
"""Habits by event, sensor and buttons of a real Home Assistant, where FER_HASS names one.

The evenings pass on a made-up clock; Home Assistant, the broker and the lamp are real.
"""

from home_assistant import COMMAND, HomeAssistant, WHY_NOT
from mosquitto import wait_for
import pytest
from test_habits import Home

pytestmark = pytest.mark.skipif(not COMMAND, reason=WHY_NOT)

EVENT, SENSOR = 'event.fer_ros_study_event', 'sensor.fer_ros_study_suggestion'
LIGHT, TOLD = 'light.bed_light', 'input_text.told'


@pytest.fixture
def home(tmp_path, broker, spy, virtual_room):
    """Return a home whose lamp people set in Home Assistant."""
    ha = HomeAssistant(tmp_path / 'ha')
    try:
        one = broker()
        ha.connect_broker(one.port)
        virtual_room(one.port, base='attic')
        wait_for(lambda: ha.state(LIGHT) == 'on', what='the light')
        home = Home(tmp_path, one.port, spy(one.port), lambda level: ha.call(
            'light/turn_on', LIGHT, brightness=round(level * 255)), 'attic/lamp')
        home.ha = ha
        yield home
        home.house.close(home.now_s)
    finally:
        ha.stop()


def press(home, answer):
    """Press a button in Home Assistant, and wait until an automation there has the answer."""
    home.ha.call('button/press', f'button.fer_ros_study_habit_{answer}')
    home.pass_(0, until=lambda: home.ha.state(TOLD) == answer)
    home.pass_(0, until=lambda: home.ha.state(SENSOR) == 'none')


def test_no_yes_done_overridden_suspended_and_not_again(home):
    ha = home.ha
    home.pass_(0, until=lambda: ha.state(EVENT) is not None and ha.state(SENSOR) == 'none')
    assert home.until_suggested() <= 5
    text = home.events('suggestion')[-1]['text']
    home.pass_(0, until=lambda: ha.state(SENSOR) == text)
    # An automation there was set off by the event, with the words.
    home.pass_(0, until=lambda: ha.state(TOLD) == text)
    assert text.startswith('Evenings when sad, the lamp was set to 20 % in ')
    press(home, 'no')
    assert not home.rules.exists()
    home.evening(0.2)
    assert len(home.events('suggestion')) == 1

    # Two weeks later it may ask again: yes, and the next evening the room does it.
    home.day += 14
    home.until_suggested()
    press(home, 'yes')
    assert home.rules.exists()
    assert home.evening() == pytest.approx(0.2, abs=0.02)

    # People set it otherwise: it stops, and what they do instead is not to be asked again.
    for _ in range(3):
        assert home.evening(0.9) == pytest.approx(0.2, abs=0.02)
    wait_for(lambda: home.events('habit_suspended'), what='the suspension')
    assert 'the lamp was set to 90 % in 3 of ' in home.events('suggestion')[-1]['text']
    press(home, 'never')
    assert home.evening() > 0.3

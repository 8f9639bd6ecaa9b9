# SPDX-License-Identifier: Apache-2.0
"""The card of habits in a real browser, before a real bridge that has learned from eight days."""

import time

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
pytest.importorskip('flask', reason='the dashboard needs flask')
pytest.importorskip('selenium', reason='selenium drives the browser')
from browser import chromium, click, loud, text, WHY_NOT  # noqa: E402
from fer_ros.habits.events import EventKind  # noqa: E402
from fer_ros.habits.log import EventLog  # noqa: E402
from fer_ros.msg import HomeState  # noqa: E402
from fer_ros.nodes import dashboard, qos  # noqa: E402
from fer_ros.nodes.dashboard import Dashboard  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from habits_support import DAY_S, evening, MONDAY_S  # noqa: E402
from home_support import emotion  # noqa: E402
from made_up_camera import Camera  # noqa: E402
from ros_support import wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

CARD = '.habits[data-room="study"]'
POLICY = """
version: 1
time_zone: UTC
habits: {{folder: '{folder}'}}
policies:
  bright:
    by_emotion:
      sad: {{brightness: 0.8, color: '#3333ff'}}
      happy: {{brightness: 1.0}}
rooms:
  study:
    policy: bright
    habits: ask
    targets: {{lamp: {{type: terminal}}}}
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.1
    transition_s: 0
    stale_after_s: 2
"""


@pytest.fixture
def home(graph, tmp_path, monkeypatch):
    """Return a graph with a home in which a sad person always set the lamp to 30 %."""
    monkeypatch.setattr(dashboard, '_ANSWER_S', 60.0)    # for a busy machine
    log = graph.log = EventLog(tmp_path / 'habits')
    ago_s = time.time() // DAY_S * DAY_S - 8 * DAY_S - MONDAY_S
    for day in range(8):
        for hour in (9.0, 19.5):
            log.append(evening(day + ago_s / DAY_S, hour=hour))
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.format(folder=log.folder))
    graph.add(SmartHomeBridge, policy_file=str(file), lamp_display='none')
    graph.home = graph.collect(HomeState, 'smart_home_bridge/home_state', qos.STATE)
    graph.page = graph.add(Dashboard, port=0)
    graph.camera = Camera(graph)
    yield graph
    graph.camera.close()


@pytest.fixture
def page(home):
    """Return a browser on its page."""
    driver = chromium()
    try:
        driver.get(home.page.url)
        yield driver
        assert loud(driver.get_log('browser')) == []
    finally:
        driver.quit()


def feel(home, label):
    """Let somebody feel something until it is in the log."""
    def begun():
        return sum(one.kind is EventKind.EMOTION and one.value == label
                   for one in home.log.read(now_s=time.time()).events)
    before = begun()
    home.camera.seen = [emotion(label)]
    wait_for(lambda: begun() > before, what=label)


def answer(page, action):
    """Wait for a question, and answer it; return what was asked, and what the bridge said."""
    wait_for(lambda: page.find_element('css selector', f'{CARD} .question').is_displayed(),
             what='a question')
    asked = text(page, f'{CARD} .sentence')
    click(page, f'{CARD} [data-action="{action}"]')
    said = wait_for(lambda: (words := text(page, f'{CARD} .answer')).startswith('Done') and words,
                    what='the answer')
    wait_for(lambda: not page.find_element('css selector', f'{CARD} .question').is_displayed(),
             what='the question to go')
    return asked, said


def level(home):
    """Return how bright the lamp says it is."""
    return home.home[-1].rooms[0].devices[0].light.brightness


def test_what_was_learned_and_how_sure_its_questions_and_the_switch(home, page):
    wait_for(lambda: 'asks when a habit is due' in text(page, f'{CARD} h3'), what='the card')
    known = text(page, f'{CARD} .known')
    assert known.startswith('When sad, the lamp was set to 30 % in 16 of 16 times (found, ')
    assert known.endswith('% sure)') and 'right' not in known
    assert not page.find_element('css selector', f'{CARD} .question').is_displayed()

    # No: it stays as the policy has it.
    feel(home, 'sad')
    wait_for(lambda: level(home) == pytest.approx(0.8, abs=0.01), what='the light of the policy')
    asked, said = answer(page, 'habit_no')
    assert asked.endswith('30 % in 16 of 16 times; shall it be done now?') and 'not now' in said
    assert level(home) == pytest.approx(0.8, abs=0.01)

    # Yes: it is done, once.
    feel(home, 'happy')
    wait_for(lambda: level(home) == pytest.approx(1.0), what='the light of the policy')
    feel(home, 'sad')
    assert 'will be set once' in answer(page, 'habit_yes')[1]
    wait_for(lambda: level(home) == pytest.approx(0.3, abs=0.01), what='the light of the habit')

    # Not again.
    feel(home, 'happy')
    wait_for(lambda: level(home) == pytest.approx(1.0), what='the light of the policy')
    feel(home, 'sad')
    assert 'not asked again' in answer(page, 'habit_never')[1]
    wait_for(lambda: '(refused, ' in text(page, f'{CARD} .known'), what='that it was refused')

    # The switch.
    click(page, f'{CARD} .switch')
    wait_for(lambda: not home.home[-1].rooms[0].habits.enabled, what='the bridge to switch off')
    wait_for(lambda: text(page, f'{CARD} .switch') == 'Switch on', what='the page to show it')
    assert text(page, f'{CARD} h3') == 'study: off'
    click(page, f'{CARD} .switch')
    wait_for(lambda: home.home[-1].rooms[0].habits.enabled, what='the bridge to switch on')

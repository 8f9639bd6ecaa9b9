# SPDX-License-Identifier: Apache-2.0
"""The page's layout in a real browser: the real server, made-up people and rooms, no ROS."""

from contextlib import closing
from dataclasses import replace
import itertools
import threading
import time

import numpy as np
import pytest

pytest.importorskip('flask', reason='the dashboard needs flask')
pytest.importorskip('waitress', reason='the dashboard needs waitress')
pytest.importorskip('selenium', reason='selenium drives the browser')
from browser import chromium, click, look, loud, text, WHY_NOT  # noqa: E402
from fer_ros.dashboard.page import Page, PAGE_PARAMETERS  # noqa: E402
from fer_ros.emotions.labels import LABELS  # noqa: E402
from fer_ros.home.action import AmbientAction, Command  # noqa: E402
from fer_ros.home.kinds.light import LightRequest  # noqa: E402
from fer_ros.home.lifecycle import ControlState  # noqa: E402
from fer_ros.home.light import LightState  # noqa: E402
from fer_ros.home.snapshot import DeviceSnapshot, RoomSnapshot  # noqa: E402
from fer_ros.types import BoundingBox, PersonAttention  # noqa: E402
from home_support import emotion  # noqa: E402
from waiting import wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

IMAGE = np.full((480, 640, 3), 90, np.uint8)
BLUE, ORANGE = LightState(True, 0.5, (0.2, 0.4, 1.0)), LightState(True, 0.6, (1.0, 0.6, 0.0))


class Scene:
    """Cameras with this many people each, sent to a page ten times per second."""

    def __init__(self):
        values = {parameter.name: parameter.default for parameter in PAGE_PARAMETERS}
        self.page = Page(('hall', 'kitchen'), {**values, 'port': 0}, time.time,
                         lambda *_: (True, 'so be it'))
        self.page.open()
        self.state = self.page.state
        self.people = {'hall': 1, 'kitchen': 0}
        self.attention = ()
        self.state.bridge('active')
        self.state.diagnose('camera_driver', 0, 'active', {'rate out (Hz)': '30.0'})
        for camera in self.people:
            self.state.picture(camera, 'live')
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed)
        self._thread.start()

    def _feed(self):
        while not self._stop.wait(0.1):
            now_s = time.time()
            for camera, count in self.people.items():
                if count is None:
                    continue
                # Close together, in two rows.
                faces = [replace(emotion(LABELS[i % 7], 0.6, track_id=i + 1),
                                 box=BoundingBox(30 + 150 * (i % 4), 60 + 200 * (i // 4), 70, 90))
                         for i in range(count)]
                if self.attention:
                    self.state.attend(camera, self.attention)
                self.state.see(camera, faces, now_s=now_s, stamp_s=now_s, size=(640, 480))
                self.page.pictures.offer(camera, IMAGE, now_s)

    def room(self, state=ControlState.CONFIRMED):
        return RoomSnapshot('hall', True, 'mirror', ('mirror', 'warm'), True, 'happy', 0.6, 1,
                            devices=(DeviceSnapshot('lamp', 'light', True, state, BLUE),))

    def close(self):
        self._stop.set()
        self._thread.join()
        self.page.close()


@pytest.fixture(scope='module')
def scene():
    running = Scene()
    running.state.rooms([running.room()])
    yield running
    running.close()


@pytest.fixture(scope='module')
def page(scene):
    driver = chromium()
    driver.get(scene.page.url)
    wait_for(lambda: rectangles(driver, '.face'), what='a face')
    yield driver
    driver.quit()


def at_once(page, *selectors):
    """Return for each selector the rectangles of all elements to be seen, all at one moment.

    A rectangle is left, top, right and bottom.
    """
    return page.execute_script("""
        return arguments[0].map((selector) =>
          [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility())
            .map((e) => e.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom]));
        """, selectors)


def rectangles(page, selector):
    return at_once(page, selector)[0]


def rectangle(page, selector):
    found, = rectangles(page, selector)
    return found


def show(scene, page, **people):
    """Let the cameras see so many people, and wait until the page has as many rows."""
    scene.people.update(people)
    count = sum(number or 0 for number in scene.people.values())
    wait_for(lambda: len(rectangles(page, '.person')) == count, what=f'{count} people')
    drawn(page)


def resize(page, width_px, scheme='light'):
    look(page, width_px, 900, scheme)
    wait_for(lambda: page.execute_script('return innerWidth') == width_px, what='the new size')
    drawn(page)


def drawn(page):
    """Wait until the page has drawn itself: what follows its size is placed right before."""
    page.execute_async_script(
        'requestAnimationFrame(() => requestAnimationFrame(arguments[0]))')


@pytest.mark.parametrize('width_px', [360, 768, 1280, 1920])
def test_the_switch_and_the_room_are_above_the_people(scene, page, width_px):
    show(scene, page, hall=7, kitchen=1)
    resize(page, width_px)
    assert page.execute_script('return document.documentElement.scrollWidth') <= width_px
    ((left, top, right, bottom),), (room,), (people,) = at_once(
        page, '#cameras', '#rooms', '#people')
    if width_px < 720:
        assert bottom <= room[1] and room[3] <= people[1]
        # It was 5649 px with eight people.
        assert page.execute_script('return document.documentElement.scrollHeight') < 3300
    else:
        # Beside the picture, which is larger.
        assert room[0] >= right and abs(room[1] - top) < 2 and right - left > room[2] - room[0]
        assert rectangle(page, '.switch')[3] < people[3]
        # No half of the width is empty: what comes last begins at the left, and ends at the right.
        sides = [rectangle(page, f'#{name}') for name in ('people', 'last', 'rooms', 'timeline')]
        assert max(side[2] for side in sides) > 0.96 * width_px


def test_few_people_are_shown_in_full_and_more_as_rows_that_open(scene, page):
    resize(page, 1280)
    show(scene, page, hall=2, kitchen=0)
    wait_for(lambda: len(rectangles(page, '.person .bars')) == 2, what='both in full')
    show(scene, page, hall=8)
    wait_for(lambda: not rectangles(page, '.person .bars'), what='rows')
    assert max(bottom - top for _, top, _, bottom in rectangles(page, '.person')) < 60
    click(page, '[data-person="hall/3"] summary')
    wait_for(lambda: len(rectangles(page, '[data-person="hall/3"] .bars')) == 1, what='one open')
    wait_for(lambda: text(page, '[data-person="hall/3"] [data-label="fear"] .value') == '60\xa0%',
             what='its figures')
    click(page, '[data-person="hall/3"] summary')
    wait_for(lambda: not rectangles(page, '.person .bars'), what='rows again')


def test_a_browser_that_was_busy_for_a_while_goes_on(scene, page):
    show(scene, page, hall=2, kitchen=0)
    page.execute_script('const end = Date.now() + 1700; while (Date.now() < end);')
    show(scene, page, hall=2)
    wait_for(lambda: len(rectangles(page, '.person .bars')) == 2, what='both')
    assert loud(page.get_log('browser')) == []


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def labels_of_all(page, count):
    """Return the labels' and the boxes' places as they are at one moment, once all are there."""
    found = rectangles(page, '.tag, .box')
    return (found[1::2], found[::2]) if len(found) == 2 * count else None


@pytest.mark.parametrize('width_px', [360, 1280])
def test_labels_on_the_picture_cover_neither_faces_nor_each_other(scene, page, width_px):
    resize(page, width_px)
    show(scene, page, hall=8, kitchen=0)
    # Both of one moment: they move with each picture and with the page's size.
    tags, boxes = wait_for(lambda: labels_of_all(page, 8), what='eight labels')
    assert not any(overlap(a, b) for a, b in itertools.combinations(tags, 2))
    own = [sum(overlap(tag, box) for box in boxes) for tag in tags]
    assert max(own) == 0
    words = page.execute_script('return [...document.querySelectorAll(".tag")].map('
                                '(tag) => tag.textContent)')
    assert len({word.split()[0] for word in words}) == 8


def test_a_face_in_the_picture_opens_its_person(scene, page):
    resize(page, 1280)
    show(scene, page, hall=5, kitchen=0)
    wait_for(lambda: len(rectangles(page, '.face .box')) == 5, what='the faces')
    page.execute_script('[...document.querySelectorAll(".face")].find((face) => '
                        'face.textContent.startsWith("4")).click()')
    wait_for(lambda: len(rectangles(page, '[data-person="hall/4"] .bars')) == 1, what='its bars')
    wait_for(lambda: text(page, '.face.selected').startswith('4'), what='its box to be marked')


def test_one_of_several_cameras_can_be_chosen(scene, page):
    resize(page, 1280)
    show(scene, page, hall=1, kitchen=1)
    wait_for(lambda: len(rectangles(page, '.camera img')) == 2, what='both pictures')
    (a, b) = rectangles(page, '.view')
    assert a[1] == b[1] and a[2] < b[0]  # a grid
    page.find_element('xpath', '//button[starts-with(text(), "kitchen")]').click()
    wait_for(lambda: len(rectangles(page, '.view')) == 1, what='one camera')
    c = rectangle(page, '.view')
    assert c[2] - c[0] > 1.8 * (b[2] - b[0])
    # Nobody asks for the other one's pictures.
    wait_for(lambda: not scene.page.pictures.wanted('hall'), what='the end of its pictures')
    wait_for(lambda: scene.page.pictures.wanted('kitchen'), what="the chosen one's pictures")
    page.find_element('xpath', '//button[text()="All"]').click()
    wait_for(lambda: len(rectangles(page, '.camera img')) == 2, what='both pictures again')


def test_a_clip_that_has_ended_is_reported(scene, page):
    show(scene, page, hall=1, kitchen=0)
    scene.people['kitchen'] = None
    scene.state.picture('kitchen', 'ended', 'the clip has ended (demo.mp4)')
    wait_for(lambda: 'The clip has ended (demo.mp4)' in text(page, '.camera.without .why'),
             what='the end')
    wait_for(lambda: text(page, '.camera.without .figures') == '', what='no complaint')
    scene.state.picture('kitchen', 'live')
    show(scene, page, kitchen=0)


def test_a_lamp_that_fades_shows_both_colors(scene, page):
    scene.state.act(AmbientAction(
        stamp_s=time.time(), room='hall', target='lamp', command=Command.SET,
        request=LightRequest(ORANGE), transition_s=1.0, emotion='happy', confidence=0.6,
        reason='happy'))
    scene.state.rooms([scene.room(ControlState.SETTLING)])
    wait_for(lambda: text(page, '.devices .text')
             == 'lamp: on, 50\xa0%, blue → on, 60\xa0%, orange', what='the words')
    background = page.execute_script('return document.querySelector(".lamp").style.background')
    assert 'rgb(51, 102, 255) 50%' in background and 'rgb(255, 153, 0) 50%' in background
    scene.state.rooms([scene.room()])
    wait_for(lambda: text(page, '.devices .text') == 'lamp: on, 50\xa0%, blue', what='the end')
    assert page.execute_script('return document.querySelector(".lamp").style.background'
                               ) == 'rgb(51, 102, 255)'


def test_where_people_look_is_marked_said_and_kept(scene, page):
    resize(page, 1280)
    show(scene, page, hall=2, kitchen=0)
    assert not rectangles(page, '.face .gaze, .timeline .lane, .person .attention')
    scene.attention = (
        PersonAttention(1, 'away', 'tablet', zone_s=4.2, expected='camera',
                        expected_probability=0.7, eyes=(0.5, 0.4), gaze=(-0.6, 0.1)),
        PersonAttention(2, 'unknown', reason='the eyes are covered'))
    wait_for(lambda: page.execute_script(
        "return [...document.querySelectorAll('.person .attention')].filter("
        '(e) => e.checkVisibility()).map((e) => e.textContent)') == [
            'Looks at tablet, for 4 s, then usually camera (70\xa0%)',
            'Gaze unknown: the eyes are covered'], what='both said')
    (mark,), boxes = wait_for(
        lambda: (found := at_once(page, '.face .gaze', '.face .box')) and all(found) and found,
        what='a mark')
    left = min(boxes)
    width = left[2] - left[0]
    # From between the eyes to the left of the image, a little down.
    assert abs(mark[2] - (left[0] + 0.5 * width)) < 8 and mark[3] - mark[1] < mark[2] - mark[0]
    assert abs((mark[2] - mark[0]) - 0.6 * width) < 10
    colors = """
        const lane = document.querySelector('.timeline .lane:not([hidden])');
        if (!lane?.width) return [];
        const data = lane.getContext('2d').getImageData(0, 0, lane.width, 1).data;
        const found = new Set();
        for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] === 255) found.add(data.slice(i, i + 3).join());
        return [...found];"""
    wait_for(lambda: '230,159,0' in page.execute_script(colors), what='the lane of away')
    assert 'away' in page.execute_script(
        "return document.querySelector('.timeline .lane').getAttribute('aria-label')")
    wait_for(lambda: len(rectangles(page, '#timeline .legend')) == 2,
             what='the colors to be explained')
    scene.attention = (PersonAttention(1, 'camera', 'camera', eyes=(0.5, 0.4), gaze=(-0.2, 0)),)
    wait_for(lambda: [right - left < 8 for left, _, right, _ in rectangles(
        page, '.face .gaze')] == [True], what='a dot for a look at the camera')
    scene.attention = ()
    wait_for(lambda: not rectangles(page, '.face .gaze, .person .attention'), what='no old gaze')


def test_the_timeline_says_the_span_that_it_shows(scene, page):
    # One that has not seen anybody before.
    with closing(Scene()) as fresh:
        page.get(fresh.page.url)
        wait_for(lambda: text(page, '#timeline h2') == 'Last minute', what='the title')
        for ago_s in range(150, 0, -1):
            fresh.state.see('hall', [emotion('sad', track_id=99)], now_s=time.time() - ago_s)
        page.refresh()
        wait_for(lambda: text(page, '#timeline h2') == 'Last 3 minutes', what='the longer title')
        wait_for(lambda: 'Last 3 minutes of Person 99, hall: mostly sad' in page.execute_script(
            'return [...document.querySelectorAll(".timeline .plot")].map('
            '(plot) => plot.ariaLabel).join()'), what='its words')
    page.get(scene.page.url)


@pytest.mark.parametrize(('width_px', 'scheme'), [(1920, 'light'), (1280, 'dark'), (768, 'light'),
                                                  (360, 'dark')])
def test_there_are_no_serious_accessibility_findings(scene, page, width_px, scheme):
    axe = pytest.importorskip('axe_core_python.selenium', reason='axe judges the page')
    show(scene, page, hall=4, kitchen=1)
    resize(page, width_px, scheme)
    page.execute_script('document.querySelector("[data-person=\\"hall/2\\"] details").open = true')
    wait_for(lambda: text(page, '[data-person="hall/2"] [data-label="sad"] .value'),
             what='its figures')
    found = axe.Axe().run(page)['violations']
    serious = [(item['id'], [node['html'][:200] + str(node.get('any', [{}])[:1])[:300]
                             for node in item['nodes'][:3]])
               for item in found if item['impact'] in ('serious', 'critical')]
    assert serious == []


#: Draws a line at 80 % with a gap from 4 to 6 s, and returns where it is red or blue (the cursor).
CHART = """
const [width, done] = arguments;
import('/static/chart.js').then(({ Chart }) => {
  const box = document.createElement('div');
  document.body.append(box);
  const chart = new Chart(box, { height: 130, ink: '#00f', grid: '#000', tick: () => '',
    lines: [{ color: '#f00', width: 3, dash: [] }] });
  chart.resize(width);
  const times = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  chart.show([times, times.map((t) => (t > 4 && t < 6 ? null : 0.8))], 0, 10, []);
  const scale = chart.canvas.width / width;
  const pixel = (time, y, channel) => {
    const data = chart.canvas.getContext('2d').getImageData(
      Math.round(chart.x(time) * scale), Math.round(y * scale), 1, 1).data;
    return data[3] > 100 && data[channel] > 200;
  };
  const red = [1, 3, 5, 7, 9].map((time) => pixel(time, chart.y(0.8), 0));
  const elsewhere = [1, 9].some((time) => pixel(time, chart.y(0.5), 0));
  const bounds = chart.canvas.getBoundingClientRect();
  const move = (x) => chart.canvas.dispatchEvent(new PointerEvent('pointermove', {
    clientX: bounds.left + x, clientY: bounds.top + 50 }));
  move(chart.x(5));
  const cursor = [...Array(30)].some((_, i) => pixel(5, chart.y(0.7) + i, 2));
  move(10);
  const gone = ![...Array(30)].some((_, i) => pixel(5, chart.y(0.7) + i, 2));
  chart.destroy();
  const removed = !box.querySelector('canvas');
  box.remove();
  done({ red, elsewhere, cursor, gone, removed });
}, (error) => done({ error: String(error) }));"""


@pytest.mark.parametrize('width', [320, 900])
def test_a_chart_draws_its_lines_with_gaps_and_a_cursor(page, width):
    assert page.execute_async_script(CHART, width) == {
        'red': [True, True, False, True, True], 'elsewhere': False, 'cursor': True, 'gone': True,
        'removed': True}


def test_the_page_never_complained(page):
    assert loud(page.get_log('browser')) == []

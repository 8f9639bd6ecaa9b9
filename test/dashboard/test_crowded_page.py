# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser with eight people before two cameras."""

import threading

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
pytest.importorskip('flask', reason='the dashboard needs flask')
pytest.importorskip('selenium', reason='selenium drives the browser')
from browser import chromium, loud, Nodes, text, WHY_NOT  # noqa: E402
from crowd import publish_made_up  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from ros_support import wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def test_eight_faces_of_two_cameras_ten_times_per_second(graph, tmp_path):
    nodes = Nodes(tmp_path)
    nodes.start('eight', 'fer_ros.nodes.dashboard', '--ros-args', '-p', 'port:=0', '-r',
                '__node:=eight', '-p', 'emotion_topics:=[hall/emotions, kitchen/emotions]')
    driver, stop = chromium(), threading.Event()
    updates = """
        const done = arguments[0]; let count = 0;
        const watch = new MutationObserver((records) => { count += records.length; });
        watch.observe(document.querySelector('.person .mixture'), { attributes: true });
        setTimeout(() => { watch.disconnect(); done(count); }, 2000);"""

    def busy_s():
        metrics = driver.execute_cdp_cmd('Performance.getMetrics', {})['metrics']
        return next(metric['value'] for metric in metrics if metric['name'] == 'ThreadTime')
    try:
        driver.execute_cdp_cmd('Performance.enable', {'timeDomain': 'threadTicks'})
        driver.get(nodes.url('eight'))
        publishers = [graph.publisher(EmotionArray, topic, qos.RESULT)
                      for topic in ('hall/emotions', 'kitchen/emotions')]

        thread = threading.Thread(target=publish_made_up, args=(
            graph, dict(zip(publishers, (7, 1))), stop))
        thread.start()
        try:
            wait_for(lambda: driver.execute_script(
                'return document.querySelectorAll(".person").length') == 8, what='eight faces')
            shown = text(driver, '#persons')
            assert all(f'Person {i}, hall' in shown for i in range(1, 8))
            assert 'Person 1, kitchen' in shown
            assert '2 cameras' in text(driver, '#notice')

            def fluent():
                # Processor time, so that others who use this machine do not count.
                before_s = busy_s()
                count = driver.execute_async_script(updates)
                return count / 2 > 8 and (busy_s() - before_s) / 2 < 0.5
            wait_for(fluent, 180, 'ten updates a second that leave the page half of its thread')
        finally:
            stop.set()
            thread.join()
        assert loud(driver.get_log('browser')) == []
    finally:
        driver.quit()
        nodes.stop()

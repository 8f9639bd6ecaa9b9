# SPDX-License-Identifier: Apache-2.0
"""Measure what the page costs: processor shares by viewers, and the page's frame rate.

The other nodes play the bundled clip. A viewer is what a browser does: the events, and one
picture after another. Processor shares are of one core, by process: the dashboard, the other
nodes (detector, classifier, annotator and bridge in one process) and the camera driver. The frame
rate is that of a real Chromium while made-up emotions of eight faces come ten times a second.
``make dashboard-load`` runs it.
"""

import argparse
import json
import os
from pathlib import Path
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

from browser import chromium, Nodes, WHY_NOT  # noqa: E402
from crowd import publish_made_up  # noqa: E402
from fer_ros.data import demo_clip_path  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from ros_support import Graph, wait_for  # noqa: E402

_FRAMES = """
  const done = arguments[0]; let count = 0; let worst = 0; let last = performance.now();
  const begin = last;
  const step = (now) => {
    count += 1; worst = Math.max(worst, now - last); last = now;
    if (now - begin > 4000) done([1000 * count / (now - begin), worst]);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);"""


class Viewer:
    """Follow the events and take pictures, until stopped."""

    def __init__(self, url):
        self._url, self._stop = url, threading.Event()
        self.pictures = self.events = 0
        self._threads = [threading.Thread(target=work, daemon=True)
                         for work in (self._listen, self._look)]
        for thread in self._threads:
            thread.start()

    def _listen(self):
        with urllib.request.urlopen(f'{self._url}/api/events', timeout=10) as answer:
            for line in answer:
                self.events += line.startswith(b'event:')
                if self._stop.is_set():
                    return

    def _look(self):
        after = 0
        while not self._stop.is_set():
            url = f'{self._url}/api/cameras/camera/picture?after={after}'
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.status == 200:
                    after = int(answer.headers['X-Picture'])
                    answer.read()
                    self.pictures += 1

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def processor_s(pid):
    """Return the processor time that a process has used, seconds."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident_mb(pid):
    """Return a process's resident memory, MB."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS'):
            return int(line.split()[1]) / 1024
    return 0.0


def share(nodes, seconds):
    """Return the processor share of each process by the number of viewers."""
    processes = {}
    processes['dashboard'] = nodes.start(
        'dashboard', 'fer_ros.nodes.dashboard', '--ros-args', '-p', 'port:=0')
    processes['others'] = nodes.start(
        'others', 'fer_ros.nodes.composed', 'face_detector', 'emotion_classifier', 'annotator',
        'smart_home_bridge', '--ros-args', '-p', 'smart_home_bridge:lamp_display:=none')
    processes['camera'] = nodes.start(
        'camera', 'fer_ros.nodes.camera_driver', '--ros-args', '-p',
        f'source:={json.dumps(str(demo_clip_path()))}', '-p', 'loop:=true')
    url = nodes.url('dashboard')

    def live():
        with urllib.request.urlopen(f'{url}/api/state', timeout=30) as answer:
            return json.load(answer)['cameras'][0]['status'] == 'live'
    wait_for(live, what='emotions')
    found = {}
    for count in (0, 1, 5):
        viewers = [Viewer(url) for _ in range(count)]
        for viewer in viewers:
            wait_for(lambda viewer=viewer: viewer.pictures > 5, what='pictures')
        begun_s = time.monotonic()
        used_s = {name: processor_s(process.pid) for name, process in processes.items()}
        before = [(viewer.pictures, viewer.events) for viewer in viewers]
        time.sleep(seconds)
        elapsed_s = time.monotonic() - begun_s
        shares = {name: round((processor_s(process.pid) - used_s[name]) / elapsed_s, 3)
                  for name, process in processes.items()}
        found[count] = {
            'processor_share': shares, 'together': round(sum(shares.values()), 3),
            'memory_mb': round(resident_mb(processes['dashboard'].pid)),
            'pictures_hz_each': round(sum(viewer.pictures - pictures for viewer, (pictures, _)
                                          in zip(viewers, before)) / elapsed_s / max(count, 1), 1),
            'events_hz_each': round(sum(viewer.events - events for viewer, (_, events)
                                        in zip(viewers, before)) / elapsed_s / max(count, 1), 1)}
        for viewer in viewers:
            viewer.stop()
    return found


def page_rate(nodes):
    """Return the frame rate of the page with no faces, and with eight at 10 Hz."""
    nodes.start('eight', 'fer_ros.nodes.dashboard', '--ros-args', '-p', 'port:=0')
    driver = chromium(1280, 900)
    stop = threading.Event()
    try:
        driver.set_script_timeout(20)
        driver.get(nodes.url('eight'))
        rates = {0: driver.execute_async_script(_FRAMES)}
        with Graph() as graph:
            publisher = graph.publisher(EmotionArray, 'emotions', qos.RESULT)

            thread = threading.Thread(target=publish_made_up, args=(graph, {publisher: 8}, stop))
            thread.start()
            try:
                wait_for(lambda: driver.execute_script(
                    'return document.querySelectorAll(".person").length') == 8, what='eight faces')
                rates[8] = driver.execute_async_script(_FRAMES)
            finally:
                stop.set()
                thread.join()
        return {faces: {'frames_hz': round(rate, 1), 'longest_frame_ms': round(worst, 1)}
                for faces, (rate, worst) in rates.items()}
    finally:
        driver.quit()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=10.0, help='of each measurement')
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as logs:
        nodes = Nodes(logs)
        try:
            for count, figures in share(nodes, seconds).items():
                print(f'{count} viewers: {json.dumps(figures)}')
        finally:
            nodes.stop()
        if WHY_NOT:
            print(f'the frame rate was not measured: {WHY_NOT}')
            return 0
        nodes = Nodes(logs)
        try:
            for faces, figures in page_rate(nodes).items():
                print(f'{faces} faces: {json.dumps(figures)}')
        finally:
            nodes.stop()
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

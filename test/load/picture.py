# SPDX-License-Identifier: Apache-2.0
"""Latency and what is given up while cameras are added and a competitor comes and goes.

``make load-picture`` draws it into docs/load.svg, and prints the figures. Real nodes, one process
a node, over real DDS; 640x480 with a face, 15 images per second and camera.
"""

import argparse
import json
import os
from pathlib import Path
import subprocess
import sys
import time

sys.path.insert(0, str(Path(__file__).parents[2]))
from fer_ros.bench import frames, pipeline  # noqa: E402
from fer_ros.msg import Load  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from training import charts  # noqa: E402

_RATE_HZ = 15.0
#: Cameras that send, whether a competitor works beside them.
STEPS = ((4, False), (8, False), (12, False), (16, False), (8, False), (8, True), (8, False))
#: Of a competitor, busy processes per processor.
_BUSY = 2


class Recorder(pipeline.Bench):
    """Feed the first cameras, and record when each result came and what each level was."""

    def __init__(self, cameras: int):
        self.results: list[tuple[float, float]] = []
        self.levels: list[tuple[float, str, float]] = []
        super().__init__(cameras)
        for topic in self.topics:
            self.node.create_subscription(Load, topic.replace('faces', 'load'), self._on_load,
                                          qos.RESULT)

    def _on_emotions(self, message, camera) -> None:
        super()._on_emotions(message, camera)
        self.results.append((time.monotonic(), self.latencies_ms[-1]))

    def _on_load(self, message: Load) -> None:
        if not message.cameras:
            self.levels.append((time.monotonic(), message.node, message.level))


def run(seconds: float) -> list[dict]:
    """Go through the steps; return each one's figures and the course of time."""
    most = max(count for count, _ in STEPS)
    recorder = Recorder(most)
    publishers = recorder.publishers
    images = frames.sequence(640, 480, 1)
    rows, began = [], time.monotonic()
    try:
        with pipeline.processes(pipeline.node_commands(False, most)) as _:
            recorder.await_graph(90.0)
            recorder.feed_until(images, most, 60.0)
            began = time.monotonic()
            for count, competes in STEPS:
                recorder.publishers = publishers[:count]
                busy = [subprocess.Popen([sys.executable, '-c', 'while True: pass'])
                        for _ in range(_BUSY * os.cpu_count() * competes)]
                start = time.monotonic()
                sent = recorder.feed(images, seconds, _RATE_HZ)
                for process in busy:
                    process.kill()
                    process.wait()
                rows.append(_row(recorder, count, competes, start, sent))
                print(json.dumps(rows[-1]), flush=True)
    finally:
        recorder.publishers = publishers
        recorder.close()
    _draw(recorder, began, rows)
    return rows


def _row(recorder: Recorder, count: int, competes: bool, start: float, sent: int) -> dict:
    # The first half is for settling.
    middle, end = (start + time.monotonic()) / 2, time.monotonic()
    times = sorted(ms for at, ms in recorder.results if at > middle)
    levels = [level for at, _, level in recorder.levels if at > middle]
    return {'cameras': count, 'competitor': competes, 'sent': sent,
            'median ms': round(times[len(times) // 2], 1) if times else None,
            'p99 ms': round(times[int(len(times) * 0.99)], 1) if times else None,
            'read Hz per camera': round(len(times) / (end - middle) / count, 1),
            'mean level': round(sum(levels) / len(levels), 2) if levels else 0.0}


def _draw(recorder: Recorder, began: float, rows: list[dict]) -> None:
    latency, level, cameras = ([], []), ([], []), ([], [])
    end = int(max(at for at, _ in recorder.results) - began)
    for second in range(end):
        here = sorted(ms for at, ms in recorder.results if second <= at - began < second + 1)
        if here:
            latency[0].append(second)
            latency[1].append(here[len(here) // 2])
        newest = {node: value for at, node, value in recorder.levels
                  if second - 3 <= at - began < second + 1}
        if newest:
            level[0].append(second)
            level[1].append(20 * sum(newest.values()) / len(newest))
        row = rows[min(len(rows) - 1, second * len(rows) // max(1, end))]
        cameras[0].append(second)
        cameras[1].append(row['cameras'] + 8 * row['competitor'])
    figure = charts.lines('', {
        'latency, median of each second (ms)': latency, 'level, mean of all cameras (x 20)': level,
        'cameras (8 more: a competitor)': cameras}, x_label='seconds', y_range=(0.0, 120.0),
        width=760)
    start, stop = figure.index('<svg'), figure.index('</svg>') + len('</svg>')
    svg = figure[start:stop]
    if 'xmlns=' not in svg:
        svg = svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    Path('docs/load.svg').write_text(svg + '\n')


def main() -> int:
    """Go through the steps and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=20.0, help='length of each step')
    options = parser.parse_args()
    pipeline.isolate()
    run(options.seconds)
    print('written to docs/load.svg')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""A process whose ports of the shared memory were taken away starts again and hears again."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from fer_ros import conversions
from fer_ros.msg import FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.shared_ports import SharedPorts, unlinked
import numpy as np
from ros_support import Graph, wait_for
from sensor_msgs.msg import Image
from std_msgs.msg import Header

REPOSITORY = Path(__file__).parents[2]
NODE = REPOSITORY / 'scripts' / 'face_detector'


def ports_of(pid):
    """Return the files of the ports from which a process reads."""
    links = []
    for entry in Path(f'/proc/{pid}/fd').iterdir():
        try:
            links.append(os.readlink(entry))
        except OSError:
            continue
    return {Path(link.removesuffix('_el')) for link in links
            if '_port' in link and link.endswith('_el')}


def test_a_process_that_hears_nothing_any_more_starts_again(tmp_path):
    with open(tmp_path / 'log', 'w') as log:
        process = subprocess.Popen([sys.executable, NODE], stdout=log, stderr=log)
    try:
        with Graph() as graph:
            heard = graph.collect(FaceArray, 'faces', qos.RESULT)
            graph.publisher(Image, 'image_raw', qos.IMAGE)
            assert not heard and not unlinked(process.pid)
        ports = wait_for(lambda: ports_of(process.pid), what='the ports')
        for port in ports:
            port.unlink()
        assert unlinked(process.pid) == {int(port.name.rpartition('port')[2]) for port in ports}
        # Whoever sends to the old ports makes such files as well: what shows is the next start.
        wait_for(lambda: 'detector: ' in (tmp_path / 'log').read_text().partition(
            'starting again')[2], what='the start again')
        assert not unlinked(process.pid)
        with Graph() as graph:
            heard = graph.collect(FaceArray, 'faces', qos.RESULT)
            publisher = graph.publisher(Image, 'image_raw', qos.IMAGE)

            def answered():
                publisher.publish(conversions.array_to_image(
                    np.full((120, 160), 90, np.uint8), 'mono8',
                    Header(stamp=graph.node.get_clock().now().to_msg())))
                return heard
            wait_for(answered, what='faces')
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert 'Traceback' not in (tmp_path / 'log').read_text()


def test_a_process_whose_ports_are_there_has_lost_none():
    with Graph():
        wait_for(lambda: ports_of('self'), what='the ports')
        ports = SharedPorts()
        ports._due_s = 0.0
        assert not unlinked() and not ports.lost()

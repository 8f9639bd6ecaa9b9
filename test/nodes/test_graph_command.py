# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402


def ask(*arguments):
    return subprocess.run([sys.executable, '-m', 'fer_ros.cli.graph', '--wait', '1', *arguments],
                          capture_output=True, text=True, timeout=60)


def test_the_graph_of_a_live_system(graph):
    graph.add(EmotionClassifierNode)
    graph.node.create_publisher(FaceArray, 'faces', qos.IMAGE)  # best effort: does not match
    graph.collect(EmotionArray, 'emotions', qos.RESULT)
    done = ask('--json')
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert {'/emotion_classifier', '/test_node'} <= set(seen['nodes'])
    assert seen['states']['/emotion_classifier'] == 'active'
    faces, emotions = seen['topics']['/faces'], seen['topics']['/emotions']
    assert faces['types'] == ['fer_ros/msg/FaceArray']
    assert faces['publishers'] == [{'node': '/test_node', 'qos': 'best effort, volatile'}]
    assert faces['mismatches'] == ['/test_node offers best effort, volatile, /emotion_classifier '
                                   'asks for reliable, volatile: nothing arrives']
    assert emotions['subscriptions'][0]['node'] == '/test_node' and not emotions['mismatches']
    assert '/diagnostics' not in seen['topics']
    text = ask('--all').stdout
    assert '/emotion_classifier  [active]' in text and '/diagnostics' in text and '!!' in text

# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros.cli.graph import render  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from ros_support import wait_for  # noqa: E402


def test_the_graph_of_a_live_system(graph):
    graph.add(EmotionClassifierNode)
    graph.node.create_publisher(FaceArray, 'faces', qos.IMAGE)  # best effort: does not match
    graph.collect(EmotionArray, 'emotions', qos.RESULT)

    def ask():
        done = subprocess.run([sys.executable, '-m', 'fer_ros.cli.graph', '--json'],
                              capture_output=True, text=True, timeout=120)
        seen = json.loads(done.stdout or '{}')
        # It looks for a while only: on a busy machine it may find a part.
        return done.returncode == 0 and '/emotion_classifier' in seen['states'] and all(
            seen['topics'].get(topic, {}).get(ends) for topic, ends in (
                ('/faces', 'mismatches'), ('/emotions', 'subscriptions'))) and seen
    seen = wait_for(ask, what='the graph with the classifier and its state')
    assert {'/emotion_classifier', '/test_node'} <= set(seen['nodes'])
    assert seen['states']['/emotion_classifier'] == 'active'
    faces, emotions = seen['topics']['/faces'], seen['topics']['/emotions']
    assert faces['types'] == ['fer_ros/msg/FaceArray']
    assert {'node': '/test_node', 'qos': 'best effort, volatile'} in faces['publishers']
    sentence = ('/test_node offers best effort, volatile, /emotion_classifier requests reliable, '
                'volatile: nothing arrives')
    assert sentence in faces['mismatches']
    assert '/test_node' in [end['node'] for end in emotions['subscriptions']]
    assert '/diagnostics' not in seen['topics']
    text = render(seen, seen['states'])
    assert '  /emotion_classifier  [active]' in text.splitlines()
    assert f'    !! {sentence}' in text.splitlines()

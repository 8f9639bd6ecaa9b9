# SPDX-License-Identifier: Apache-2.0
"""Each process loads what it needs: what others need would count as its memory."""

import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')

#: Of several MiB each, and not needed to find or read faces.
NEVER = ('ssl', 'http.client', 'pydantic', 'scipy', 'paho', 'aiohttp', 'websocket')


@pytest.mark.parametrize('ready, absent', [
    ('from fer_ros.perception import create_finder as make, DETECTOR_PARAMETERS as table\n'
     'import fer_ros.nodes.face_detector', ('onnxruntime', 'hashlib')),
    ('from functools import partial\n'
     'from fer_ros.perception import EmotionReader, CLASSIFIER_PARAMETERS as table\n'
     "make = partial(EmotionReader, ['faces'])\n"
     'import fer_ros.nodes.emotion_classifier', ('onnxruntime', 'hashlib', 'numpy.random'))],
    ids=['face_detector', 'emotion_classifier'])
def test_a_node_loads_what_it_needs_alone(ready, absent):
    code = (f'import sys\n{ready}\nfrom fer_ros.parameters import defaults\n'
            'made = make(defaults(table))\nprint(*sorted(sys.modules))')
    loaded = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True,
                            text=True).stdout.split()
    assert len(loaded) > 200 and not {*NEVER, *absent} & set(loaded)

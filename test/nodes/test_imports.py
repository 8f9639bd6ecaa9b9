# SPDX-License-Identifier: Apache-2.0
"""Each process loads what it needs: what others need would count as its memory."""

import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')

#: Of several MiB each, and not needed to find or read faces.
NEVER = ('ssl', 'http.client', 'pydantic', 'scipy', 'paho', 'aiohttp', 'websocket', 'numpy.ma',
         'importlib.metadata')


@pytest.mark.parametrize('node, imports, used, absent', [
    ('face_detector',
     'from fer_ros.perception import create_finder as make, DETECTOR_PARAMETERS as table\n'
     'import numpy as np',
     'made.process(np.zeros((240, 320, 3), np.uint8), 0.0)', ('onnxruntime', 'hashlib')),
    ('emotion_classifier',
     'from functools import partial\n'
     'from fer_ros.perception import EmotionReader, CLASSIFIER_PARAMETERS as table\n'
     "make = partial(EmotionReader, ['faces'])", '',
     ('onnxruntime', 'hashlib', 'numpy.random'))],
    ids=['face_detector', 'emotion_classifier'])
def test_a_node_loads_what_it_needs_alone(node, imports, used, absent):
    code = (f'import sys\nfrom fer_ros.start_checks import ready\nassert ready("{node}")\n'
            f'{imports}\nimport fer_ros.nodes.{node}\n'
            'from fer_ros.parameters import defaults\n'
            f'made = make(defaults(table))\n{used}\nprint(*sorted(sys.modules))')
    loaded = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True,
                            text=True).stdout.split()
    assert len(loaded) > 200 and not {*NEVER, *absent} & set(loaded)

# SPDX-License-Identifier: Apache-2.0
"""The libraries that run the networks keep no account of the machine for their makers."""

import os
import subprocess
import sys

import pytest

pytest.importorskip('onnxruntime')

DETECT = """
import numpy as np
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.faces.detection import create_detector
create_detector('auto').detect(np.zeros((96, 128, 3), np.uint8))
EmotionClassifier().classify(np.zeros((1, 48, 48), np.uint8))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='where the files lie is known on Linux')
def test_nothing_is_written_about_the_user(tmp_path):
    # Telemetry switches itself off in continuous integration and where its makers' switch is set.
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('CI', 'ORT_DISABLE_TELEMETRY', 'ORT_TELEMETRY_DISABLED')
                   and not name.startswith(('XDG_', 'GITHUB_'))}
    environment['HOME'] = str(tmp_path)
    subprocess.run([sys.executable, '-c', DETECT], env=environment, check=True, timeout=120)
    assert [str(path) for path in tmp_path.rglob('*') if path.is_file()] == []

# SPDX-License-Identifier: Apache-2.0
"""Measure peer packages on the same frames, if installed (extra ``bench-peers``)."""

from importlib.util import find_spec
import os
from pathlib import Path
import tempfile
import time

import cv2
from fer_ros.bench import measure
from fer_ros.bench.stages import CorePipeline, looped, threads_of_nodes
import numpy as np


def compare(frames: list[np.ndarray], seconds: float = 10.0) -> dict[str, dict]:
    """Measure each peer's CPU and wall time per frame, and the ratio to ours.

    Ours is measured again beside each peer, pair by pair, so that a machine that changes its
    speed does not change the ratio.
    """
    rows = {}
    for name, module, factory in (("the study's loop", 'keras', _study),
                                ('fer package', 'fer', _fer),
                                ('ROS4HRI-shaped', 'tensorflow', _one_face_at_a_time)):
        if find_spec(module) is None:
            rows[name] = {'skipped': f'{module} is not installed (make bench installs it; '
                                     'with pip: .[bench-peers])'}
            continue
        try:
            peer = factory()
        except (ImportError, cv2.error, OSError) as error:
            rows[name] = {'skipped': f'cannot be run here: {error}'}
            continue
        theirs = _per_frame(peer, frames, seconds)
        with threads_of_nodes():
            ours = _per_frame(CorePipeline(), frames, seconds)
        rows[name] = {**theirs, 'ours_cpu_ms': ours['cpu_ms'],
                      'cpu_ratio': round(theirs['cpu_ms'] / ours['cpu_ms'], 1)}
    return rows


def _per_frame(function, frames: list[np.ndarray], seconds: float) -> dict:
    following = looped(frames)
    for _ in range(3):
        function(following())
    walls, cpu = [], time.process_time()
    end = time.perf_counter() + seconds
    while len(walls) < 10 or time.perf_counter() < end:
        start = time.perf_counter()
        function(following())
        walls.append((time.perf_counter() - start) * 1e3)
    return {'wall_ms': measure.figures(walls),
            'cpu_ms': round((time.process_time() - cpu) / len(walls) * 1e3, 3)}


def _study_network():
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    try:
        from fer_ros_training.networks import study
    except ImportError:
        from training.networks import study
    return study()


def _study():
    """Haar cascade (1.3, 5), then one Keras predict per face, as in the study."""
    network = _study_network()
    cascade = cv2.CascadeClassifier(
        os.path.join(cv2.data.haarcascades, 'haarcascade_frontalface_default.xml'))

    def frame(image):
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in cascade.detectMultiScale(gray, 1.3, 5):
            face = cv2.resize(gray[y:y + h, x:x + w], (48, 48))
            network.predict(face[np.newaxis, :, :, np.newaxis].astype(np.float32), verbose=0)
    return frame


def _fer():
    from fer.fer import FER
    return FER().detect_emotions


def _one_face_at_a_time():
    """One face at a time through OpenCV's dnn, each at most twice per second."""
    import keras
    import tensorflow
    signature = [keras.InputSpec(shape=(1, 48, 48, 1), dtype='float32', name='image')]
    with tempfile.TemporaryDirectory() as folder:
        saved, path = os.path.join(folder, 'saved'), os.path.join(folder, 'network.tflite')
        _study_network().export(saved, input_signature=signature, verbose=False)
        Path(path).write_bytes(
            tensorflow.lite.TFLiteConverter.from_saved_model(saved).convert())
        net = cv2.dnn.readNetFromTFLite(path)
    detector = CorePipeline().detector
    state = {'frame': 0}

    def frame(image):
        state['frame'] += 1
        faces = detector.detect(image)
        if state['frame'] % 15:
            return
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        for face in faces:
            x, y = int(max(0, face.box.x)), int(max(0, face.box.y))
            cut = gray[y:y + int(face.box.height), x:x + int(face.box.width)]
            net.setInput(cv2.resize(cut, (48, 48)).astype(np.float32)[None, None])
            net.forward()
    return frame

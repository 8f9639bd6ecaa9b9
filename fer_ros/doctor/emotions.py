# SPDX-License-Identifier: Apache-2.0
"""Check the emotion networks' files, and time the default one."""

from collections.abc import Iterator
import hashlib
from pathlib import Path

from fer_ros.doctor.detector import least_ms
from fer_ros.doctor.finding import Finding, Level, Request

_TRIES = 20


def check(request: Request) -> Iterator[Finding]:
    """Compare every shipped file with its checksum, then classify a face."""
    from fer_ros.emotions.classification import DEFAULT_MODEL, EmotionClassifier, MODEL_DIR
    from fer_ros.errors import ConfigurationError
    import numpy as np
    faults = [fault for path in sorted(MODEL_DIR.glob('*.tflite'))
              for fault in flaws(path)]
    for fault in faults:
        yield Finding('emotions', Level.ERROR, fault)
    try:
        classifier = EmotionClassifier()
    except ConfigurationError as error:
        if not any(DEFAULT_MODEL in fault for fault in faults):
            yield Finding('emotions', Level.ERROR, str(error))
        return
    side = classifier.input_side_px
    faces = np.random.default_rng(0).integers(0, 255, (1, side, side), np.uint8)
    took_ms = least_ms(lambda: classifier.classify(faces), _TRIES)
    yield Finding('emotions', Level.OK, f'{classifier.name} is intact; {took_ms:.2f} ms per face',
                  values={'model': classifier.name, 'face (ms)': round(took_ms, 3)})


def flaws(path: Path) -> Iterator[str]:
    """Yield what is wrong with a network's file and the metadata beside it."""
    from fer_ros.emotions.classification import load_companion, load_metadata
    from fer_ros.errors import ConfigurationError
    try:
        metadata = load_metadata(path)
        if hashlib.sha256(path.read_bytes()).hexdigest() != metadata.sha256:
            yield (f'model {path} is damaged: its checksum does not match '
                   f'{path.stem}.json; reinstall the package')
        if metadata.together_with:
            load_companion(metadata)
    except (ConfigurationError, OSError) as error:
        yield str(error)

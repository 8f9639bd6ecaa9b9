# SPDX-License-Identifier: Apache-2.0
"""Check which face detector 'auto' selects here, its problems and its speed."""

from collections.abc import Iterator
import time

from fer_ros.doctor.finding import Finding, Level, Request

_TRIES = 5


def check(request: Request) -> Iterator[Finding]:
    """Create the detector that 'auto' selects and run it on a few images of noise."""
    from fer_ros.errors import ConfigurationError
    from fer_ros.faces.detection import create_detector
    import numpy as np
    try:
        detector = create_detector('auto')
    except ConfigurationError as error:
        yield Finding('detector', Level.ERROR, str(error))
        return
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    took_ms = least_ms(lambda: detector.detect(image), _TRIES)
    values = {'detector': detector.name, 'image of 640x480 (ms)': round(took_ms, 2)}
    message = f'auto selects {detector.description}; {took_ms:.1f} ms per 640x480 image'
    yield Finding('detector', Level.WARN if detector.warnings else Level.OK,
                  '; '.join([message, *detector.warnings]), values=values)


def least_ms(work, tries: int) -> float:
    """Return the shortest time of several calls after a warm-up, milliseconds."""
    work()
    times = []
    for _ in range(tries):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return min(times) * 1e3

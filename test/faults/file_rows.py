# SPDX-License-Identifier: Apache-2.0
"""Rows of files: hostile policies, damaged and truncated images."""

from pathlib import Path
import re
import resource
import time

import cv2
from fer_ros.cameras.encoded import decode
from fer_ros.errors import ConfigurationError, ImageError
from fer_ros.home.controller import HomeController
from fer_ros.home.policy import parse_policy
import numpy as np
from trial import row, Trial

_POLICIES = Path(__file__).resolve().parents[2] / 'config' / 'policies'
_PIECES = ('!!python/object:os.system ', '[' * 300, '{a: ' * 50, '&a [*a]', '<<: *x', '\ud800',
           '\x00', '\x1b[2J', '9' * 5000, '1e999', '-.inf', '.nan', '#ff0000', '"', "'", '\t', ':',
           '- ', '\r', '? ', '%YAML 1.2\n---\n', 'null', '{}', '[]', '\u202e', 'mqtt://x/set')
#: So long the reading of a file may take, seconds of a core.
_LONGEST_S = 3.0
#: ... and so much more memory than all before it, kB.
_MOST_KB = 200_000


@row('hostile policy files')
def policies(trial: Trial) -> None:
    """Each is refused with a line and a sentence, or a home runs with it."""
    texts = [path.read_text() for path in sorted(_POLICIES.glob('*.yaml'))]
    most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for random in trial.tries():
        text = random.choice(texts)
        for _ in range(random.choice([1, 1, 2, 5])):
            at = random.randrange(len(text) + 1)
            end = at + random.choice([0, 0, 1, 9, 200])
            lines = text.splitlines(True)
            text = random.choice([
                lambda: text[:at] + random.choice(_PIECES) + text[end:],
                lambda: text[:at] + text[end:],
                lambda: ''.join(random.sample(lines, len(lines))),
                lambda: text + ''.join(random.choices(lines, k=5)),
                lambda: re.sub(r'\d+(\.\d+)?', lambda _: random.choice(
                    ['-1', '0', '1e9', 'x', '""', '[1]']), text, count=random.randrange(1, 9)),
            ])()
        began_s = time.thread_time()
        try:
            home = HomeController(parse_policy(text, 'home.yaml'), dry_run=True)
        except ConfigurationError as error:
            trial.expect(all(re.match(r'home\.yaml:\d+: ', line)
                             for line in str(error).splitlines()), f'said: {str(error)[:80]!r}')
        except Exception as error:
            trial.expect(False, f'{type(error).__name__}: {str(error)[:80]}')
        else:
            try:
                home.tick(time.time())
            except Exception as error:
                trial.expect(False, f'ran with it: {type(error).__name__}: {str(error)[:80]}')
            home.close(time.time())
        trial.expect(time.thread_time() - began_s < _LONGEST_S, 'it took too long')
        used_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        trial.expect(used_kb - most_kb < _MOST_KB, 'it took much memory')
        most_kb = max(most_kb, used_kb)


@row('encoded images, changed and cut')
def images(trial: Trial) -> None:
    """Each is decoded or refused with a sentence, in time that its size allows."""
    picture = np.random.default_rng(1).integers(0, 255, (97, 64, 3), np.uint8)
    good = [cv2.imencode(suffix, picture, options)[1].tobytes() for suffix, options in (
        ('.jpg', []), ('.jpg', [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]), ('.png', []), ('.bmp', []),
        ('.webp', []), ('.webp', [cv2.IMWRITE_WEBP_QUALITY, 101]), ('.tiff', []))]
    most_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for random in trial.tries():
        data = bytearray(random.choice(good))
        for _ in range(random.choice([1, 1, 2, 8, 40])):
            at = random.randrange(min(len(data), random.choice([40, 400, 10**6])))
            data[at:at + random.choice([1, 1, 2, 4])] = random.choice([
                bytes([random.randrange(256)]), b'\xff' * 4, b'\0' * 4, b'\xff\xda', b''])
        if random.random() < 0.2:
            del data[random.randrange(len(data)):]
        began_s = time.thread_time()
        try:
            decode(bytes(data))
        except ImageError as error:
            trial.expect(str(error), 'no sentence')
        except Exception as error:
            trial.expect(False, f'{type(error).__name__}: {error}')
        trial.expect(time.thread_time() - began_s < _LONGEST_S, 'it took too long')
        used_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        trial.expect(used_kb - most_kb < _MOST_KB, 'it took much memory')
        most_kb = max(most_kb, used_kb)

# SPDX-License-Identifier: Apache-2.0
"""Choose the variant of a network that this CPU runs fastest."""

from dataclasses import dataclass
import random
import time

from fer_ros.errors import ConfigurationError
from fer_ros.inference.heap import trim
import numpy as np

from .classifier import EmotionClassifier
from .input_format import InputFormat
from .metadata import DEFAULT_MODEL, MODEL_DIR

#: Variants of a network, the default first. Which is faster depends on the
#: CPU's instructions: int8 requires those for dot products of bytes (VNNI, dotprod).
VARIANTS = ('int8', 'float16')

# Faces that each variant is timed on, after a warm-up.
_WARM_UP, _TIMED = 2, 9


@dataclass(frozen=True)
class Choice:
    """
    The chosen variant and the times of all.

    :ivar ms_per_face: milliseconds per face, one at a time, by the variant's name.
    """

    classifier: EmotionClassifier
    ms_per_face: dict[str, float]

    @property
    def ms(self) -> float:
        """Milliseconds per face of the chosen variant."""
        return self.ms_per_face[self.classifier.name]

    def __str__(self) -> str:
        times = ', '.join(f'{name} {ms:.2f} ms' for name, ms in self.ms_per_face.items())
        return f'{self.classifier.name} ({times} per face)'


def choose(model: str = '', *, variant: str = 'auto', **options) -> Choice:
    """
    Load a network in the variant that is fastest here; takes some 10 ms per variant.

    :param model: the name of a shipped network ('' is the default), all of whose variants are
        tried; or as for :class:`EmotionClassifier`, then there is nothing to choose.
    :param variant: 'auto', or which of :data:`VARIANTS` to use without trying the others.
    :param options: further arguments of :class:`EmotionClassifier`.
    :raises ConfigurationError: when the model cannot be used, or has no such variant.
    """
    network = str(model) or DEFAULT_MODEL.rpartition('_')[0]
    shipped = {name: MODEL_DIR / f'{network}_{name}.tflite' for name in VARIANTS}
    shipped = {name: path for name, path in shipped.items()
               if '/' not in network and path.is_file()}
    if variant != 'auto':
        if variant not in shipped:
            raise ConfigurationError(
                f'variant is {variant!r}, but the model {network} '
                + (f'has {", ".join(shipped)}' if shipped else
                   'is one file: set variant to auto, or model to a file'))
        shipped = {variant: shipped[variant]}
    classifiers = [EmotionClassifier(path, **options) for path in shipped.values()] or [
        EmotionClassifier(model, **options)]
    times = _times_s(classifiers)
    choice = Choice(classifiers[int(np.argmin(times))],
                    {one.name: 1000 * seconds for one, seconds in zip(classifiers, times)})
    del classifiers
    trim()  # 3 MiB of the others
    return choice


def _times_s(classifiers: list[EmotionClassifier]) -> list[float]:
    """Return each one's shortest time per face; they take turns so that load affects all."""
    faces = [_faces(one.input, _WARM_UP + _TIMED) for one in classifiers]
    best = [float('inf')] * len(classifiers)
    for i in range(_WARM_UP + _TIMED):
        for k, one in enumerate(classifiers):
            began_s = time.perf_counter()
            one.classify(faces[k][i][None])
            if i >= _WARM_UP:
                best[k] = min(best[k], time.perf_counter() - began_s)
    return best


def _faces(form: InputFormat, count: int) -> np.ndarray:
    shape = count, *form.crop_shape
    # numpy.random takes 2 MiB.
    noise = random.Random(1).randbytes(int(np.prod(shape)))
    return np.frombuffer(noise, np.uint8).reshape(shape)

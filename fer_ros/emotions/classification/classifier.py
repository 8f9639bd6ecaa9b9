# SPDX-License-Identifier: Apache-2.0
"""Turn face crops into probabilities of the seven emotions."""

from collections.abc import Sequence
from dataclasses import dataclass
import os

from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
from fer_ros.files import checksum
import numpy as np

from .input_format import InputFormat
from .metadata import load_metadata
from .outputs import Scalar
from .runtimes import Acceleration, load, ModelFailure
from .together import Together

#: Faces per invocation; more are split over several, so that memory stays bounded.
MAX_BATCH = 16

# Tolerance of the sum of an output's probabilities.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class Reading:
    """A network's results for a batch of faces.

    :ivar probabilities: float32 ``(n, 7)`` in the order of
        :class:`fer_ros.emotions.labels.Emotion`; each row sums to 1, rows of faces that are not
        ``valid`` are NaN.
    :ivar affect: float32 ``(n, 2)``, the model's own valence and arousal, [-1, 1], NaN where it
        predicts only one; None if it predicts neither.
    :ivar valid: bool ``(n,)``; False where the network returned NaN or infinity.
    """

    probabilities: np.ndarray
    affect: np.ndarray | None
    valid: np.ndarray


class EmotionClassifier:
    """Classifies batches of aligned faces into calibrated probabilities of the seven emotions.

    Not thread-safe.

    :param model_path: a ``.tflite``, ``.onnx`` or ``.keras`` file, the name of a shipped model, or
        '' for the default one.
    :param threads: threads of the runtime, at least 1.
    :param label_set: whose annotation of the emotions is published, a key of the
        metadata's label sets ('fer2013' or 'ferplus' in the shipped models); '' for the model's
        default.
    :param providers: for ONNX Runtime: see :class:`.runtimes.Acceleration`, also for the rest.
    :ivar warnings: requested options that are not available, one line each.
    :ivar notes: what a user should know about the labels, one line each.
    :raises ConfigurationError: when the model cannot be used.
    """

    def __init__(self, model_path: str | os.PathLike = '', *, threads: int = 1,
                 label_set: str = '', providers: Sequence[str] = (), delegate: str = '',
                 delegate_options: str = ''):
        if threads < 1:
            raise ConfigurationError(f'threads is {threads}, expected at least 1')
        self.metadata = load_metadata(model_path)
        self.label_set = label_set or self.metadata.default_label_set
        if self.label_set not in self.metadata.label_sets:
            raise ConfigurationError(
                f'label_set {label_set!r} is not in model {self.metadata.name}: it has '
                f'{", ".join(self.metadata.label_sets)}')
        content = self.metadata.path.read_bytes()
        digest = checksum(content)
        if self.metadata.sha256 and digest != self.metadata.sha256:
            raise ConfigurationError(
                f'model {self.metadata.path}: its SHA-256 is {digest[:12]}..., the metadata '
                f'beside it says {self.metadata.sha256[:12]}...; the file is damaged or is not '
                'the one the metadata belongs to')
        self.sha256 = digest
        acceleration = Acceleration(threads, tuple(providers), delegate, delegate_options)
        self._runtime = load(self.metadata.path, content, acceleration)
        self._outputs = sorted(
            {entry.output for entry in self.metadata.label_sets.values()}
            | {scalar.output for scalar in self._scalars if scalar})
        self._check_shapes()
        if self.metadata.together_with:
            self._runtime = Together(self._runtime, self.metadata, self._outputs, acceleration)
        self._check_answers()

    @property
    def name(self) -> str:
        """The model's name, as published with its results."""
        return self.metadata.name

    @property
    def input(self) -> InputFormat:
        """The crops it accepts."""
        return self.metadata.input

    @property
    def input_side_px(self) -> int:
        """The side of the crops, pixels."""
        return self.metadata.input_side_px

    @property
    def uncertain_below(self) -> float:
        """The probability below which the top class should be reported as uncertain, [0, 1]."""
        return self.metadata.label_sets[self.label_set].uncertain_below

    @property
    def runs_on(self) -> str:
        """The runtime, and where it runs."""
        return self._runtime.description

    @property
    def warnings(self) -> list[str]:
        """Requested options that are not available."""
        return self._runtime.warnings

    @property
    def notes(self) -> list[str]:
        """What a user should know about the labels."""
        return list(self.metadata.notes(self.label_set))

    @property
    def _scalars(self) -> tuple[Scalar | None, Scalar | None]:
        return self.metadata.valence, self.metadata.arousal

    def classify(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities of the emotions in each crop.

        :param crops: uint8 ``(n, side, side)`` gray, or ``(n, side, side, 3)`` BGR if the model
            takes color; n may be 0; a sequence of crops is accepted.
        :returns: float32 ``(n, 7)`` in the order of :class:`fer_ros.emotions.labels.Emotion`; each
            row sums to 1, or is NaN where the network returned NaN.
        :raises ValueError: when the crops have another shape or type.
        """
        return self.read(crops).probabilities

    def read(self, crops: np.ndarray) -> Reading:
        """Return all that the network predicts for each crop; parameters as for :meth:`classify`.

        :raises ModelFailure: when the runtime fails; later crops may work.
        """
        outputs = self._run(crops)
        entry = self.metadata.label_sets[self.label_set]
        values = outputs[entry.output].reshape(-1, len(entry.labels))
        valid = np.isfinite(values).all(axis=1)
        result = np.full((len(values), len(LABELS)), np.nan, np.float32)
        result[valid] = probabilities(entry.logits(values[valid]), entry.temperature)
        affect = None
        if any(self._scalars):
            affect = np.stack([
                scalar.read(outputs[scalar.output]) if scalar else np.full(len(values), np.nan)
                for scalar in self._scalars], axis=1).astype(np.float32)
        return Reading(result, affect, valid)

    def logits(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Return the uncalibrated logits of every label set.

        :returns: by name, float32 ``(n, 7 + further)``: our emotions in our order, then
            the labels that are not ours, in the model's order.
        """
        outputs = self._run(crops)
        return {name: entry.logits(outputs[entry.output].reshape(-1, len(entry.labels)))
                for name, entry in self.metadata.label_sets.items()}

    def _run(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        crops = np.asarray(crops)
        shape = self.input.crop_shape
        if len(crops) == 0:
            return {name: np.empty((0, self._width(name)), np.float32) for name in self._outputs}
        if crops.shape[1:] != shape or crops.dtype != np.uint8:
            raise ValueError(f'crops of shape {crops.shape} and type {crops.dtype}, expected '
                             f'uint8 (n, {", ".join(map(str, shape))})')
        size = self._batch or MAX_BATCH
        chunks = []
        for start in range(0, len(crops), size):
            blob = self.input.blob(crops[start:start + size])
            count = len(blob)
            if self._batch and count < size:
                blob = np.concatenate([blob, np.repeat(blob[:1], size - count, axis=0)])
            found = self._runtime.run(blob, self._outputs)
            chunks.append([values.reshape(len(blob), -1)[:count] for values in found])
        return {name: np.concatenate([chunk[i] for chunk in chunks])
                for i, name in enumerate(self._outputs)}

    def _width(self, output: str) -> int:
        return next((len(entry.labels) for entry in self.metadata.label_sets.values()
                     if entry.output == output), 1 + max(
            (scalar.index for scalar in self._scalars if scalar and scalar.output == output),
            default=0))

    def _check_shapes(self) -> None:
        """Refuse metadata whose shapes do not match the file."""
        source, runtime = self.metadata.source, self._runtime
        self._batch = 0
        if runtime.input_shape:
            self._batch = runtime.input_shape[0] or 0
            expected = self.input.sample_shape
            actual = runtime.input_shape[1:]
            if len(actual) != 3 or any(size not in (None, wanted)
                                       for size, wanted in zip(actual, expected)):
                raise ConfigurationError(
                    f'model {self.metadata.path}: its input is {_text(runtime.input_shape)}, the '
                    f'metadata says {self.input} as {self.input.layout}: correct input.side_px, '
                    f'input.color or input.layout in {source.name}')
        has = {name: shape[-1] if shape else None
               for name, shape in runtime.output_shapes.items()}
        for name, entry in self.metadata.label_sets.items():
            if entry.output not in has or has[entry.output] not in (None, len(entry.labels)):
                raise ConfigurationError(
                    f'model {self.metadata.path}: {len(entry.labels)} labels for the output '
                    f'{entry.output!r}, the model has {has}: correct label_sets.{name} in '
                    f'{source.name}')
        for name, scalar in zip(('valence', 'arousal'), self._scalars):
            if scalar and (scalar.output not in has or has[scalar.output] is not None
                           and scalar.index >= has[scalar.output]):
                raise ConfigurationError(
                    f'model {self.metadata.path}: no value {scalar.index} in an output '
                    f'{scalar.output!r}, the model has {has}: correct {name} in {source.name}')

    def _check_answers(self) -> None:
        """Refuse a file that cannot be run, or whose outputs contradict its metadata."""
        try:
            outputs = self._run(probe_crops(self.input))
        except ModelFailure as error:
            raise ConfigurationError(f'model {self.metadata.path}: loaded, but cannot be run '
                                     f'({error})') from error
        for name, entry in self.metadata.label_sets.items():
            values = outputs[entry.output]
            if values.shape[1] != len(entry.labels):
                raise ConfigurationError(
                    f'model {self.metadata.path}: the output {entry.output!r} has '
                    f'{values.shape[1]} numbers, label_sets.{name}.labels in '
                    f'{self.metadata.source.name} has {len(entry.labels)}')
            if not np.isfinite(values).all():
                raise ConfigurationError(
                    f'model {self.metadata.path}: the output {entry.output!r} is not finite for '
                    'test pictures: the file is damaged, or input.range, mean or std in '
                    f'{self.metadata.source.name} are not the ones it was trained with')
            found = 'softmax' if are_probabilities(values) else 'logits'
            if found != entry.activation and len(entry.labels) > 1:
                raise ConfigurationError(
                    f'{self.metadata.source}: label_sets.{name}.activation is '
                    f'{entry.activation!r}, but the output {entry.output!r} '
                    + ('holds probabilities: set it to softmax' if found == 'softmax' else
                       'does not hold probabilities that sum to 1: set it to logits'))


def probe_crops(form: InputFormat) -> np.ndarray:
    """Return a few test images for a network, uint8 ``(n, *crop_shape)``."""
    side = form.side_px
    ramp = np.linspace(0, 255, side)
    gray = np.stack([np.full((side, side), 127.0), np.tile(ramp, (side, 1)),
                     (ramp[:, None] + ramp[::-1]) / 2]).astype(np.uint8)
    return gray if form.channels == 1 else np.repeat(gray[..., None], 3, axis=-1)


def are_probabilities(values: np.ndarray) -> bool:
    """Return whether every row could be a distribution."""
    return bool((values >= -1e-4).all()
                and (abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE).all())


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax over the seven emotions, float32 ``(n, 7)``.

    Additional classes (contempt) are dropped first, which equals dropping them afterwards and
    normalizing the rest.
    """
    scaled = np.asarray(logits, np.float64)[:, :len(LABELS)] / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
    exponentials = np.exp(scaled)
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def _text(shape: tuple[int | None, ...]) -> str:
    return 'x'.join('?' if size is None else str(size) for size in shape)


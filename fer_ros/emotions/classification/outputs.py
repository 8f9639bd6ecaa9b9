# SPDX-License-Identifier: Apache-2.0
"""What a network gives: classes that mean emotions, and single values."""

from dataclasses import dataclass, field

from fer_ros.emotions.labels import Emotion, LABELS
import numpy as np

from .fields import Fields, UNKNOWN
from .label_mapping import emotion_of, is_further

#: The logit of an emotion that a model does not have: never predicted.
NO_LOGIT = -1e4
_LABEL_SET_KEYS = ('labels', 'output', 'activation', 'map', 'temperature', 'uncertain_below',
                   'training_shares', 'neutral_reading')


@dataclass(frozen=True)
class LabelSet:
    """A classification output of a network and the meaning of its values.

    :ivar labels: the classes in the order of the output, in the model's own words.
    :ivar output: the output's name in the model.
    :ivar temperature: logits are divided by it before the softmax, > 0 (C. Guo et al. 2017).
    :ivar uncertain_below: a top class below this is reported as uncertain, [0, 1].
    :ivar activation: what the output contains: 'logits', or 'softmax' (probabilities).
    :ivar emotions: the emotion that each label means; None: the label is not published.
    :ivar training_shares: float64 ``(7,)`` in the order of our emotions, sum 1: class shares of
        the training data, which the probabilities reflect; None: unknown.
    :ivar neutral_reading: float64 ``(7,)`` in that order: the geometric mean of the
        probabilities of neutral faces outside the training data; None: unknown.
    """

    labels: tuple[str, ...]
    output: str
    temperature: float = 1.0
    uncertain_below: float = 0.0
    activation: str = 'logits'
    emotions: tuple[Emotion | None, ...] = ()
    training_shares: np.ndarray | None = field(default=None, compare=False)
    neutral_reading: np.ndarray | None = field(default=None, compare=False)

    @property
    def further(self) -> tuple[str, ...]:
        """The labels that are not among our emotions."""
        return tuple(label for label, emotion in zip(self.labels, self.emotions)
                     if emotion is None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Our emotions that the model does not have."""
        return tuple(emotion.label for emotion in Emotion if emotion not in self.emotions)

    def logits(self, values: np.ndarray) -> np.ndarray:
        """Return an output's values as logits in our order, then those of additional labels.

        The probabilities of labels with the same emotion are added; an emotion without a label
        gets :data:`NO_LOGIT`.

        :param values: float ``(n, labels)``.
        :returns: float32 ``(n, 7 + further)``.
        """
        if self.activation == 'softmax':
            with np.errstate(invalid='ignore'):
                values = np.log(np.maximum(values, 1e-12))
        if self.emotions[:len(Emotion)] == tuple(Emotion) and \
                set(self.emotions[len(Emotion):]) <= {None}:
            return values
        columns = []
        for emotion in Emotion:
            own = [i for i, meant in enumerate(self.emotions) if meant is emotion]
            columns.append(np.logaddexp.reduce(values[:, own], axis=1) if own
                           else np.full(len(values), NO_LOGIT))
        columns += [values[:, i] for i, meant in enumerate(self.emotions) if meant is None]
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Scalar:
    """A single value in a network's output.

    :ivar output: the output's name.
    :ivar index: its index in the output.
    :ivar range: the values that are scaled to -1 and 1.
    """

    output: str
    index: int
    range: tuple[float, float]

    def read(self, values: np.ndarray) -> np.ndarray:
        """Return the value in each row of ``(n, values)``, [-1, 1]; NaN stays NaN."""
        low, high = self.range
        number = values[:, self.index].astype(np.float64)
        return np.clip((number - low) / (high - low) * 2 - 1, -1, 1)


def read_label_set(fields: Fields) -> LabelSet:
    """Return the label set that a part of ``label_sets`` in a metadata file describes.

    :raises ConfigurationError: names the field.
    """
    fields.refuse_unknown(_LABEL_SET_KEYS, similar_only=True)
    labels = fields.get('labels')
    if not isinstance(labels, list) or not labels or \
            not all(isinstance(label, str) for label in labels):
        raise fields.error('labels', labels, 'a list of strings (words such as no and on in '
                                             'quotes)')
    if UNKNOWN in labels:
        raise fields.error('labels', UNKNOWN, "the network's classes in its order")
    for label in labels:
        if labels.count(label) > 1:
            raise fields.error('labels', label, 'each label once')
    emotions = _emotions(fields, labels)
    return LabelSet(tuple(labels), fields.text('output'),
                    fields.number('temperature', 1.0, above=0),
                    fields.number('uncertain_below', 0.0, low=0, high=1),
                    fields.text('activation', 'logits', ('logits', 'softmax')), emotions,
                    *(_distribution(fields, key, emotions)
                      for key in ('training_shares', 'neutral_reading')))


def _distribution(fields: Fields, key: str,
                  emotions: tuple[Emotion | None, ...]) -> np.ndarray | None:
    """Return a value for each label as shares of our emotions, or None if absent."""
    if key not in fields:
        return None
    values = fields.numbers(key, (len(emotions),))
    if not all(0 < value <= 1 for value in values):
        raise fields.error(key, list(values), 'a number above 0, at most 1, for each label')
    shares = np.zeros(len(Emotion))
    for emotion, value in zip(emotions, values):
        if emotion is not None:
            shares[emotion] += value
    # An emotion that the model does not have is never predicted, whatever the divisor.
    shares[shares == 0] = shares.max()
    return shares / shares.sum()


def _emotions(fields: Fields, labels: list[str]) -> tuple[Emotion | None, ...]:
    """Return what each label means: by ``map``, or else by the common names."""
    chosen = fields.part('map', {})
    for word, label in chosen.values.items():
        if word not in labels:
            raise chosen.error(str(word), label, f'a label of the model: {", ".join(labels)}')
        if label is not None and label not in LABELS:
            raise chosen.error(str(word), label, f'one of {", ".join(LABELS)}, or null to skip '
                               'it')
    emotions = []
    for word in labels:
        if word in chosen.values:
            label = chosen.values[word]
            emotions.append(None if label is None else Emotion[label.upper()])
            continue
        emotion = emotion_of(word)
        if emotion is None and not is_further(word):
            raise fields.error('labels', word, f'one of {", ".join(LABELS)}; say in '
                               f'{fields.place("map")} which it means, or null to skip it')
        if emotion is not None and emotion in emotions:
            raise fields.error('labels', word, f'one label that means {emotion.label}; say in '
                               f'{fields.place("map")} that both do')
        emotions.append(emotion)
    if not any(emotion is not None for emotion in emotions):
        raise fields.error('labels', labels, f'at least one of {", ".join(LABELS)}')
    return tuple(emotions)


def read_scalar(fields: Fields) -> Scalar:
    """Return the value that the part ``valence`` or ``arousal`` of a metadata file describes.

    :raises ConfigurationError: names the field.
    """
    fields.refuse_unknown(('output', 'index', 'range'))
    low, high = fields.numbers('range', (2,), (-1, 1))
    if low == high:
        raise fields.error('range', [low, high], 'two different numbers')
    return Scalar(fields.text('output'), fields.whole('index', 0, low=0, high=10_000), (low, high))

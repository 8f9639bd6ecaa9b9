# SPDX-License-Identifier: Apache-2.0
"""Aggregate the people in a room to one reading."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.types import FaceEmotion
import numpy as np


@dataclass(frozen=True)
class Reading:
    """The aggregated emotion of a room at one moment.

    :ivar probabilities: float64 ``(7,)`` in the order of
        :class:`fer_ros.emotions.labels.Emotion`; all zero when the room abstains.
    :ivar valence: and ``arousal``, [-1, 1]; 0 when the room abstains.
    :ivar voters: number of faces that were certain enough to count.
    :ivar primary: the face that ``primary_person`` follows, or None.
    :ivar why: why the room abstains, or empty.
    """

    probabilities: np.ndarray = field(default_factory=lambda: np.zeros(len(LABELS)))
    valence: float = 0.0
    arousal: float = 0.0
    voters: int = 0
    primary: Hashable | None = None
    why: str = ''

    @property
    def abstains(self) -> bool:
        """Whether there is no result."""
        return bool(self.why)


#: Another face must be larger by this factor to become the primary one.
_PRIMARY_FACTOR = 1.3


def aggregate(method: str, faces: Sequence[tuple[Hashable, FaceEmotion]], *,
              minimum_confidence: float = 0.0, minimum_quality: float = 0.0,
              primary: Hashable | None = None,
              weight_of: Callable[[Hashable], float] = lambda key: 1.0) -> Reading:
    """Return one reading for all faces.

    Faces that are uncertain, below the minima or of weight 0 do not vote.

    :param method: ``confidence_weighted`` (mean, weighted by confidence and quality),
        ``max_confidence`` (the most certain face), ``majority`` (mean of the faces of the most
        common label; abstains on a tie), ``primary_person`` (the largest face, kept until it is
        gone or another is clearly larger), ``abstain_on_conflict`` (abstains when two labels are
        there).
    :param faces: each with a key that stays with the person.
    :param primary: the face that was primary before.
    :param weight_of: how much a face counts, [0, 1], by its key: its confidence, its size, and
        its vote.
    """
    if not faces:
        return Reading(why='nobody in view')
    chosen = list(faces)
    if method == 'primary_person':
        # Chosen among all faces: an uncertain main person must not hand over to a bystander.
        chosen = [_primary(chosen, primary, weight_of)]
        primary = chosen[0][0]
    else:
        primary = None
    sure = [(face, weight_of(key)) for key, face in chosen
            if face.label != UNCERTAIN and face.confidence >= minimum_confidence
            and face.quality >= minimum_quality]
    voters = [(face, weight) for face, weight in sure if weight > 0]
    if not voters:
        return Reading(primary=primary, why='everybody looks away' if sure
                       else 'no face is certain enough')
    if method == 'max_confidence':
        voters = [max(voters, key=lambda voter: voter[0].confidence * voter[1])]
    elif method == 'majority':
        votes: Counter[str] = Counter()
        for face, weight in voters:
            votes[face.label] += weight
        counts = votes.most_common(2)
        if len(counts) > 1 and counts[0][1] == counts[1][1]:
            return Reading(primary=primary, why='no majority')
        voters = [voter for voter in voters if voter[0].label == counts[0][0]]
    elif method == 'abstain_on_conflict' and len({face.label for face, _ in voters}) > 1:
        return Reading(primary=primary, why='people differ')
    weights = np.array([max(1e-6, face.confidence * face.quality) * weight
                        for face, weight in voters])
    weights /= weights.sum()
    voters = [face for face, _ in voters]
    return Reading(
        weights @ np.array([face.filtered for face in voters], float),
        float(weights @ [face.valence for face in voters]),
        float(weights @ [face.arousal for face in voters]), len(voters), primary)


def _primary(faces, previous, weight_of):
    def area(item):
        return item[1].box.width * item[1].box.height * weight_of(item[0])

    largest = max(faces, key=area)
    for item in faces:
        if item[0] == previous and area(item) * _PRIMARY_FACTOR >= area(largest):
            return item
    return largest

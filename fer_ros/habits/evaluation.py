# SPDX-License-Identifier: Apache-2.0
"""Evaluate the prediction of the next event, each before it is learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from .formats import Activity
from .sequence import Context, ORDER, SequenceModel

#: The first events, which only teach.
WARM_UP = 20


@dataclass(frozen=True)
class Score:
    """Results of a model on one resident.

    :ivar events: of the sequence.
    :ivar predicted: how many of them count, those after the first :data:`WARM_UP`.
    :ivar top1: share of them that were held the most probable.
    :ivar log_loss: mean of -ln of the probability given to what came.
    :ivar coverage: by nominal coverage, how often the interval for the time until the next
        event held it.
    """

    events: int
    predicted: int
    top1: float
    log_loss: float
    coverage: dict[float, float]


def evaluate(activities: Sequence[Activity], warm_up: int = WARM_UP) -> Score:
    """Walk through a resident's activities and score each prediction.

    What comes next is asked when an activity ends, when it comes as the activity begins: two
    models learn the same sequence, since how long ago the last event was differs.

    :raises ValueError: when there are no more than ``warm_up`` + 1 activities.
    """
    if len(activities) <= warm_up + 1:
        raise ValueError(f'{len(activities)} activities, expected more than {warm_up + 1}')
    what, when = SequenceModel(), SequenceModel()
    right, loss = 0, 0.0
    held = {0.5: 0, 0.9: 0}
    for i, (last, following) in enumerate(zip(activities, activities[1:]), 1):
        recent = tuple(a.name for a in reversed(activities[max(0, i - ORDER):i]))
        at_end, at_begin = Context(recent, last.end_s), Context(recent, last.begin_s)
        gap_s = following.begin_s - last.begin_s
        if i >= warm_up:
            prediction = what.predict(at_end)
            right += prediction.most_probable == following.name
            loss -= math.log(prediction.of(following.name))
            interval_of = when.predict(at_begin).interval_s
            for coverage in held:
                low, high = interval_of(coverage)
                held[coverage] += low <= gap_s <= high
        what.learn(at_end, following.name, following.begin_s - last.end_s)
        when.learn(at_begin, following.name, gap_s)
    predicted = len(activities) - warm_up
    return Score(len(activities), predicted, right / predicted, loss / predicted,
                 {coverage: count / predicted for coverage, count in held.items()})

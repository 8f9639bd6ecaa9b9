# SPDX-License-Identifier: Apache-2.0
"""The seven emotions and their order, shared by model, messages and policies."""

from enum import IntEnum


class Emotion(IntEnum):
    """The classes in FER2013's order; the value is the index in every probability vector."""

    ANGRY = 0
    DISGUST = 1
    FEAR = 2
    HAPPY = 3
    SAD = 4
    SURPRISE = 5
    NEUTRAL = 6

    @property
    def label(self) -> str:
        """The lower-case label used in messages, model metadata and policy files."""
        return self.name.lower()


#: Labels in the order of :class:`Emotion`.
LABELS: tuple[str, ...] = tuple(emotion.label for emotion in Emotion)

#: The label that is published when no class is probable enough.
UNCERTAIN = 'uncertain'

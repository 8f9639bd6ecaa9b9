# SPDX-License-Identifier: Apache-2.0
"""Map class names of other data sets to our emotions."""

from fer_ros.emotions.labels import Emotion, LABELS

#: Other names of the seven in data sets, lower case.
SYNONYMS = {
    'anger': 'angry', 'disgusted': 'disgust', 'afraid': 'fear', 'fearful': 'fear',
    'scared': 'fear', 'happiness': 'happy', 'joy': 'happy', 'sadness': 'sad',
    'surprised': 'surprise', 'normal': 'neutral', 'neutrality': 'neutral',
}
#: Classes of well-known data sets that are not among the seven: they are skipped.
FURTHER = ('contempt', 'unknown', 'uncertain', 'none', 'no-face', 'nf', 'other')


def emotion_of(word: str) -> Emotion | None:
    """Return the emotion that a word means in every data set we know, or None."""
    label = SYNONYMS.get(word.strip().lower(), word.strip().lower())
    return Emotion[label.upper()] if label in LABELS else None


def is_further(word: str) -> bool:
    """Return whether a word is a known class that is not one of the seven."""
    return word.strip().lower() in FURTHER

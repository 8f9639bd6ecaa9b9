# SPDX-License-Identifier: Apache-2.0
"""Other people's words for our emotions."""

from fer_ros.emotions.labels import Emotion, LABELS

#: Further words by which data sets call the seven, lower case.
SYNONYMS = {
    'anger': 'angry', 'disgusted': 'disgust', 'afraid': 'fear', 'fearful': 'fear',
    'scared': 'fear', 'happiness': 'happy', 'joy': 'happy', 'sadness': 'sad',
    'surprised': 'surprise', 'normal': 'neutral', 'neutrality': 'neutral',
}
#: Classes of well-known data sets that are none of the seven: they are skipped.
FURTHER = ('contempt', 'unknown', 'uncertain', 'none', 'no-face', 'nf', 'other')


def emotion_of(word: str) -> Emotion | None:
    """Return the emotion that a word means in every data set we know, or None."""
    label = SYNONYMS.get(word.strip().lower(), word.strip().lower())
    return Emotion[label.upper()] if label in LABELS else None


def is_further(word: str) -> bool:
    """Tell whether a word is known not to be one of the seven."""
    return word.strip().lower() in FURTHER

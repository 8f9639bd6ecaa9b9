# SPDX-License-Identifier: Apache-2.0
"""The colors of the emotions: one table for the page, drawings, markers and the terminal."""

from typing import NamedTuple

from fer_ros.emotions.labels import LABELS, UNCERTAIN


class EmotionColor(NamedTuple):
    """One emotion's color as ``#rrggbb``, readable as text on either background.

    :ivar on_light: on white or light gray.
    :ivar on_dark: on black or dark gray; also the one for drawings on pictures.
    """

    on_light: str
    on_dark: str


#: By label, :data:`UNCERTAIN` last. The hues are Okabe and Ito's (2008), which color-blind people
#: can tell apart; each is darkened or lightened until text in it has a contrast of 4.5:1 (WCAG
#: 2.1). Color never carries a meaning alone: the label is written beside it.
EMOTION_COLORS: dict[str, EmotionColor] = dict(zip((*LABELS, UNCERTAIN), (
    EmotionColor('#c2410c', '#ff8a5c'),   # angry: vermilion
    EmotionColor('#00795a', '#3fcf9f'),   # disgust: bluish green
    EmotionColor('#a33d83', '#e79bcd'),   # fear: reddish purple
    EmotionColor('#7d6300', '#f0e442'),   # happy: yellow
    EmotionColor('#005f9e', '#6cb8f0'),   # sad: blue
    EmotionColor('#a05600', '#f5b04d'),   # surprise: orange
    EmotionColor('#5c6670', '#c8d0d8'),   # neutral: gray
    EmotionColor('#5c6670', '#a9b6c4'),   # uncertain: gray
)))


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``, each [0, 255]."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def bgr(label: str) -> tuple[int, int, int]:
    """Return a label's color on a dark background in OpenCV's order."""
    red, green, blue = rgb(EMOTION_COLORS[label].on_dark)
    return blue, green, red

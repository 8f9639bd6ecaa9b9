# SPDX-License-Identifier: Apache-2.0
"""The colors of the emotions: readable as text, wherever they are used."""

from pathlib import Path
import re

from fer_ros.emotions.colors import bgr, EMOTION_COLORS, rgb
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.faces.annotation import BACKGROUND
import pytest

STYLE = (Path(__file__).parents[2] / 'fer_ros' / 'dashboard' / 'static' / 'style.css').read_text()


def luminance(color):
    """Return the relative luminance of WCAG 2.1."""
    linear = [channel / 255 / 12.92 if channel <= 10 else ((channel / 255 + 0.055) / 1.055) ** 2.4
              for channel in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def grounds(theme):
    """Return what text of the page may stand on in a theme."""
    block = STYLE.partition('data-theme="dark"] {' if theme == 'dark' else ':root {')[2]
    return [re.search(rf'--{name}: (#[0-9a-f]{{6}});', block)[1] for name in ('page', 'card')]


def test_every_label_has_a_color():
    assert tuple(EMOTION_COLORS) == (*LABELS, UNCERTAIN)


@pytest.mark.parametrize('label', EMOTION_COLORS)
def test_text_in_a_color_can_be_read(label):
    colors = EMOTION_COLORS[label]
    for ground in grounds('light'):
        assert contrast(rgb(colors.on_light), rgb(ground)) >= 4.5, ground
    for ground in grounds('dark'):
        assert contrast(rgb(colors.on_dark), rgb(ground)) >= 4.5, ground
    assert contrast(rgb(colors.on_dark), (BACKGROUND,) * 3) >= 4.5


def test_the_contrast_is_that_of_wcag():
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    # The blue that labels on pictures once had.
    assert contrast((0, 114, 178), (30, 30, 30)) == pytest.approx(3.2, abs=0.1)


def test_opencv_gets_blue_first():
    assert bgr('sad') == rgb(EMOTION_COLORS['sad'].on_dark)[::-1]

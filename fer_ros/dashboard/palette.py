# SPDX-License-Identifier: Apache-2.0
"""The emotions' and the attention's colors as the page takes them: custom properties of CSS."""

from fer_ros.attention.colors import COLORS_BGR
from fer_ros.emotions.colors import EMOTION_COLORS


def stylesheet() -> str:
    """Return CSS with a property ``--LABEL`` for text and lines in the page's theme.

    ``--LABEL-on-dark`` is the one for pictures, whatever the theme; so is ``--attention-STATE``.
    """
    attention = ' '.join(f'--attention-{state}: #{red:02x}{green:02x}{blue:02x};'
                         for state, (blue, green, red) in COLORS_BGR.items())
    light = _block('', 'on_light')
    dark = _block('', 'on_dark')
    return (f':root {{ {light} {_block("-on-dark", "on_dark")} {attention} }}\n'
            '@media (prefers-color-scheme: dark) '
            f'{{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
            f':root[data-theme="dark"] {{ {dark} }}\n')


def _block(ending: str, ground: str) -> str:
    return ' '.join(f'--{label}{ending}: {getattr(color, ground)};'
                    for label, color in EMOTION_COLORS.items())

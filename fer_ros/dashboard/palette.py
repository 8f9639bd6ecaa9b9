# SPDX-License-Identifier: Apache-2.0
"""The emotions' colors as the page takes them: custom properties of CSS."""

from fer_ros.emotions.colors import EMOTION_COLORS


def stylesheet() -> str:
    """Return CSS with a property ``--LABEL`` for text and lines in the page's theme.

    ``--LABEL-on-dark`` is the one for pictures, whatever the theme.
    """
    light = _block('', 'on_light')
    dark = _block('', 'on_dark')
    return (f':root {{ {light} {_block("-on-dark", "on_dark")} }}\n'
            '@media (prefers-color-scheme: dark) '
            f'{{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
            f':root[data-theme="dark"] {{ {dark} }}\n')


def _block(ending: str, ground: str) -> str:
    return ' '.join(f'--{label}{ending}: {getattr(color, ground)};'
                    for label, color in EMOTION_COLORS.items())

# SPDX-License-Identifier: Apache-2.0
"""Data that ships with the package."""

from pathlib import Path

_HERE = Path(__file__).parent


def demo_clip_path() -> Path:
    """Return the path of the demonstration clip (see README.md beside it)."""
    return _HERE / 'demo.mp4'

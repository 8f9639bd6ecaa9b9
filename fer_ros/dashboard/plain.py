# SPDX-License-Identifier: Apache-2.0
"""Strict JSON for browsers, without NaN and infinity."""

import json
import math


def dumps(data: object) -> str:
    """Return data as JSON; NaN and infinity become null."""
    try:
        return json.dumps(data, separators=(',', ':'), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(data), separators=(',', ':'), allow_nan=False)


def whole(value: float) -> int:
    """Return a rounded number, 0 for NaN and infinity."""
    return round(value) if math.isfinite(value) else 0


def _finite(data: object) -> object:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return data

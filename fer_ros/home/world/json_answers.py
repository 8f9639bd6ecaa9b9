# SPDX-License-Identifier: Apache-2.0
"""Parse JSON responses of servers."""

import json
import math


def read_object(text: str | bytes) -> dict:
    """Return an answer's object, or an empty one for other values.

    Numbers that are not finite are None.

    :raises ValueError: when it is not JSON.
    """
    try:
        found = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except RecursionError as error:
        raise ValueError('too deeply nested') from error
    return found if isinstance(found, dict) else {}


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None

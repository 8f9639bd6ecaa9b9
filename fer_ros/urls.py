# SPDX-License-Identifier: Apache-2.0
"""Addresses as they may be shown."""

import re


def without_password(url: str) -> str:
    """Return a URL as it may be shown: the password is replaced."""
    return re.sub(r'(//[^/:@]*):[^/]*@', r'\1:***@', url)

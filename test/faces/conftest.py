# SPDX-License-Identifier: Apache-2.0
"""The detector that most tests of faces use."""

from detection_support import create_or_skip
import pytest


@pytest.fixture(scope='module')
def yunet():
    return create_or_skip('yunet')

# SPDX-License-Identifier: Apache-2.0
from habits_home import Evenings
import pytest


@pytest.fixture
def home(tmp_path):
    """Return a home that does what people say yes to."""
    return Evenings(tmp_path)

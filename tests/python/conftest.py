"""What several tests of the package need."""

import sys
import types

import pytest


@pytest.fixture
def kept():
    """A module whose variables hold what a test puts there."""
    module = sys.modules["kept"] = types.ModuleType("kept")
    yield module
    vars(module).clear()
    del sys.modules["kept"]

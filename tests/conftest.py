"""`platform`: a whole platform, started by `jianzhen up` once per test run and stopped by `jianzhen down`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from whole_platform import WholePlatform, whole_platform  # noqa: E402


@pytest.fixture(scope="session")
def platform() -> Iterator[WholePlatform]:
    """Everything runs and is ready; tests leave it ready."""
    with whole_platform() as running:
        yield running

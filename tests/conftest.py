"""`platform`: a whole platform, started by `jianzhen up` once per test run and stopped by `jianzhen down`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from whole_platform import WholePlatform, whole_platform  # noqa: E402

WHOLE = {"platform", "small"}


@pytest.fixture(scope="session")
def platform() -> Iterator[WholePlatform]:
    """Everything runs and is ready; tests leave it ready."""
    with whole_platform() as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a whole platform; what leaves a live city behind comes last."""
    for item in items:
        if WHOLE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.platform)
    items.sort(key=lambda item: "e2e" in item.path.parts)

"""`station`: a registered station to send for; `good`: somebody whose requests must not suffer."""

import itertools
from collections.abc import Iterator

import pytest
import stations
from whole_platform import WholePlatform

CODE = "131000-T01"


@pytest.fixture(scope="session")
def station(platform: WholePlatform) -> str:
    """The code of a station in the sender's reach, with hourly series."""
    stations.register(platform.client, CODE)
    return CODE


@pytest.fixture(scope="session")
def fresh_hours() -> Iterator[int]:
    """Numbers of past hours nobody has sent yet."""
    return itertools.count()

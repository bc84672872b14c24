"""Makes kit's fixtures known to every test of the workspace."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Their folders bear the packages' names: known first, the folders cannot be taken for them.
import gateway  # noqa: F401
import portal  # noqa: F401

# An example's wall time says how busy the machine is: what hangs is ended by the timeout of its test.
# The same examples in every run, so that a run fails by its own change only; new ones are `make fuzz`'s work.
settings.register_profile(
    "tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")
settings.register_profile("fuzz", derandomize=False, max_examples=2000, deadline=None)  # make fuzz

pytest_plugins = ["kit.testing.plugin"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, but what asks one Keycloak stays together: each worker would start its own, a minute each."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "tests/identity" if file.startswith("tests/identity/") else file

    return ByFile(config, log)

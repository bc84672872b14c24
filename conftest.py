"""Makes kit's fixtures known to every test of the workspace."""

from hypothesis import settings

# Their folders bear the packages' names: known first, the folders cannot be taken for them.
import gateway  # noqa: F401
import portal  # noqa: F401

settings.register_profile("fuzz", max_examples=2000, deadline=None)  # make fuzz

pytest_plugins = ["kit.testing.plugin"]

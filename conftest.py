"""Makes kit's fixtures known to every test of the workspace."""

# Their folders bear the packages' names: known first, the folders cannot be taken for them.
import gateway  # noqa: F401
import portal  # noqa: F401

pytest_plugins = ["kit.testing.plugin"]

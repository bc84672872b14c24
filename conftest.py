"""Makes kit's fixtures known to every test of the workspace."""

pytest_plugins = ["kit.testing.plugin"]

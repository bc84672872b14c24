"""A small city to demonstrate with: Langfang, its stations, units, loggers and officers, and some cheats."""

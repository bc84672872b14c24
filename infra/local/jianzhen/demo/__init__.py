"""A small city to demonstrate with: Langfang, its stations, discharge units, loggers, officers, some cheats."""

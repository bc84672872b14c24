"""A small city for the demonstration: Langfang with stations, discharge units, loggers, officers, some cheats."""

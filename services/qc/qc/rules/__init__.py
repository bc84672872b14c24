"""Pure judgement: no database, network, clock, environment, log or randomness."""

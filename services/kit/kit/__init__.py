"""How facts travel: settings, database, outbox, bus, auth, telemetry."""

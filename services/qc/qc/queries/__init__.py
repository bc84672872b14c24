"""SQL longer than a line. Telemetry moves as binary columns, never row by row."""

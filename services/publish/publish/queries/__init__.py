"""SQL longer than a line, as functions over a session."""

"""A tiny service that exists only to test kit."""

"""Typed events and wire types that travel between services."""

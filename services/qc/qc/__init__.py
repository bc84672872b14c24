"""Judges every value."""

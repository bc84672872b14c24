"""Receives readings and keeps the raw bytes."""

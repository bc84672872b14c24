"""Embedded identity issuer for a local run."""

"""Falsification tests: statistics over panels of series, their findings, and the combined score."""

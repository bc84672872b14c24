"""Sequence → integrate → witness → publish, and the way back after a restore."""

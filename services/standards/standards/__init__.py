"""Dated law and standards tables with pure functions."""

"""Judging a file: the rule pack of a profile, what a file may hold, every test at once."""

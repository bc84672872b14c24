"""Signed rule packs: all rules of one version in one file that nobody can change unseen."""

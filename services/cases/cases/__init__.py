"""Carries a suspicion to its legal end."""

"""The jianzhen command: the whole platform on one machine."""

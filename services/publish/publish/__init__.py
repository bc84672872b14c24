"""One agreed figure to the public."""

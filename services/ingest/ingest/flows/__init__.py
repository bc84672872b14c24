"""Load → decide → save → say, in one transaction committed at the edge by `kit`."""

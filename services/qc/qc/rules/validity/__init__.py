"""Validity and representativeness: which values count, what follows from them, and by which clause."""

"""The transparency log: every submission is a leaf; signed, witnessed, public."""

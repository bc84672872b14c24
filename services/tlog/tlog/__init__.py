"""Transparency log hashing and proofs, pure."""

"""Transparency log pieces: Merkle hashing and proofs, tiles, signed notes, checkpoints.

Promises: RFC 6962 hashing, C2SP tlog-tiles, signed-note and tlog-checkpoint formats; pure, imports nothing of
ours. Leaves to others: storage, signing keys and signature algorithms (a callable does both).
"""

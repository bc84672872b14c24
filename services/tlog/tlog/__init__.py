"""Transparency log pieces: Merkle hashing and proofs, tiles, signed notes, cosignatures, witnesses, receipts.

Promises: RFC 6962 hashing; C2SP tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature and tlog-witness
formats; pure, imports nothing of ours; on hostile input its own errors only. Leaves to others: storage, the
clock, randomness, the network. `python -m tlog verify …` checks files offline and needs nothing else of ours.
"""

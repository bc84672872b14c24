"""The flows of `cases`: load → decide (pure) → save → say, each in the one transaction of its door.

Promises: rows are locked lead first, then case, so a withdrawal from qc and an officer's act never pass each
other unseen; every change appends a step to the history. Leaves committing to `kit`.
"""

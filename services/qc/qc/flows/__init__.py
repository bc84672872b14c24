"""Load, decide by `qc.rules`, save, say: each flow in the transaction of its caller."""

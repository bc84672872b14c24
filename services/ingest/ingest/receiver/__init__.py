"""The TCP door for data loggers: HJ 212 frames in, receipts out.

Promises: a receipt is written after the commit only; slow, endless, silent and too many connections cost
bounded memory. Leaves what a frame means to `flows.frames`.
"""

from ingest.receiver.server import Door, Receiver

__all__ = ["Door", "Receiver"]

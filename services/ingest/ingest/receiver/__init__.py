"""The TCP door for data loggers: HJ 212 frames in, receipts out.

Promises: a receipt is written after the commit only; slow, endless, silent and too many connections cost
bounded memory; requests of the host go out on the connection of their device. Leaves what a frame means to
`flows.frames`, and what is said to devices to `flows.conversation`.
"""

from dataclasses import fields
from typing import Any

from ingest.flows.conversation import Conversation
from ingest.flows.frames import Reception
from ingest.flows.gaps import Senders
from ingest.flows.watch import Watch
from ingest.receiver.server import Door, Receiver

__all__ = ["Door", "Receiver", "make_receiver"]


def make_receiver(state: Any) -> Receiver:
    """The receiver for a service with this state (database, catalog, store, flood, settings)."""
    state.watch, state.senders = Watch(), Senders()
    state.conversation = conversation = Conversation(state.database, state.catalog)
    state.reception = reception = Reception(
        state.catalog, state.store, state.flood, state.database, conversation.heard
    )
    reception.was_asked = conversation.was_asked
    door = Door(**{each.name: getattr(state.settings, f"receiver_{each.name}") for each in fields(Door)})
    return Receiver(door, reception, conversation)

"""Events of `gateway`: what was noted in the audit asks for its place in the evidence log."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class LeafRequested(Event, frozen=True, kw_only=True):
    """Seals of the audit that ask for a leaf in the evidence log, by their ids. Columns of equal length.

    `leaves` are hex of sha256(nonce ‖ record), the record being canonical JSON of `submission` (an id of
    `submissions`), the sha256 of the seal's content, and `received_at`: the log learns nothing from them.
    """

    PRODUCER: ClassVar[str] = "gateway"

    subject: Literal["audit"]
    submissions: list[str]
    leaves: list[str]
    received_at_ms: list[int]

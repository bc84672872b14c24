"""Events of `gateway`: seals of the audit that ask for their leaves; cross-region grants given and ended."""

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


class RegionGrantGiven(Event, frozen=True, kw_only=True):
    """A person may use rights also in other regions, from `begins_ms` until before `ends_ms` (交叉执法).

    Services do not wait for it: they ask the gateway for the whole list (`GET /grants/current`).
    """

    PRODUCER: ClassVar[str] = "gateway"

    grant_id: str
    subject: str
    regions: list[str]
    permissions: list[str]
    purpose: str
    begins_ms: int
    ends_ms: int


class RegionGrantEnded(Event, frozen=True, kw_only=True):
    """A cross-region grant was ended before its time."""

    PRODUCER: ClassVar[str] = "gateway"

    grant_id: str
    ended_at_ms: int
    reason: str

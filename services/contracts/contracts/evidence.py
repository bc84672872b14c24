"""Events of `evidence`: what witnesses say about the log."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class WitnessRefused(Event, frozen=True, kw_only=True):
    """A witness knows another history of the log than the one shown to it: a fork, or a roll-back.

    `size` and `root` (base64) are what was refused, `witness_size` what the witness says it knows.
    """

    PRODUCER: ClassVar[str] = "evidence"

    refusal_id: str
    log: str
    region: str
    witness: str
    kind: Literal["fork", "rollback"]
    size: int
    root: str
    witness_size: int | None
    message_zh: str
    message_en: str
    source_clause: str
    refused_at_ms: int


class QuorumLost(Event, frozen=True, kw_only=True):
    """For longer than the rule allows too few witnesses have cosigned; what is published rests on them."""

    PRODUCER: ClassVar[str] = "evidence"

    log: str
    region: str
    needed: int
    since_ms: int
    source_clause: str
    lost_at_ms: int


class QuorumRegained(Event, frozen=True, kw_only=True):
    """Enough witnesses cosign again; `size` is the first checkpoint they agree on."""

    PRODUCER: ClassVar[str] = "evidence"

    log: str
    region: str
    needed: int
    size: int
    regained_at_ms: int

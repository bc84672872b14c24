"""Events of `publish`: one agreed figure was released, corrected or withdrawn."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class ReleasePublished(Event, frozen=True, kw_only=True):
    """A version of a release became public. `sha256` is the digest of its immutable snapshot."""

    PRODUCER: ClassVar[str] = "publish"

    release_id: str
    item_code: str
    region: str
    from_ms: int
    to_ms: int
    version: int
    sha256: str
    approved_by: str
    published_at_ms: int


class ReleaseCorrected(Event, frozen=True, kw_only=True):
    """A new version replaces an older one, which stays visible with the reason."""

    PRODUCER: ClassVar[str] = "publish"

    release_id: str
    item_code: str
    region: str
    from_ms: int
    to_ms: int
    version: int
    replaces_version: int
    reason_zh: str
    reason_en: str
    sha256: str
    published_at_ms: int


class LeafRequested(Event, frozen=True, kw_only=True):
    """Releases that ask for a leaf in the evidence log; ids are those of releases. Columns of equal length.

    `leaves` are hex of sha256(nonce ‖ record), the record being canonical JSON of `submission` (an id of
    `submissions`), the sha256 of the snapshot, and `received_at`: the log learns nothing from them.
    """

    PRODUCER: ClassVar[str] = "publish"

    subject: Literal["release"]
    submissions: list[str]
    leaves: list[str]
    received_at_ms: list[int]

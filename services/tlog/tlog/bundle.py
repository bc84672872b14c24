"""The evidence bundle of one device and period: what its members are called, and whether they hold together.

Promises: `check` reads nothing but the members, bounded, and yields every finding; a hostile bundle yields
findings, never an error. What the log proves: each submission's raw bytes, and that they were received then.
What the bundle only states, under its manifest's digests: registry, values and quality codes, each value with
the submission and row it was read from. Leaves to others: making and opening the archive.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib.resources import files
from typing import Any

from tlog.findings import Finding
from tlog.note import BadNote
from tlog.receipts import BadReceipt, Receipt, verify_receipt
from tlog.trust import Trust, parse_trust

FORMAT = "jianzhen-bundle/1"
MANIFEST, TRUST, SUBMISSIONS = "manifest.json", "trust.txt", "submissions.jsonl"
REGISTRY, OBSERVATIONS, REVISIONS, CODES = "registry.json", "observations.csv", "revisions.csv", "codes.csv"
# Stated by later makers only: a bundle without it is whole.
ELIGIBILITY = "eligibility.csv"
README = {"zh": "README.zh-CN.txt", "en": "README.txt"}
REQUIRED = (TRUST, SUBMISSIONS, REGISTRY, OBSERVATIONS, REVISIONS, CODES, *README.values())
MOST_LISTED = 64 * 1024 * 1024
Read = Callable[[str], bytes]


def raw_name(submission: str) -> str:
    """Where the raw bytes of a submission are."""
    return f"raw/{submission}"


def receipt_name(submission: str) -> str:
    """Where the receipt of a submission is."""
    return f"receipts/{submission}.json"


class Manifest:
    """Digests of the members while they are written; `text` is the last member.

    >>> made = Manifest(device="MN1")
    >>> made.add("raw/1", b"bytes")
    >>> json.loads(made.text)["members"]["raw/1"]["size"]
    5
    """

    def __init__(self, **stated: Any) -> None:
        self._stated, self._members = stated, dict[str, dict[str, Any]]()

    def add(self, name: str, data: bytes) -> None:
        """Enter a member."""
        self._members[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    @property
    def text(self) -> str:
        """The manifest as JSON."""
        return json.dumps(
            {"format": FORMAT, **self._stated, "members": self._members}, ensure_ascii=False, indent=1
        )


def check(names: Collection[str], read: Read, trust: Trust | None = None) -> Iterator[Finding]:
    """Everything wrong with a bundle. Without `trust`, the bundle's own `trust.txt` is believed."""
    manifest = _object(_tried(read, MANIFEST))
    listed = manifest.get("members")
    if manifest.get("format") != FORMAT or not isinstance(listed, dict):
        yield Finding("manifest", MANIFEST)
        return
    yield from (Finding("unlisted", name) for name in sorted(set(names) - set(listed) - {MANIFEST}))
    yield from (Finding("absent", name) for name in sorted({*listed, *REQUIRED} - set(names)))
    for name in sorted(set(listed) & set(names)):
        yield from _digest(name, listed[name], read)
    try:
        trust = trust or parse_trust(_tried(read, TRUST).decode())
    except (BadNote, UnicodeDecodeError) as wrong:
        yield Finding("form", TRUST, str(wrong))
        return
    known = set[str]()
    for number, line in enumerate(_lines(read, SUBMISSIONS), 1):
        row = _object(line)
        submission = row.get("submission")
        if not isinstance(submission, str) or submission in known:
            yield Finding("form", SUBMISSIONS, f"line {number}")
            continue
        known.add(submission)
        yield from _submission(row, submission, names, read, trust)
    yield from _values(known, read)


def _digest(name: str, stated: object, read: Read) -> Iterator[Finding]:
    data = _tried(read, name)
    if stated != {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}:
        yield Finding("changed", name)


def _submission(
    row: dict[str, Any], submission: str, names: Collection[str], read: Read, trust: Trust
) -> Iterator[Finding]:
    raw, receipt_at = raw_name(submission), receipt_name(submission)
    if raw not in names:
        yield Finding("absent", raw)
    if receipt_at not in names:
        yield Finding("unproved", submission)
        return
    try:
        receipt = Receipt.from_json(_tried(read, receipt_at))
        data = _tried(read, raw) if raw in names else None
        verify_receipt(receipt, trust.log, trust.witnesses, trust.quorum, data)
    except BadReceipt as wrong:
        yield Finding(wrong.reason, raw if wrong.reason == "raw" else receipt_at, str(wrong))
        return
    record = receipt.record
    if (record.submission, record.sha256, record.received_at) != (
        submission, row.get("sha256"), row.get("received_at")
    ):  # fmt: skip
        yield Finding("submission", receipt_at)


def _values(known: set[str], read: Read) -> Iterator[Finding]:
    values = set[tuple[str | None, str | None]]()
    for name in (OBSERVATIONS, REVISIONS):
        for number, row in _table(read, name):
            values.add((row.get("series"), row.get("ts")))
            if row.get("submission") not in known:
                yield Finding("orphan", name, f"line {number}")
    for number, row in _table(read, CODES):
        if (row.get("series"), row.get("ts")) not in values:
            yield Finding("orphan", CODES, f"line {number}")


def _table(read: Read, name: str) -> Iterable[tuple[int, dict[str | None, Any]]]:
    text = _tried(read, name).decode("utf-8-sig", errors="replace")
    try:
        return list(enumerate(csv.DictReader(io.StringIO(text)), 2))
    except csv.Error:
        return [(1, {})]


def _lines(read: Read, name: str) -> list[bytes]:
    return [line for line in _tried(read, name).split(b"\n") if line]


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data) if len(data) <= MOST_LISTED else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tried(read: Read, name: str) -> bytes:
    """The member's bytes; none for a member that is missing or cannot be read, which others report."""
    try:
        return read(name)
    except KeyError:
        return b""


def readme(language: str) -> bytes:
    """What a court reads first; `language` is zh or en."""
    return files("tlog").joinpath("readme").joinpath(README[language]).read_bytes()

"""Verification from files alone: receipts, raw bytes, consistency of two checkpoints, evidence bundles.

Promises: each function gives a report (`ok`, `findings`, and what was read) or raises Unusable for a file
that cannot be read at all; nothing is fetched or unpacked to disk. Leaves to others: how it is shown.
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from tlog import bundle, merkle, note, tiles
from tlog.findings import Finding
from tlog.note import BadNote, Checkpoint
from tlog.receipts import BadReceipt, Receipt, verify_receipt, vouched
from tlog.tiles import Tile
from tlog.trust import Trust, parse_trust

MOST_SMALL, MOST_MEMBER, MOST_MEMBERS, MOST_TOGETHER = 1 << 20, 1 << 28, 1 << 20, 1 << 34
Report = dict[str, Any]
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError,
    EOFError, OSError, ValueError, OverflowError, MemoryError,
)  # fmt: skip


class Unusable(ValueError):
    """A file cannot be read, or a trust file is none: nothing was verified."""


def trust_of(file: Path) -> Trust:
    """The trust in a file. Unusable if there is none."""
    try:
        return parse_trust(_small(file).decode())
    except (BadNote, UnicodeDecodeError) as wrong:
        raise Unusable(f"{file} is no trust file: {wrong}") from wrong


def receipt(file: Path, trust: Trust, raw: Path | None = None) -> Report:
    """Is what the receipt says in the log; with `raw`, are these the bytes."""
    data = None if raw is None else _read(raw)
    try:
        found = Receipt.from_json(_small(file))
        checkpoint, names = verify_receipt(found, trust.log, trust.witnesses, trust.quorum, data)
    except BadReceipt as wrong:
        return _report(Finding(wrong.reason, str(raw if wrong.reason == "raw" else file), str(wrong)))
    return _report(
        submission=found.record.submission, sha256=found.record.sha256, received_at=found.record.received_at,
        log=checkpoint.origin, index=found.index, size=checkpoint.size, witnesses=names,
        raw="verified" if raw else "not given",
    )  # fmt: skip


def consistency(old: Path, new: Path, proof: Path, trust: Trust) -> Report:
    """Does the newer checkpoint contain the older one; `proof`: base64 lines, or a log's folder."""
    opened = list[Checkpoint]()
    for file in (old, new):
        try:
            opened.append(vouched(_text(file), trust.log, trust.witnesses, trust.quorum)[0])
        except BadReceipt as wrong:
            return _report(Finding(wrong.reason, str(file), str(wrong)))
    first, second = opened
    sizes = {"old_size": first.size, "new_size": second.size}
    if first.size == second.size and first.root != second.root:
        return _report(Finding("fork", f"{old}, {new}"), **sizes)
    try:
        steps = _steps(proof, first.size, second.size)
    except ValueError as wrong:
        return _report(Finding("consistency", str(proof), str(wrong)), **sizes)
    if not merkle.verify_consistency(first.size, second.size, first.root, second.root, steps):
        return _report(Finding("consistency", str(proof)), **sizes)
    return _report(**sizes)


def evidence(file: Path, trust: Trust | None = None) -> Report:
    """Does every member of the bundle hold; without `trust`, by the keys that the bundle names itself."""
    _read(file, 4)
    try:
        with zipfile.ZipFile(file) as archive:
            return _evidence(archive, trust)
    except _BROKEN as wrong:
        return _report(Finding("zip", str(file), f"{type(wrong).__name__}: {wrong}"[:200]))


def _evidence(archive: zipfile.ZipFile, trust: Trust | None) -> Report:
    members = archive.infolist()
    names = {member.filename for member in members}
    plain = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    together = sum(member.file_size for member in members)
    if len(names) < len(members) or len(members) > MOST_MEMBERS or together > MOST_TOGETHER:
        return _report(
            Finding("zip", str(archive.filename), "members stand twice, or are too many or too large")
        )
    for member in members:
        if member.compress_type not in plain or member.file_size > MOST_MEMBER:
            return _report(Finding("zip", member.filename, "packed in another way, or too large"))

    def read(name: str) -> bytes:
        # A size that was lied about ends here, not in memory; the checksum is looked at behind the last byte.
        with archive.open(name) as packed:
            data = packed.read(MOST_MEMBER + 1)
        if len(data) > MOST_MEMBER:
            raise ValueError(f"{name} is too large")
        return data

    findings = list(bundle.check(names, read, trust))
    believed = trust
    if trust is None and bundle.TRUST in names and not any(one.where == bundle.TRUST for one in findings):
        believed = parse_trust(read(bundle.TRUST).decode())
    return _report(
        *findings, members=len(members), keys="given" if trust else "the bundle's own",
        trust=believed.text.splitlines() if believed else [],
        submissions=sum(name.startswith(bundle.raw_name("")) for name in names),
    )  # fmt: skip


def _steps(proof: Path, old: int, new: int) -> list[bytes]:
    if not proof.is_dir():
        return [note.decode_hash(line) for line in _text(proof).splitlines()]
    if old > new:
        raise ValueError("the older checkpoint is larger")

    def fetch(tile: Tile) -> bytes:
        for candidate in (tile, Tile(tile.level, tile.index)):
            file = proof / candidate.path
            if file.is_file():
                return _small(file)[: tile.width * tiles.HASH_SIZE]
        raise ValueError(f"{tile.path} is missing")

    return merkle.consistency_proof(old, new, tiles.reader(new, fetch))


def _report(*findings: Finding, **read: Any) -> Report:
    return {"ok": not findings, **read, "findings": [finding.shown for finding in findings]}


def _text(file: Path) -> str:
    return _small(file).decode(errors="surrogateescape")


def _small(file: Path) -> bytes:
    data = _read(file, MOST_SMALL + 1)
    if len(data) > MOST_SMALL:
        raise Unusable(f"{file} is too large")
    return data


def _read(file: Path, most: int = -1) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as wrong:
        raise Unusable(f"{file} cannot be read: {wrong.strerror}") from wrong

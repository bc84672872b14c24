"""A file sent in parts: declared, received part by part, until all its bytes are here.

Promises: a part is durable before it counts; the same part again changes nothing; a part that does not begin
where the file ends is refused with the right place; the same file declared again is the same upload. Leaves
checking and reading the file to `unpacking`.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from kit.auth import Grant
from kit.db import Database
from kit.problems import Conflict, Invalid, NotFound, TooMany
from policy import Principal
from standards import regions
from uuid_utils.compat import uuid7

from ingest.queries import uploads
from ingest.queries.objects import Objects
from ingest.rules.limits import limits_on
from ingest.rules.mapping import Mapping, read_mapping
from ingest.rules.refusals import Flaw
from ingest.rules.rows import BatchRefused
from ingest.rules.times import CHINA
from ingest.tables import Upload


class Declared(msgspec.Struct, frozen=True):
    """A file as its sender announces it. `format` is csv or xlsx; `mapping` as sent."""

    name: str
    size: int
    sha256: bytes
    format: str
    charset: str | None
    mapping: dict[str, Any]


def part_name(upload: UUID, at: int, sha256: bytes) -> str:
    """Where a part is kept until the file is whole; two attempts at one place do not meet."""
    return f"parts/{upload}/{at:015d}-{sha256.hex()[:16]}"


def shown_flaw(flaw: Flaw) -> dict[str, Any]:
    """A flaw of a whole file as an answer shows it."""
    found = flaw.at(-1).shown()
    return {name: found[name] for name in found if name not in ("row", "outcome")}


def sender_of(who: Principal) -> str:
    """The same for every token of one sender."""
    return f"{who.client or '-'}:{who.subject}"


class Uploads:
    """Takes files in."""

    def __init__(self, database: Database, objects: Objects) -> None:
        self._database, self._objects = database, objects

    async def declare(self, file: Declared, grant: Grant, trace: str, now: datetime) -> tuple[Upload, bool]:
        """(the upload, whether it is new). Raises Invalid, TooMany, Unavailable."""
        limits = limits_on(now.astimezone(CHINA).date())
        if not 0 < file.size <= limits.upload_bytes:
            detail = f"A file may have 1 to {limits.upload_bytes:,} bytes; split it 文件过大，请拆分"
            raise Invalid("file-too-large", detail, limit_bytes=limits.upload_bytes)
        mapping = _checked(file.mapping)
        who = grant.principal
        sender, seal = sender_of(who), _seal(file, mapping)
        async with self._database.writer() as session:
            known = await uploads.sealed(session, sender, seal)
            if known is not None:
                return known, False
            if await uploads.open_of(session, sender) >= limits.uploads_open:
                detail = (
                    f"At most {limits.uploads_open} uploads may be unfinished; finish one 未完成的上传过多"
                )
                raise TooMany("too-many-uploads", detail, headers={"Retry-After": "60"})
            cells = _cells(file, who, seal, trace, now)
            is_new = await uploads.create(session, cells)
            upload = await uploads.sealed(session, sender, seal)
        assert upload is not None
        return upload, is_new

    async def receive(self, upload: UUID, at: int, data: bytes, grant: Grant, now: datetime) -> Upload:
        """Take a part; the upload as it then stands. Raises NotFound, Conflict, Invalid, Unavailable."""
        digest = hashlib.sha256(data).digest()
        if (known := await self._settled(upload, at, digest, len(data), grant)) is not None:
            return known
        await self._objects.put(part_name(upload, at, digest), data)
        cells = {"upload": upload, "at": at, "size": len(data), "sha256": digest}
        async with self._database.writer() as session:
            is_taken = await uploads.take_part(session, cells, now)
        if not is_taken and (known := await self._settled(upload, at, digest, len(data), grant)) is not None:
            return known
        async with self._database.writer() as session:
            return await self._own(session, upload, grant)

    async def _settled(self, upload: UUID, at: int, digest: bytes, size: int, grant: Grant) -> Upload | None:
        """The upload if this part is here already; None if it is the next one."""
        async with self._database.writer() as session:
            found = await self._own(session, upload, grant)
            if at + size > found.size:
                detail = f"The file was declared with {found.size:,} bytes 超出声明的文件大小"
                raise Invalid("part-too-long", detail, upload_offset=found.received)
            known = await uploads.part(session, upload, at)
        if known is not None and (known.sha256, known.size) == (digest, size):
            return found
        if at == found.received and found.state == "receiving" and size:
            return None
        detail = f"The next part begins at {found.received:,} 下一片应从该位置开始"
        headers = {"Upload-Offset": str(found.received)}
        raise Conflict("upload-offset", detail, headers=headers, upload_offset=found.received)

    async def _own(self, session: Any, upload: UUID, grant: Grant) -> Upload:
        found = await session.get(Upload, upload)
        if found is None or found.sender != sender_of(grant.principal):
            raise NotFound("unknown-upload", "No such upload of yours 无此上传")
        return found  # type: ignore[no-any-return]


def _checked(mapping: dict[str, Any]) -> Mapping:
    try:
        return read_mapping(mapping)
    except BatchRefused as error:
        shown = shown_flaw(error.flaw)
        raise Invalid("mapping-wrong", "The mapping is wrong mapping 有误", errors=[shown]) from None  # type: ignore[list-item]


def _seal(file: Declared, mapping: Mapping) -> bytes:
    meant = msgspec.json.encode([file.format, file.charset, mapping], order="sorted")
    return hashlib.sha256(file.sha256 + meant).digest()


def _cells(file: Declared, who: Principal, seal: bytes, trace: str, now: datetime) -> dict[str, Any]:
    principal = asdict(who) | {"roles": sorted(who.roles)}
    counts = dict.fromkeys(
        ("received", "records", "batches", "accepted", "repeated", "revised", "refused", "tries"), 0
    )
    return {
        "id": uuid7(),
        "seal": seal,
        **msgspec.structs.asdict(file),
        "sender": sender_of(who),
        "principal": principal,
        "dept": who.dept,
        "region": who.region,
        "region_path": [who.region, *regions.ancestors(who.region)] if who.region else [],
        "uscc": who.uscc,
        "trace_id": trace,
        "created_at": now,
        "changed_at": now,
        "state": "receiving",
        **counts,
    }

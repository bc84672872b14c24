"""The HTTP door of `evidence`: the public log as C2SP writes it, and lookups for those who hold an entry.

Promises: under /log everything is what a static file server would give: full tiles for ever, the checkpoint
never from a cache. An entry is 32 bytes that nobody can guess, so who names one may know where it stands.
"""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from kit.auth import Grant, allow
from kit.db import ReaderSession
from kit.described import NAMED, also
from kit.problems import NotFound, Unavailable
from tlog import tiles
from tlog.tiles import WIDTH, Tile

from evidence.flows import files
from evidence.flows.integrating import Log
from evidence.flows.objects import BRIEFLY, FOREVER, NOT_KEPT
from evidence.queries import log as stored
from evidence.rules.growth import BrokenTile

router = APIRouter(tags=["log"])
MayRead = Annotated[Grant, Depends(allow("log", "read"))]
MayLookUp = Annotated[Grant, Depends(allow("leaves", "read"))]
MayAudit = Annotated[Grant, Depends(allow("leaves", "audit"))]


@router.head("/log/checkpoint", include_in_schema=False)
@router.get("/log/checkpoint", response_class=Response, responses=NAMED | also("text/plain"))
async def show_checkpoint(request: Request, grant: MayRead) -> Response:
    """The newest checkpoint: a signed note (C2SP tlog-checkpoint) with the cosignatures of witnesses."""
    found = await _log(request).published()
    if found is None:
        raise NotFound("log-empty", "Nothing is in the log yet 日志尚无内容")
    headers = {"Cache-Control": NOT_KEPT, "Access-Control-Allow-Origin": "*"}
    return Response(found[1], media_type="text/plain; charset=utf-8", headers=headers)


@router.head("/log/keys", include_in_schema=False)
@router.get("/log/keys")
async def show_keys(request: Request, grant: MayRead) -> dict[str, Any]:
    """Whom to believe: the log's public key, those of the witnesses, and how many of them must agree."""
    log = _log(request)
    witnesses = [{"name": name, "key": key.text} for name, key in log.witnesses.keys.items()]
    own = {"origin": log.identity.origin, "key": log.identity.key.text}
    return {"log": own, "witnesses": witnesses, "quorum": log.witnesses.needed}


@router.head("/log/tile/{level}/{a}", include_in_schema=False)
@router.get("/log/tile/{level}/{a}", response_class=Response)
@router.head("/log/tile/{level}/{a}/{b}", include_in_schema=False)
@router.get("/log/tile/{level}/{a}/{b}", response_class=Response)
@router.head("/log/tile/{level}/{a}/{b}/{c}", include_in_schema=False)
@router.get("/log/tile/{level}/{a}/{b}/{c}", response_class=Response)
@router.head("/log/tile/{level}/{a}/{b}/{c}/{d}", include_in_schema=False)
@router.get("/log/tile/{level}/{a}/{b}/{c}/{d}", response_class=Response)
async def show_tile(request: Request, grant: MayRead) -> Response:
    """A tile or a bundle of entries (C2SP tlog-tiles), e.g. /log/tile/0/000.p/5."""
    try:
        tile = tiles.parse_path(request.url.path.rpartition("/log/")[2])
    except ValueError:
        raise _no_tile() from None
    data = await _of(request, tile)
    cached = FOREVER if tile.width == WIDTH else BRIEFLY
    headers = {"Cache-Control": cached, "Access-Control-Allow-Origin": "*"}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/leaves")
async def list_leaves(
    grant: MayAudit,
    session: ReaderSession,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cursor: Annotated[int, Query(ge=-1, lt=1 << 63)] = -1,
) -> dict[str, Any]:
    """All entries in their order, as the database has them: what an auditor compares with the files."""
    rows = await stored.page(session, cursor, limit)
    items = [
        {"index": position, "entry": entry.hex(), "subject": subject, "ref": ref}
        for position, entry, subject, ref in rows
    ]
    return {"items": items, "next": str(rows[-1][0]) if len(rows) == limit else None}


@router.get("/leaves/{entry}")
async def show_leaf(entry: str, request: Request, grant: MayLookUp) -> dict[str, Any]:
    """Where an entry (64 hex digits) stands, with its proof to the newest checkpoint.

    Raises NotFound `leaf-unknown`; Unavailable `leaf-not-integrated` for a second or so after sequencing.
    """
    log = _log(request)
    wanted = _bytes(entry)
    async with request.app.state.database.lookup() as connection:
        position = await stored.position(connection, wanted)
    if position is None:
        raise NotFound("leaf-unknown", "The log does not hold this entry 日志中没有该条目")
    published = await log.newest()
    if published is None or position >= published[0].size:
        detail = "The entry has its place; the next checkpoint includes it 条目已排序，待下一检查点"
        raise Unavailable("leaf-not-integrated", detail, retry_after=1)
    checkpoint, note = published
    try:
        proof = await log.proof(wanted, position, checkpoint)
    except BrokenTile as broken:
        detail = f"{broken}: the log's files are damaged, `jianzhen log fsck` names them 日志文件损坏"
        raise Unavailable("log-damaged", detail) from broken
    shown = [base64.b64encode(step).decode() for step in proof]
    return {"log": checkpoint.origin, "index": position, "checkpoint": note, "proof": shown}


def _log(request: Request) -> Log:
    log: Log = request.app.state.log
    return log


async def _of(request: Request, tile: Tile) -> bytes:
    data = await files.fetch(_log(request).objects, tile)
    if data is None:
        raise _no_tile()
    return data


def _no_tile() -> NotFound:
    return NotFound("tile-unknown", "There is no such tile 没有该数据块")


def _bytes(entry: str) -> bytes:
    try:
        found = bytes.fromhex(entry)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise NotFound("leaf-unknown", "An entry has 64 hex digits 条目为 64 位十六进制")
    return found

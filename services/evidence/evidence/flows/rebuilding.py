"""The log made again: from the entries of the database, and from the submissions that ingest keeps.

Promises: the same entries give the same root, tiles and bundles; what differs from them is named, and written
anew only when asked. Leaves signing to `integrating`: nothing is signed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from kit.auth import ServiceTokens
from kit.db import Database
from kit.tls import roots
from tlog import tiles
from tlog.merkle import leaf_hash
from tlog.tiles import WIDTH, Tile

from evidence.flows import files
from evidence.flows.identity import Identity
from evidence.flows.objects import CHECKPOINT, Objects
from evidence.flows.resuming import AT_ONCE
from evidence.queries import log
from evidence.rules.growth import Edge, bundles

SUBMISSION, PAGE = "submission", 1000


@dataclass
class Rebuilt:
    """What the entries give: `size` and `root`, whether that was signed, and what differs."""

    size: int = 0
    root: bytes = b""
    is_signed: bool = False
    damaged: list[str] = field(default_factory=list)


async def rebuild(
    database: Database, objects: Objects, identity: Identity, *, mends: bool = False
) -> Rebuilt:
    """Compute everything from the database's entries up to the published size, and compare the files."""
    found = await objects.fetch(CHECKPOINT)
    made = Rebuilt()
    if found is None:
        return made
    published = identity.opened(found.decode())
    edge, tail = Edge(), list[bytes]()
    while edge.size < published.size:
        old = edge.size
        async with database.writer() as session:
            fresh = await log.entries(session, old, min(published.size, old + AT_ONCE))
        if not fresh:
            break
        edge = edge.copy()
        edge.extend(map(leaf_hash, fresh))
        await _compare(objects, edge, old, [*tail, *fresh], made, mends=mends)
        tail = [*tail, *fresh][len(tail) + len(fresh) - edge.size % WIDTH :]
    made.size, made.root = edge.size, edge.root
    made.is_signed = (edge.size, edge.root) == (published.size, published.root)
    return made


async def entries_of_ingest(address: str, tokens: ServiceTokens) -> dict[str, str | None]:
    """Every submission that ingest keeps, with the entry that follows from its record and nonce."""
    expected: dict[str, str | None] = {}
    cursor: str | None = ""
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False, verify=roots()) as client:
        while cursor is not None:
            query = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
            answer = await client.get("/leaves", params=query, headers=await tokens.headers())
            page = answer.raise_for_status().json()
            expected |= {item["submission"]: item["entry"] for item in page["items"]}
            cursor = page["next"]
    return expected


async def _compare(
    objects: Objects, edge: Edge, old: int, entries: list[bytes], made: Rebuilt, *, mends: bool
) -> None:
    """The objects of this stretch; incomplete ones only where the log ends."""
    start = edge.size - len(entries)
    expected: list[tuple[Tile, bytes]] = [
        (one, tiles.encode_entries(entries[one.index * WIDTH - start :][: one.width]))
        for one in bundles(old, edge.size)
    ]
    for tile, data in [*expected, *edge.added(old)]:
        if await files.fetch(objects, tile) == data:
            continue
        made.damaged.append(tile.path)
        if mends:
            await objects.put(tile.path, data)


async def compare_submissions(
    database: Database, expected: Mapping[str, str | None]
) -> tuple[list[str], list[str]]:
    """Ingest's submissions (id → entry in hex) against the log: ids whose entry is missing or another one,
    and ids that the log holds and ingest does not.
    """
    missing = {ref for ref, entry in expected.items() if entry is not None}
    strangers = []
    after = -1
    while True:
        async with database.writer() as session:
            rows = await log.page(session, after, PAGE)
        for _, entry, subject, ref in rows:
            if subject != SUBMISSION or ref is None:
                continue
            if expected.get(ref) == entry.hex():
                missing.discard(ref)
            elif ref not in expected:
                strangers.append(ref)
        if len(rows) < PAGE:
            return sorted(missing), strangers
        after = rows[-1][0]

"""The clock door of `evidence`: the checkpoint follows what is sequenced; and the administrator's rebuild.

Promises: a failed run begins at the comparison of files and database again; nothing is lost by it.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from kit.app import Job
from kit.auth import ServiceTokens
from kit.db import Database
from kit.settings import Rotating

from evidence.flows.identity import Identity
from evidence.flows.integrating import Log, Turn
from evidence.flows.lagging import Lag
from evidence.flows.objects import Objects
from evidence.flows.rebuilding import compare_submissions, entries_of_ingest, rebuild
from evidence.flows.resuming import AT_ONCE
from evidence.flows.witnessing import Witnesses

DONE, FINDINGS = 0, 1
MEASURE_SECONDS = 5.0


async def open_log(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Compares files and database before anything is heard; returns how to stop."""
    settings = app.state.settings
    keys = settings.witness_keys
    urls = dict(zip(keys, (witness.url for witness in settings.witnesses), strict=True))
    seconds, pause = settings.witness_seconds, settings.witness_pause_seconds
    witnesses = Witnesses(keys, urls, settings.needed, seconds, pause)
    identity = Identity.of(settings.origin, settings.region, settings.seed)
    turn = Turn(Rotating(settings, "writer_url"))
    app.state.lag = Lag()
    app.state.log = log = Log(app.state.database, Objects(settings.store), identity, witnesses, turn)
    await log.open(datetime.now(UTC))
    return log.close


async def integrate(app: FastAPI) -> None:
    """Until nothing is left."""
    while await app.state.log.step(datetime.now(UTC)) == AT_ONCE:
        pass


async def measure(app: FastAPI) -> None:
    """Tell how far the log is behind."""
    await app.state.lag.note(app.state.database, app.state.log, datetime.now(UTC))


def jobs(seconds: float) -> list[Job]:
    """One checkpoint in that many seconds at most."""
    return [Job("integrate", seconds, integrate), Job("measure", MEASURE_SECONDS, measure)]


async def rebuild_by_hand(settings: Any, *, mends: bool) -> int:
    """Prints what the database's entries give, and what differs from it: files, submissions of ingest (if its
    address is known); exit code 1 if anything does.
    """
    urls = settings.writer_url.get_secret_value(), settings.reader_url.get_secret_value()
    database = Database(*urls, 2)
    identity = Identity.of(settings.origin, settings.region, settings.seed)
    try:
        made = await rebuild(database, Objects(settings.store), identity, mends=mends)
        missing, strangers = await _beside_ingest(settings, database)
    finally:
        await database.close()
    told = {"size": made.size, "root": made.root.hex(), "signed": made.is_signed, "damaged": made.damaged}
    sys.stdout.write(json.dumps({**told, "missing": missing, "strangers": strangers}) + "\n")
    is_whole = made.is_signed and not missing and not strangers and (mends or not made.damaged)
    return DONE if is_whole else FINDINGS


async def _beside_ingest(settings: Any, database: Database) -> tuple[list[str], list[str]]:
    if "ingest" not in settings.peers:
        sys.stderr.write("no address of ingest in EVIDENCE_PEERS: its submissions were not compared\n")
        return [], []
    tokens = ServiceTokens(settings)
    try:
        return await compare_submissions(database, await entries_of_ingest(settings.peers["ingest"], tokens))
    finally:
        await tokens.close()

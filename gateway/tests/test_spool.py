"""What of the audit waits to be written outlives the process that was killed: once, and in its own words."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from gateway.flows.ledger import Entry, Ledger
from gateway.flows.spool import File, Spool
from gateway.settings import Settings
from gateway.tables import Audit
from kit.problems import Unavailable
from kit.processes import free_port
from policy import EVERYTHING
from pydantic import ValidationError
from sqlalchemy import func, select

USCC = "91131000MA0000001X"
UNIT = "unit/data.submit@131000"


@pytest.fixture
async def database(service_database):
    return await service_database("gateway")


def entry(number: int, **more) -> Entry:
    fields = {
        "at": datetime.now(UTC),
        "request_id": UUID(int=number),
        "subject": "7",
        "principal": UNIT,
        "client": None,
        "address": "10.0.0.1",
        "service": "ingest",
        "method": "POST",
        "path": "/observations",
        "permission": "observations:submit",
        "status": 200,
        "reason": "granted",
        "policy_version": "v",
        "refs": ("mn=鉴",),
    }
    return Entry(**fields | more)


def refusal(number: int) -> Entry:
    return entry(number, status=401, reason="token-missing", subject="-", refs=())


async def stored(database) -> list[tuple[int, int]]:
    async with database.reader(reach=EVERYTHING) as session:
        rows = await session.execute(select(Audit.request_id, Audit.times).order_by(Audit.id))
        return [(row.request_id.int, row.times) for row in rows]


def died(spool: Spool) -> None:
    """The kernel lets go of a file whose process is gone; the file stays."""
    spool.turn().leave()


async def next_process(database, folder: Path) -> list[tuple[int, int]]:
    ledger = Ledger(database, Spool(folder, Entry))
    ledger.start()
    for _ in range(100):
        if not files(folder):
            break
        await asyncio.sleep(0.05)
    await ledger.stop()
    assert files(folder) == []
    return await stored(database)


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_the_next_process_writes_what_waited(database, tmp_path) -> None:
    mine = tmp_path / "mine"
    spool = Spool(mine, Entry)
    killed = Ledger(database, spool)
    killed.allow(entry(1))
    for number in (2, 3, 4):
        killed.refuse(refusal(number))
    killed.allow(entry(5))
    # While it lives nobody takes its file.
    assert await next_process(database, tmp_path / "other") == []
    assert list(Spool(mine, Entry).left()) == []
    died(spool)
    assert await next_process(database, mine) == [(1, 1), (2, 3), (5, 1)]


async def test_what_was_written_before_the_kill_is_not_written_again(database, tmp_path) -> None:
    spool = Spool(tmp_path, Entry)
    killed = Ledger(database, spool)
    killed.allow(entry(1))
    killed.refuse(refusal(2))
    killed.refuse(refusal(3))
    batch = killed._gather()
    await killed._write(batch)
    batch.spooled.leave()  # killed between the commit and the end of its file
    killed.allow(entry(4))
    died(spool)
    assert await next_process(database, tmp_path) == [(1, 1), (2, 2), (4, 1)]


async def test_an_heir_that_finds_no_database_keeps_the_inheritance(database, tmp_path) -> None:
    spool = Spool(tmp_path, Entry)
    Ledger(database, spool).allow(entry(1))
    died(spool)
    owner = await asyncpg.connect(database.superuser_url)
    await owner.execute("ALTER TABLE audit RENAME TO away")
    heir = Ledger(database, Spool(tmp_path, Entry))
    with pytest.raises(Exception, match="audit"):
        await heir._inherit()
    await owner.execute("ALTER TABLE away RENAME TO audit")
    await owner.close()
    for _ in range(2):
        await heir._inherit()
    assert await stored(database) == [(1, 1)]
    assert files(tmp_path) == []


async def test_a_line_that_a_kill_cut_short_hides_no_other(database, tmp_path) -> None:
    spool = Spool(tmp_path, Entry)
    Ledger(database, spool).allow(entry(1))
    os.write(spool._current.descriptor, b'{"at":"2026-')
    died(spool)
    assert await next_process(database, tmp_path) == [(1, 1)]


async def test_what_cannot_be_kept_does_not_pass_and_a_refusal_stands(
    database, tmp_path, monkeypatch
) -> None:
    spool = Spool(tmp_path, Entry)
    ledger = Ledger(database, spool)
    with monkeypatch.context() as full:
        full.setattr(spool, "_open", lambda: File(tmp_path / "x", os.open("/dev/full", os.O_WRONLY)))
        with pytest.raises(Unavailable):
            ledger.allow(entry(1))
        ledger.refuse(refusal(2))
    await ledger.flush(is_last=True)
    ledger.allow(entry(3))
    await ledger.flush(is_last=True)
    assert await stored(database) == [(2, 1), (3, 1)]
    assert files(tmp_path) == []


def test_in_production_a_spool_is_asked_for(tokens) -> None:
    told = {"port": 1, "writer_url": "x", "reader_url": "x", "nats_url": "x", "nats_user": "x"}
    with pytest.raises(ValidationError, match="GATEWAY_SPOOL"):
        Settings(environment="production", nats_seed="x", **told, **tokens.settings)


@contextmanager
def running(database, tokens, folder: Path, port: int):
    told = {"environment": "local", "port": port, "spool": folder, "log_level": "WARNING",
            "writer_url": database.writer_url, "reader_url": database.reader_url,
            "nats_url": "nats://127.0.0.1:1", "nats_user": "gateway", "nats_seed": "x"}  # fmt: skip
    env = {f"GATEWAY_{name}".upper(): str(value) for name, value in (told | tokens.settings).items()}
    with (folder.parent / "gateway.log").open("ab") as log:
        command = [sys.executable, "-m", "gateway.main"]
        process = subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/livez").raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, (folder.parent / "gateway.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.chaos
async def test_a_gateway_that_is_killed_loses_no_event(database, tokens, tmp_path) -> None:
    """Two starts of a real gateway: about six seconds of processor."""
    folder, port = tmp_path / "spool", free_port()
    owner = await asyncpg.connect(database.superuser_url)
    answered: list[str] = []
    with running(database, tokens, folder, port) as process:
        held = owner.transaction()
        await held.start()
        await owner.execute("LOCK TABLE audit IN SHARE MODE")  # nothing can be written, all of it waits
        with closing(httpx.Client(base_url=f"http://127.0.0.1:{port}")) as edge:
            for number in range(40):
                own = number % 2
                asked = {
                    "X-Forwarded-Method": "GET" if own else "POST",
                    "X-Forwarded-Uri": "/api/ingest/submissions/7/raw" if own else "/api/ingest/observations",
                    "X-Forwarded-For": "10.0.0.1",
                }
                passed = edge.get("/authorize", headers=asked | tokens.bearer(UNIT, uscc=USCC))
                assert passed.status_code == 200, passed.text
                answered.append(passed.headers["x-request-id"])
                assert edge.get("/authorize", headers=asked).status_code == 401
        process.send_signal(signal.SIGKILL)
        process.wait()
        await held.rollback()
    assert await owner.fetchval("SELECT count(*) FROM audit") == 0
    assert files(folder)
    with running(database, tokens, folder, port) as process:
        until = time.monotonic() + 30
        while await owner.fetchval("SELECT sum(times) FROM audit") != 80:
            assert time.monotonic() < until, (tmp_path / "gateway.log").read_text()
            await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    await owner.close()
    assert files(folder) == []
    async with database.reader(reach=EVERYTHING) as session:
        ids = await session.scalars(select(Audit.request_id).where(Audit.status == 200))
        assert sorted(map(str, ids)) == sorted(answered)
        refused = select(func.sum(Audit.times)).where(Audit.status == 401)
        assert await session.scalar(refused) == 40

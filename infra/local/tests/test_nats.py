"""The bus as the catalogue wants it: streams, accounts, and what each service may not do."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from jianzhen import accounts, streams
from jianzhen.rotation import bus_admits
from kit import nkeys
from kit.servers import NatsServer
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig

ROOT = Path(__file__).resolve().parents[3]
SEEDS = {user: nkeys.new_seed() for user in (accounts.OPERATOR, *accounts.SERVICES)}
ENVIRON = {accounts.key_variable(user): nkeys.public(seed) for user, seed in SEEDS.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    home = tmp_path_factory.mktemp("nats")
    server = NatsServer(home, config=ROOT / "infra/nats/server.conf", environ=ENVIRON)
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def connected(server: NatsServer, user: str) -> AsyncIterator[Client]:
    async def quiet(error: Exception) -> None:
        pass

    client = await streams.connected(server.url, user, SEEDS[user], error_cb=quiet)
    try:
        yield client
    finally:
        await client.close()


def test_the_files_in_infra_nats_are_what_the_catalogue_makes(tmp_path: Path) -> None:
    streams.write(tmp_path)
    for name in ("streams.json", "server.conf"):
        assert (ROOT / "infra/nats" / name).read_text() == (tmp_path / name).read_text(), "run `make docs`"


async def told_by(*arguments: str) -> str:
    call = [sys.executable, "-m", "jianzhen.streams", *arguments]
    return (await asyncio.to_thread(subprocess.run, call, capture_output=True, text=True, check=True)).stdout


async def test_a_configuration_with_two_keys_of_a_user_lets_both_in_and_holds_no_secret(
    tmp_path: Path,
) -> None:
    second, key = (await told_by("--seed")).split()
    assert key == nkeys.public(second)
    told = {user: [nkeys.public(seed)] for user, seed in SEEDS.items()}
    told["qc"].append(key)
    (tmp_path / "keys.json").write_text(json.dumps(told))
    conf = await told_by("--conf", str(tmp_path / "keys.json"))
    (tmp_path / "server.conf").write_text(conf)
    assert not any(seed in conf for seed in [*SEEDS.values(), second])
    server = NatsServer(tmp_path, config=tmp_path / "server.conf")
    await asyncio.to_thread(server.start)
    try:
        assert [bus_admits(server.port, one) for one in (SEEDS["qc"], second)] == [True, True]
        assert not bus_admits(server.port, nkeys.new_seed())
    finally:
        await asyncio.to_thread(server.stop)


async def test_streams_are_declared_once_and_mended_after(server: NatsServer) -> None:
    first = await streams.declare(server.url, SEEDS[accounts.OPERATOR])
    assert first == await streams.declare(server.url, SEEDS[accounts.OPERATOR])
    async with connected(server, accounts.OPERATOR) as client:
        info = await client.jetstream().stream_info("INGEST")
        assert info.config.subjects == ["ingest.>"]
        assert info.config.duplicate_window == 120


async def test_a_service_says_its_own_facts_and_hears_its_producers(server: NatsServer) -> None:
    await streams.declare(server.url, SEEDS[accounts.OPERATOR])
    async with connected(server, "ingest") as ingest, connected(server, "qc") as qc:
        await ingest.jetstream().publish("ingest.recorded.v1.07", b"{}")
        bus = qc.jetstream()
        config = ConsumerConfig(durable_name="qc-recorded", filter_subject="ingest.recorded.v1.*")
        await bus.add_consumer("INGEST", config)
        pull = await bus.pull_subscribe_bind("qc-recorded", "INGEST")
        (message,) = await pull.fetch(1, timeout=5)
        await message.ack_sync()


@pytest.mark.parametrize(
    "subject", ["ingest.recorded.v1.07", "cases.case_filed.v1.00", "$JS.API.STREAM.DELETE.QC"]
)
async def test_a_service_cannot_speak_for_another(server: NatsServer, subject: str) -> None:
    await streams.declare(server.url, SEEDS[accounts.OPERATOR])
    async with connected(server, "qc") as qc:
        with pytest.raises(NatsTimeout):
            await qc.request(subject, b"{}", timeout=0.3)


async def test_a_service_cannot_hear_what_is_not_addressed_to_it(server: NatsServer) -> None:
    await streams.declare(server.url, SEEDS[accounts.OPERATOR])
    async with connected(server, "credit") as credit, connected(server, "qc") as qc:
        for subject in ("qc.>", "_INBOX_qc.>", ">"):
            await credit.subscribe(subject)
        with pytest.raises(NatsTimeout):
            config = ConsumerConfig(durable_name="credit-assessed", filter_subject="qc.assessed.v1.*")
            await credit.jetstream().add_consumer("QC", config, timeout=0.3)
        await qc.jetstream().publish("qc.assessed.v1.03", b"{}")
        assert all(not one.pending_msgs for one in credit._subs.values())


async def test_a_server_that_dies_while_it_is_asked_holds_nobody_back(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, config=ROOT / "infra/nats/server.conf", environ=ENVIRON)
    interrupted = 0
    for trial in range(4):
        await asyncio.to_thread(server.start)
        declaring = asyncio.create_task(streams.declare(server.url, SEEDS[accounts.OPERATOR]))
        await asyncio.sleep(0.008 * trial)
        await asyncio.to_thread(server.kill)
        shutil.rmtree(server.store, ignore_errors=True)
        begun = time.monotonic()
        try:
            await declaring
        except (NatsError, OSError, TimeoutError):
            interrupted += 1
        assert time.monotonic() - begun < streams.DECLARE_SECONDS + 1
    assert interrupted, "no trial hit the declaration"

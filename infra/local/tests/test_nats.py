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

import nats
import pytest
from jianzhen import accounts, streams
from jianzhen.rotation import bus_admits
from kit.servers import NatsServer
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig

ROOT = Path(__file__).resolve().parents[3]
PASSWORDS = {user: f"p-{user}" for user in (accounts.OPERATOR, *accounts.SERVICES)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    home = tmp_path_factory.mktemp("nats")
    environ = {accounts.password_variable(user): password for user, password in PASSWORDS.items()}
    server = NatsServer(home, config=ROOT / "infra/nats/server.conf", passwords=environ)
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def connected(server: NatsServer, user: str) -> AsyncIterator[Client]:
    async def quiet(error: Exception) -> None:
        pass

    client = await nats.connect(
        server.url, user=user, password=PASSWORDS[user], inbox_prefix=accounts.inbox(user), error_cb=quiet
    )
    try:
        yield client
    finally:
        await client.close()


def test_the_files_in_infra_nats_are_what_the_catalogue_makes(tmp_path: Path) -> None:
    streams.write(tmp_path)
    for name in ("streams.json", "server.conf"):
        assert (ROOT / "infra/nats" / name).read_text() == (tmp_path / name).read_text(), "run `make docs`"


async def test_a_configuration_with_two_logins_of_a_user_lets_both_in(tmp_path: Path) -> None:
    told = {user: [password] for user, password in PASSWORDS.items()} | {
        "qc": [PASSWORDS["qc"], "qc-2:p-two"]
    }
    (tmp_path / "logins.json").write_text(json.dumps(told))
    call = [sys.executable, "-m", "jianzhen.streams", "--conf", str(tmp_path / "logins.json")]
    done = await asyncio.to_thread(subprocess.run, call, capture_output=True, text=True, check=True)
    (tmp_path / "server.conf").write_text(done.stdout)
    server = NatsServer(tmp_path, config=tmp_path / "server.conf")
    await asyncio.to_thread(server.start)
    try:
        logins = [("qc", PASSWORDS["qc"]), ("qc-2", "p-two"), ("qc-2", PASSWORDS["qc"]), ("operator", "no")]
        assert [bus_admits(server.port, *login) for login in logins] == [True, True, False, False]
    finally:
        await asyncio.to_thread(server.stop)


async def test_streams_are_declared_once_and_mended_after(server: NatsServer) -> None:
    password = PASSWORDS[accounts.OPERATOR]
    first = await streams.declare(server.url, accounts.OPERATOR, password)
    assert first == await streams.declare(server.url, accounts.OPERATOR, password)
    async with connected(server, accounts.OPERATOR) as client:
        info = await client.jetstream().stream_info("INGEST")
        assert info.config.subjects == ["ingest.>"]
        assert info.config.duplicate_window == 120


async def test_a_service_says_its_own_facts_and_hears_its_producers(server: NatsServer) -> None:
    await streams.declare(server.url, accounts.OPERATOR, PASSWORDS[accounts.OPERATOR])
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
    await streams.declare(server.url, accounts.OPERATOR, PASSWORDS[accounts.OPERATOR])
    async with connected(server, "qc") as qc:
        with pytest.raises(NatsTimeout):
            await qc.request(subject, b"{}", timeout=0.3)


async def test_a_service_cannot_hear_what_is_not_addressed_to_it(server: NatsServer) -> None:
    await streams.declare(server.url, accounts.OPERATOR, PASSWORDS[accounts.OPERATOR])
    async with connected(server, "credit") as credit, connected(server, "qc") as qc:
        for subject in ("qc.>", "_INBOX_qc.>", ">"):
            await credit.subscribe(subject)
        with pytest.raises(NatsTimeout):
            config = ConsumerConfig(durable_name="credit-assessed", filter_subject="qc.assessed.v1.*")
            await credit.jetstream().add_consumer("QC", config, timeout=0.3)
        await qc.jetstream().publish("qc.assessed.v1.03", b"{}")
        assert all(not one.pending_msgs for one in credit._subs.values())


async def test_a_server_that_dies_while_it_is_asked_holds_nobody_back(tmp_path: Path) -> None:
    environ = {accounts.password_variable(user): password for user, password in PASSWORDS.items()}
    server = NatsServer(tmp_path, config=ROOT / "infra/nats/server.conf", passwords=environ)
    interrupted = 0
    for trial in range(4):
        await asyncio.to_thread(server.start)
        declaring = asyncio.create_task(
            streams.declare(server.url, accounts.OPERATOR, PASSWORDS[accounts.OPERATOR])
        )
        await asyncio.sleep(0.008 * trial)
        await asyncio.to_thread(server.kill)
        shutil.rmtree(server.store, ignore_errors=True)
        begun = time.monotonic()
        try:
            await declaring
        except (nats.errors.Error, OSError, TimeoutError):
            interrupted += 1
        assert time.monotonic() - begun < streams.DECLARE_SECONDS + 1
    assert interrupted, "no trial hit the declaration"

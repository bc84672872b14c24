"""Many connections: idle ones cost little, storms pass, one that repeats everything slows nobody."""

import asyncio
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest
from devices import Desk, digits, hours_ago, machine, on_line, past
from fastapi import FastAPI
from ingest.settings import Settings
from ingest_scene import MN, PASSWORD
from jianzhen.demo.logger import Logger, Machine
from kit.testing.databases import FreshDatabase
from kit.testing.tokens import Tokens

IDLE = 10_000
HOLD = """
import socket, sys, time
port, first, count = map(int, sys.argv[1:])
held = []
for at in range(count):
    one = socket.socket()
    one.bind((f"127.0.{1 + first + at // 1000}.1", 0))
    one.connect(("127.0.0.1", port))
    held.append(one)
    if at % 200 == 199:
        time.sleep(0.05)
print("held", flush=True)
sys.stdin.read()
"""


REPEAT = """
import socket, sys, threading
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
frame = bytes.fromhex(sys.argv[2])
def drain():
    while one.recv(65536):
        pass
threading.Thread(target=drain, daemon=True).start()
while True:
    one.sendall(frame * 20)
"""


def repeating(port: int, frame: bytes) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", REPEAT, str(port), frame.hex()]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return settings.model_copy(
        update={"receiver_connections_per_address": 3000, "receiver_idle_seconds": 3600.0}
    )


@pytest.fixture
def crowd(app: FastAPI) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that hold idle connections; ended with the test."""
    held: list[subprocess.Popen[str]] = []
    yield held
    for one in held:
        one.kill()
        one.wait()
        for stream in (one.stdin, one.stdout):
            if stream is not None:
                stream.close()


def holding(port: int, first: int, count: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", HOLD, str(port), str(first), str(count)]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
async def test_ten_thousand_idle_loggers_cost_little_and_a_sweep_costs_next_to_nothing(
    client: httpx.AsyncClient, app: FastAPI, crowd: list[subprocess.Popen[str]], tokens: Tokens
) -> None:
    process, receiver = psutil.Process(), app.state.receiver
    before = process.memory_info().rss
    for part in range(2):
        crowd.append(holding(receiver.port, part * 5, IDLE // 2))
    while len(receiver._connections) < IDLE:
        await asyncio.sleep(0.1)
    grown = (process.memory_info().rss - before) / 1e6
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(100):
        begun = time.perf_counter()
        receiver.sweep(loop.time())
        took.append(time.perf_counter() - begun)
    took.sort()
    desk, device = Desk(client, tokens), machine()
    await desk.manners()
    async with on_line(app, device):
        begun = time.perf_counter()
        assert (await desk.run("read-time"))["state"] == "done"
        asked = time.perf_counter() - begun
    sys.stdout.write(
        f"\n{IDLE} idle loggers: {grown:.0f} MB more ({grown * 1000 / IDLE:.1f} kB each), sweep p50 "
        f"{took[50] * 1e3:.2f} ms p99 {took[98] * 1e3:.2f} ms, a command beside them {asked * 1e3:.0f} ms"
    )
    assert grown <= 600 and took[50] <= 0.005


async def test_a_thousand_reconnects_at_once_are_served(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase
) -> None:
    device = machine()
    frames = [
        device.data("2051", digits(hours_ago(40 + n // 60)), past("2051", digits(hours_ago(40))))
        for n in range(1000)
    ]
    begun = time.perf_counter()

    async def once(frame: bytes) -> int:
        return await Logger("127.0.0.1", app.state.receiver.port).send([frame])

    assert sum(await asyncio.gather(*map(once, frames))) == 1000
    sys.stdout.write(f"\n1,000 reconnects with a frame each: {time.perf_counter() - begun:.2f} s")
    for _ in range(100):
        if not app.state.conversation.roster.known[MN].peers:
            break
        await asyncio.sleep(0.05)
    assert not app.state.conversation.roster.known[MN].peers
    assert not app.state.conversation.roster._spoken_for and not app.state.receiver._busy


async def test_a_slow_reader_is_not_spoken_to_for_ever(
    client: httpx.AsyncClient, app: FastAPI, database: FreshDatabase
) -> None:
    """Receipts that nobody reads stop the reading from that peer, and neighbours go on."""
    device = machine()
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", app.state.receiver.port))
    slow.setblocking(False)
    frame = device.data("2061", digits(hours_ago(5)), past("2061", digits(hours_ago(5))))
    loop = asyncio.get_running_loop()

    async def flood() -> None:
        while True:
            await loop.sock_sendall(slow, frame * 50)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(flood(), 4)
    fresh = device.data("2061", digits(hours_ago(6)), past("2061", digits(hours_ago(6))))
    begun = time.perf_counter()
    assert await Logger("127.0.0.1", app.state.receiver.port).send([fresh]) == 1
    assert time.perf_counter() - begun < 2
    slow.close()


async def test_one_that_repeats_everything_does_not_slow_its_neighbours(
    client: httpx.AsyncClient, app: FastAPI, crowd: list[subprocess.Popen[str]]
) -> None:
    device = machine()
    repeated = device.data("2061", digits(hours_ago(5)), past("2061", digits(hours_ago(5))))

    async def p99(count: int) -> float:
        took = []
        async with on_line(app, machine()) as line:
            neighbour = Machine(MN, PASSWORD)
            for at in range(count):
                start = digits(hours_ago(30 + at))
                begun = time.perf_counter()
                await line.send([neighbour.data("2061", start, past("2061", start))])
                took.append(time.perf_counter() - begun)
        return sorted(took)[int(count * 0.99) - 1]

    alone = await p99(100)

    crowd.append(repeating(app.state.receiver.port, repeated))
    await asyncio.sleep(1)
    beside = await p99(100)
    sys.stdout.write(
        f"\np99 of an acknowledgement: alone {alone * 1e3:.0f} ms, beside a repeater {beside * 1e3:.0f} ms "
    )
    assert beside < max(0.5, alone * 5)
    assert crowd[0].poll() is None

"""Load of data loggers: frames of 12 factors made beforehand, a thousand connections in one loop of epoll.

Promises: each connection sends a frame, waits for its receipt (9014), sends the next; a delay is from the
frame's last byte handed to the kernel to its receipt; whoever gets no receipt is counted.
"""

import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpx
from ingest.rules.hj212_build import envelope
from load import percentiles, register, site

FACTORS = (
    "a34004", "a34002", "a21026", "a21004", "a05024", "a21005",
    "a21002", "a34001", "a01001", "a01002", "a01006", "a01007",
)  # fmt: skip
PASSWORD = "123456"
DEVICES, SITES = 1000, 50
START = 1_767_225_600  # 2026-01-01 08:00 at the logger: past, so never refused as future
# Frames of the row measured begin so long ago: none is of the future, and none so late that it is said.
AGO_SECONDS = 900


def mn(n: int) -> str:
    return f"131000B{n:017d}"


def register_loggers(edge: str, token: str, devices: int = DEVICES) -> None:
    """Loggers with 12 series each, on the stations of the bench."""
    with httpx.Client(base_url=edge, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for n in range(devices):
            body = {"site": site(n % SITES), "source": mn(n), "password": PASSWORD}
            client.put(f"/api/ingest/devices/{mn(n)}", json=body).raise_for_status()
        series = [
            {"site": site(n % SITES), "factor": factor, "source": mn(n), "statistic": "rtd", "period": "rtd"}
            for n in range(devices)
            for factor in FACTORS
        ]
        for at in range(0, len(series), 2000):
            answer = client.put("/api/ingest/series", json={"series": series[at : at + 2000]})
            assert answer.status_code == 200, answer.text[:500]


def frame(device: int, number: int, start: int = START) -> bytes:
    """The `number`-th frame of a logger: 12 values of one second, about 470 bytes."""
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(start + 28_800 + number))
    values = ";".join(
        f"{factor}-Rtd={40 + (device * 7 + number * 13 + place * 29) % 300 / 10:.1f},{factor}-Flag=N"
        for place, factor in enumerate(FACTORS)
    )
    head = f"QN={stamp}000;ST=22;CN=2011;PW={PASSWORD};MN={mn(device)};Flag=5"
    return envelope(f"{head};CP=&&DataTime={stamp};{values}&&".encode())


def prepared(devices: int, each: int, first: int = 0) -> list[list[bytes]]:
    """For each logger its next `each` frames, as a logger that was never away sends them."""
    start = int(time.time()) - AGO_SECONDS
    return [[frame(device, first + n, start) for n in range(each)] for device in range(devices)]


@dataclass
class Exchange:
    """What a run of loggers came to; `used` is the client's share of one core."""

    seconds: float = 0.0
    used: float = 0.0
    ran_dry: int = 0
    delays: list[float] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        rate = len(self.delays) / self.seconds
        return {"rate": rate, "frames": len(self.delays), "used": self.used, **percentiles(self.delays)}


def connect(address: tuple[str, int], count: int, per_source: int = 2000) -> list[socket.socket]:
    """Connections from as many loopback addresses as the receiver's limit per address asks for."""
    made = []
    for n in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((f"127.0.1.{1 + n // per_source}", 0))
        one.connect(address)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.append(one)
    return made


def run(address: tuple[str, int], frames: Sequence[Iterable[bytes]], seconds: float) -> Exchange:
    """One connection for each row of `frames`, until the time is over; what is under way is waited for."""
    sockets = connect(address, len(frames))
    by_fd = {one.fileno(): one for one in sockets}
    queues = {one.fileno(): iter(own) for one, own in zip(sockets, frames, strict=True)}
    sent: dict[int, float] = {}
    done, poll, now = Exchange(), select.epoll(), time.perf_counter
    for one in sockets:
        one.setblocking(False)
        poll.register(one.fileno(), select.EPOLLIN)
    own, begun = time.process_time(), now()
    until = begun + seconds
    for fd, one in by_fd.items():
        one.send(next(queues[fd]))
        sent[fd] = now()
    while sent and now() < until + 10:
        for fd, _ in poll.poll(0.5):
            if b"CN=9014" not in by_fd[fd].recv(4096):
                continue
            at = now()
            done.delays.append(at - sent.pop(fd))
            following = next(queues[fd], None) if at < until else None
            if following is not None:
                by_fd[fd].send(following)
                sent[fd] = now()
            elif at < until:
                done.ran_dry += 1
    done.seconds = now() - begun
    done.used = (time.process_time() - own) / done.seconds
    poll.close()
    for one in sockets:
        one.close()
    assert not sent, f"{len(sent)} frames were not answered within 10 s"
    return done


def prepare(edge: str, token: str) -> None:
    """Stations, their series, and the loggers."""
    register(edge, token)
    register_loggers(edge, token)

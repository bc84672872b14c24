"""The HJ 212 port is open to anybody: who floods it or dribbles into it harms neither disk nor neighbours."""

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
import stations
from ingest.rules.hj212_build import data_frame
from ingest.rules.limits import limits_on
from ingest.rules.stream import StreamParser
from stations import past_hour
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
CODE, MN = "131000-T02", "131000T02000000000000001"
SUBMISSIONS = "SELECT count(*) FROM submissions"
UNKNOWN = "SELECT count(*) FROM refused_rows WHERE rule = 'unknown-device'"
COUNTED = "SELECT coalesce(sum(counted), 0) FROM flood_counts WHERE rule = 'unknown-device'"
FLOOD_SECONDS = 8.0
FLOODERS = 3
FRAME_SECONDS = 30
DISK_MEGABYTES = 8


def frame(mn: str, number: int, password: str = stations.PASSWORD) -> tuple[bytes, str]:
    """An hour of one logger, and its QN."""
    digits = (past_hour(number) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    value = {"Avg": f"{40 + number * 7 % 11}.{number % 7}", "Flag": "N"}
    device = {"ST": "22", "PW": password, "MN": mn}
    return data_frame(device, 2061, digits, [("a34004", value)], qn=f"{digits}000"), f"{digits}000"


class GoodLogger:
    """Sends one frame after the other and measures how long each 9014 takes."""

    def __init__(self, platform: WholePlatform) -> None:
        self.numbers = iter(range(1_000_000))
        self.line = socket.create_connection(platform.client.hj212, timeout=10)
        self.parser = StreamParser()
        self.acknowledged = 0

    def send(self) -> float:
        """Seconds until the answer."""
        content, qn = frame(MN, next(self.numbers))
        begun = time.perf_counter()
        self.line.sendall(content)
        while True:
            received = self.line.recv(65536)
            assert received, "the good logger was cut off"
            if any(answer.fields.get("QN") == qn for answer in self.parser.feed(received)):
                self.acknowledged += 1
                return time.perf_counter() - begun

    def p99(self, times: int) -> float:
        taken = [self.send() for _ in range(times)]
        return statistics.quantiles(taken, n=100)[98]


@pytest.fixture(scope="module")
def good(platform: WholePlatform) -> Iterator[GoodLogger]:
    stations.register_logger(platform.client, CODE, MN)
    logger = GoodLogger(platform)
    yield logger
    logger.line.close()


def disk_megabytes(platform: WholePlatform) -> float:
    return float(platform.value("ingest", "SELECT pg_database_size('ingest')")) / 2**20


def flood(platform: WholePlatform, ended: threading.Event, sent: list[int], mark: int) -> None:
    """Frames of ever new unknown loggers, as fast as the port takes them."""
    number = 0
    with socket.create_connection(platform.client.hj212, timeout=10) as line:
        while not ended.is_set():
            some = [frame(f"X{mark}{number + n:0>22}", n)[0] for n in range(50)]
            try:
                line.sendall(b"".join(some))
            except TimeoutError:
                continue
            number += len(some)
    sent.append(number)


def test_unknown_loggers_that_flood_the_port_fill_no_disk_and_delay_nobody(
    platform: WholePlatform, good: GoodLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    most = limits_on(past_hour(0).date()).kept_refusals_per_day
    quiet = good.p99(200)
    disk = disk_megabytes(platform)
    submissions, kept = platform.value("ingest", SUBMISSIONS), platform.value("ingest", UNKNOWN)
    acknowledged = good.acknowledged
    ended, sent = threading.Event(), list[int]()
    flooders = [
        threading.Thread(target=flood, args=(platform, ended, sent, mark), daemon=True)
        for mark in range(FLOODERS)
    ]
    for flooder in flooders:
        flooder.start()
    time.sleep(1)
    flooded, begun = list[float](), time.monotonic()
    while time.monotonic() - begun < FLOOD_SECONDS:
        flooded.append(good.send())
    ended.set()
    for flooder in flooders:
        flooder.join(20)
    during = statistics.quantiles(flooded, n=100)[98]
    platform.until(lambda: platform.value("ingest", COUNTED) > 1_000, "the flood is counted", 30)
    added = platform.value("ingest", SUBMISSIONS) - submissions - (good.acknowledged - acknowledged)
    grown = disk_megabytes(platform) - disk
    with capsys.disabled():
        print(f"\nflood: {sum(sent):,} frames of unknown loggers, {added} kept, disk +{grown:.1f} MB")
        print(f"  good logger's p99: {quiet * 1000:.1f} ms before, {during * 1000:.1f} ms during")
    assert sum(sent) > 10_000
    assert kept < platform.value("ingest", UNKNOWN) <= most
    assert added <= 2 * most, "of the flood, only what the rule keeps is kept"
    assert grown < DISK_MEGABYTES
    assert during <= max(5 * quiet, 0.25)


def test_a_wrong_password_is_never_answered_and_kept_within_the_rule(
    platform: WholePlatform, good: GoodLogger
) -> None:
    most = limits_on(past_hour(0).date()).kept_refusals_per_day
    kept = {"ingest.submissions": most, "ingest.raw_bytes": most, "ingest.refused_rows": most}
    with (
        platform.changes(kept | {"ingest.ingest_findings": most}),
        socket.create_connection(platform.client.hj212, timeout=3) as line,
    ):
        for number in range(3 * most):
            line.sendall(frame(MN, number, password="wrong")[0])
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_loggers_that_dribble_are_cut_off_and_delay_nobody(
    platform: WholePlatform, good: GoodLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = good.p99(100)
    content = b"##0999" + b"QN=20140101000000000;ST=22;CN=2061;" * 20
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(platform.client.hj212, timeout=FRAME_SECONDS + 20))
            for _ in range(200)
        ]
        begun, sent = time.monotonic(), 0
        taken = list[float]()
        while time.monotonic() - begun < FRAME_SECONDS - 5:
            for line in lines:
                line.sendall(content[sent : sent + 1])
            sent += 1
            taken += [good.send() for _ in range(10)]
            time.sleep(0.5)
        during = statistics.quantiles(taken, n=100)[98]
        for line in lines:
            assert line.recv(1) == b"", "a frame without end is answered with nothing but the end"
        seconds = time.monotonic() - begun
    with capsys.disabled():
        print(f"\n200 dribbling loggers: cut off within {seconds:.0f} s; "
              f"p99 of a good one {quiet * 1000:.1f} ms before, {during * 1000:.1f} ms during")  # fmt: skip
    assert FRAME_SECONDS - 5 < seconds < FRAME_SECONDS + 10
    assert during <= max(5 * quiet, 0.25)

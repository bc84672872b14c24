"""Senders that lose nothing: they repeat until they are answered, and write down every answer.

Promises: a line in the log means acknowledged (202, or 9014); a batch keeps its Idempotency-Key and a frame
its bytes until then. Leaves to the tests what happens to the platform meanwhile.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import stations
from ingest.rules.hj212_build import data_frame
from ingest.rules.stream import StreamParser
from jianzhen.platform import Platform
from jianzhen.state import Refused

AGAIN = {409, 429, 500, 502, 503, 504}
BATCH_HOURS = 20
ANSWER_SECONDS = 5.0


class Log:
    """The senders' own log: one JSON line for each acknowledgement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()
        self._lock = threading.Lock()

    def write(self, door: str, key: str, sha256: str, submission: str, rows: list[list[Any]]) -> None:
        """`rows` are [series, milliseconds since 1970, value]."""
        line = {"door": door, "key": key, "sha256": sha256, "submission": submission, "rows": rows}
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def values(self) -> dict[tuple[int, int], float]:
        """Every acknowledged value by (series, milliseconds)."""
        return {(row[0], row[1]): row[2] for line in self.lines() for row in line["rows"]}


@dataclass
class Sender(threading.Thread):
    """One station's sender; `stop()` lets it finish what it has in hand."""

    platform: Platform
    log: Log
    code: str
    series: dict[str, int]
    past: Iterator[stations.Hour]
    pause: float = 0.1
    repeats: int = 0
    wrong: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(name=f"sender {self.code}", daemon=True)
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        for number in range(1_000_000):
            some = [hour for hour, _ in zip(self.past, range(BATCH_HOURS), strict=False)]
            if self._ended.is_set() or not some:
                break
            self.deliver(number, some)
            time.sleep(self.pause)
        self.hang_up()

    def deliver(self, number: int, some: list[stations.Hour]) -> None:
        """Until it is acknowledged."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Give back what is held."""

    def rows(self, some: list[stations.Hour]) -> list[list[Any]]:
        return [
            [self.series[factor], round(hour.at.timestamp() * 1000), value]
            for hour in some
            for factor, value in hour.values.items()
        ]

    def note(self, why: str) -> None:
        self.repeats += 1
        self.refusals[why] = self.refusals.get(why, 0) + 1

    def __hash__(self) -> int:
        return id(self)


@dataclass(eq=False)
class BatchSender(Sender):
    """A department's system: batches over HTTP."""

    def deliver(self, number: int, some: list[stations.Hour]) -> None:
        key = f"{self.code}-{number}"
        content = json.dumps(stations.body(stations.cells(self.code, some))).encode()
        while True:
            why = self._once(key, content, some)
            if why is None:
                return
            self.note(why)
            time.sleep(0.2)

    def _once(self, key: str, content: bytes, some: list[stations.Hour]) -> str | None:
        try:
            answer = stations.send(self.platform, content, **{"Idempotency-Key": key})
        except (httpx.TransportError, Refused) as error:
            return type(error).__name__
        if answer.status_code == 202:
            told = answer.json()
            if told["refused"] or told["revised"]:
                self.wrong.append(f"{key}: {answer.text[:500]}")
            sha256 = hashlib.sha256(content).hexdigest()
            self.log.write("http", key, sha256, told["submission"], self.rows(some))
            return None
        if answer.status_code not in AGAIN:
            self.wrong.append(f"{key}: {answer.status_code} {answer.text[:500]}")
            return None
        if answer.status_code == 503 and "retry-after" not in answer.headers:
            self.wrong.append(f"{key}: 503 without Retry-After: {answer.text[:300]}")
        return str(answer.status_code)


@dataclass(eq=False)
class FrameSender(Sender):
    """A data logger: one HJ 212 frame after the other, each repeated until its 9014 comes."""

    mn: str = ""
    _line: socket.socket | None = None

    def deliver(self, number: int, some: list[stations.Hour]) -> None:
        for hour in some:
            frame, key = self.frame(hour)
            while (why := self._once(frame, key)) is not None:
                self.note(why)
                self.hang_up()
                time.sleep(0.2)
            sha256 = hashlib.sha256(frame).hexdigest()
            self.log.write("hj212", key, sha256, "", self.rows([hour]))
            time.sleep(self.pause / 10)

    def frame(self, hour: stations.Hour) -> tuple[bytes, str]:
        """The frame of one hour, and its QN."""
        digits = hour.at.strftime("%Y%m%d%H%M%S")
        readings = [(factor, {"Avg": str(value), "Flag": "N"}) for factor, value in hour.values.items()]
        device = {"ST": "22", "PW": stations.PASSWORD, "MN": self.mn}
        return data_frame(device, 2061, digits, readings, qn=f"{digits}001"), f"{digits}001"

    def _once(self, frame: bytes, key: str) -> str | None:
        try:
            if self._line is None:
                self._line = socket.create_connection(self.platform.hj212, timeout=ANSWER_SECONDS)
            self._line.sendall(frame)
            return None if self._hears(self._line, key) else "closed"
        except OSError as error:
            return type(error).__name__

    def _hears(self, line: socket.socket, key: str) -> bool:
        parser = StreamParser()
        while received := line.recv(65536):
            for answer in parser.feed(received):
                if answer.fields.get("CN") == "9014" and answer.fields.get("QN") == key:
                    return True
        return False

    def hang_up(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.close()
        self._line = None


class Senders:
    """Some stations that send at once: `with Senders(...) as senders:` … all is acknowledged at the end."""

    def __init__(self, platform: Platform, path: Path, mark: str, systems: int = 2, loggers: int = 1) -> None:
        self.log = Log(path)
        self.all: list[Sender] = []
        for number in range(systems):
            code = f"131000-{mark}{number}"
            ids, past = stations.register(platform, code), stations.hours(number, code)
            self.all.append(BatchSender(platform, self.log, code, ids, past))
        for number in range(loggers):
            code, mn = f"131000-{mark}L{number}", f"131000{mark}{number:0>16}"[-24:]
            ids, past = stations.register_logger(platform, code, mn), stations.hours(systems + number, code)
            self.all.append(FrameSender(platform, self.log, code, ids, past, mn=mn))

    @property
    def series(self) -> list[int]:
        return [series for sender in self.all for series in sender.series.values()]

    def __enter__(self) -> "Senders":
        for sender in self.all:
            sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        for sender in self.all:
            sender.stop()

    def finish(self, seconds: float = 120) -> None:
        """Everything begun is answered; nothing was answered wrongly."""
        for sender in self.all:
            sender.stop()
        for sender in self.all:
            sender.join(seconds)
            assert not sender.is_alive(), (
                f"{sender.name} was not answered for {seconds:.0f} s: {sender.refusals}"
            )
            assert not sender.wrong, f"{sender.name}: {sender.wrong[:5]}"

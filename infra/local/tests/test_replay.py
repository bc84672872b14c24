"""A file sent through HTTP: the same batches every time, every answer kept, nothing doubled."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from jianzhen.mapping import Mapping, batches, header_of
from jianzhen.platform import Platform
from jianzhen.sender import Journal, Sender
from jianzhen.state import Refused

HEADER = "datetime,PM2.5,PM10,SO2,NO2,CO,O3,TEMP\n"
LINES = [f"2013-03-01 {hour:02d}:00,9.0,{hour},3.5,17.0,{300 + hour}.0,,-0.5\n" for hour in range(24)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Dongsi.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "".join(LINES)).encode()))
    return path


class Door(BaseHTTPRequestHandler):
    """Stands for the edge where it must fail on command; the real one is used by tests/e2e."""

    seen: dict[str, bytes]
    calls: list[int]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.answers.pop(0) if self.answers else 202
        self.calls.append(status)
        answer: dict[str, Any] = {"title": "no"}
        if status == 202:
            key = self.headers["Idempotency-Key"]
            assert self.seen.setdefault(key, body) == body
            rows = len(json.loads(body)["data"])
            answer = {
                "submission": key,
                "accepted": rows,
                "repeated": 0,
                "revised": 0,
                "refused": 0,
                "rows": [],
            }
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def door() -> Iterator[ThreadingHTTPServer]:
    Door.seen, Door.calls, Door.answers = {}, [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sender(door: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setenv("JIANZHEN_TOKEN", "of no importance here")
    platform = Platform(
        f"http://127.0.0.1:{door.server_port}", ("127.0.0.1", 1), {"users": {}, "clients": {}}
    )
    with Journal(tmp_path / "journal.jsonl") as journal:
        yield Sender(platform, "sys", journal, patience=5)


def test_a_cell_becomes_an_observation_and_an_empty_one_none(file: Path) -> None:
    mapping = Mapping.load(None, header_of(file))
    (batch,) = batches(file, mapping, "131000-A90")
    body = json.loads(batch.body)
    assert body["historical"] is True
    assert body["label"] == "start"
    assert batch.rows == len(body["data"]) == 24 * 5
    rows = [dict(zip(body["columns"], row, strict=True)) for row in body["data"]]
    carbon = [row for row in rows if row["factor"] == "a21005"]
    assert (carbon[7]["value"], carbon[7]["unit"], carbon[7]["time"]) == (0.307, "mg/m3", "2013-03-01T07:00")
    assert not [row for row in rows if row["factor"] == "a05024"]


def test_the_same_file_gives_the_same_batches_and_another_station_others(file: Path) -> None:
    mapping = Mapping.load(None, header_of(file))
    first, again = (list(batches(file, mapping, "131000-A90", size=50)) for _ in range(2))
    assert first == again
    assert [batch.rows for batch in first] == [50, 50, 20]
    other = list(batches(file, mapping, "131000-A91", size=50))
    assert not {batch.key for batch in first} & {batch.key for batch in other}


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + LINES[0] + LINES[1].replace("17.0", "many"))
    with pytest.raises(Refused, match=r"bad\.csv, line 3"):
        list(batches(path, Mapping.load(None, header_of(path)), "131000-A90"))


def test_unknown_columns_and_broken_mappings_are_refused(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("when,what\n1,2\n")
    with pytest.raises(Refused, match="no mapping fits the columns when, what"):
        Mapping.load(None, header_of(path))
    broken = tmp_path / "broken.yaml"
    broken.write_text("columns: 7")
    with pytest.raises(Refused, match=r"broken\.yaml is not a mapping"):
        Mapping.load(broken, header_of(file))


def test_the_platform_may_be_away_for_a_while(file: Path, sender: Sender) -> None:
    Door.answers = [503, 502, 429, 202, 409]
    made = list(batches(file, Mapping.load(None, header_of(file)), "131000-A90", size=40))
    assert sender.send(iter(made), lambda _: None) == 120
    assert len(Door.seen) == 3
    assert sender.journal.totals()["accepted"] == 120


def test_an_interrupted_send_goes_on_where_it_stopped(file: Path, sender: Sender) -> None:
    made = list(batches(file, Mapping.load(None, header_of(file)), "131000-A90", size=10))
    sender.concurrency = 1
    shown = 0

    def interrupt(_: Any) -> None:
        nonlocal shown
        shown += 1
        if shown == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sender.send(iter(made), interrupt)
    with sender.journal.path.open("a") as torn:
        torn.write('{"key": "replay-torn')
    with Journal(sender.journal.path) as journal:
        known = len(journal.answers)
        assert 4 <= known < len(made)
        Door.calls.clear()
        Sender(sender.platform, "sys", journal).send(iter(made), lambda _: None)
        assert len(Door.calls) == len(made) - known
        assert journal.totals()["accepted"] == 120
    assert len(Door.seen) == len(made)


def test_a_refused_batch_ends_the_send_with_its_reason(file: Path, sender: Sender) -> None:
    Door.answers = [403] * 9
    made = list(batches(file, Mapping.load(None, header_of(file)), "131000-A90", size=10))
    with pytest.raises(Refused, match=r"batch \d was refused with 403: no"):
        sender.send(iter(made), lambda _: None)


def test_patience_ends_with_exit_code_3(file: Path, sender: Sender) -> None:
    Door.answers = [503] * 500
    sender.patience = 0.5
    with pytest.raises(Refused, match="the same command goes on from here") as caught:
        sender.send(batches(file, Mapping.load(None, header_of(file)), "131000-A90"), lambda _: None)
    assert caught.value.code == 3

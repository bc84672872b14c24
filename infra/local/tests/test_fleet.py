"""The demonstration's loggers on lines that stay, against a host made of a bare socket."""

import socket
import threading
from datetime import UTC, datetime

from ingest.rules.commands import Line, catalogue, frame
from ingest.rules.hj212_build import answer
from ingest.rules.stream import StreamParser
from jianzhen.demo import readings
from jianzhen.demo.fleet import Fleet
from jianzhen.demo.logger import MINUTES, PASSWORD, reading
from jianzhen.platform import Platform

AT = 1_795_219_200


class Host(threading.Thread):
    """Acknowledges data, asks once for the minutes of the last two, and keeps what it hears."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.heard: list[dict[str, str]] = []
        self.done = threading.Event()

    def run(self) -> None:
        held, _ = self.listening.accept()
        parser = StreamParser()
        with held:
            while not self.done.is_set():
                for one in parser.feed(held.recv(65536)):
                    self.heard.append(dict(one.fields))
                    if len(self.heard) == 1:
                        line = Line(one.fields["MN"], one.fields["ST"], PASSWORD, 1)
                        span = {"BeginTime": "20261121080000", "EndTime": "20261121080100"}
                        request = frame(
                            catalogue()["recall-minutes"], span, line, "20261121090000000", datetime.now(UTC)
                        )
                        held.sendall(request)
                    if one.fields["CN"] == "2051":
                        held.sendall(answer(one.fields))
                    if one.fields["CN"] == "9012":
                        self.done.set()


def test_a_logger_of_the_fleet_sends_and_answers_on_one_line() -> None:
    site, host = readings.loggers()[0], Host()
    host.start()
    platform = Platform("http://127.0.0.1:1", ("127.0.0.1", host.listening.getsockname()[1]), {})
    with Fleet(platform) as fleet:
        assert fleet.send({site.code: [reading(site, MINUTES, AT, {}, 1)]}) == 1
        assert host.done.wait(10)
    host.listening.close()
    assert [one["CN"] for one in host.heard] == ["2051", "9011", "2051", "2051", "9012"]
    assert {one["MN"] for one in host.heard} == {site.mn}

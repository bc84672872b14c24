"""kill -9 of the gateway with audit events under way: what was told is on record, a round may be lost."""

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import stations
from gateway.flows.ledger import ROUND_SECONDS
from whole_platform import WholePlatform

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
OFFICER = "ee.enf/case.officer@131000"
KILLS = 4
FOUND = "SELECT request_id::text FROM audit WHERE request_id = ANY ($1::uuid[])"


@dataclass(frozen=True)
class Answered:
    """A request that was let through: when it was asked and when answered, on the monotonic clock."""

    request: str
    begun: float
    at: float


class Asker(threading.Thread):
    """Asks again and again; keeps what was answered below 300."""

    def __init__(self, client: httpx.Client, requests: Iterator[httpx.Request]) -> None:
        super().__init__(daemon=True)
        self.answered: list[Answered] = []
        self._client, self._requests, self._ended = client, requests, threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                answer = self._client.send(next(self._requests))
            except httpx.TransportError:
                continue
            if answer.status_code < 300:
                self.answered.append(Answered(answer.headers["x-request-id"], begun, time.monotonic()))

    def stop(self) -> None:
        self._ended.set()
        self.join(60)


def looks(client: httpx.Client) -> Iterator[httpx.Request]:
    """Reads of case data, on record before they are answered."""
    return (client.build_request("GET", "/api/cases/leads") for _ in itertools.count())


def submissions(client: httpx.Client, code: str) -> Iterator[httpx.Request]:
    """Submissions, whose events are gathered behind the request."""
    for number, hour in enumerate(stations.hours(0, code)):
        content = json.dumps(stations.body(stations.cells(code, [hour])))
        said = {"Idempotency-Key": f"{code}-{number}", "Content-Type": "application/json"}
        yield client.build_request("POST", "/api/ingest/observations", content=content, headers=said)


def missing(platform: WholePlatform, answered: list[Answered]) -> list[Answered]:
    found = {row[0] for row in platform.rows("gateway", FOUND, [one.request for one in answered])}
    return [one for one in answered if one.request not in found]


def test_a_look_that_was_answered_is_on_record_and_a_killed_round_is_all_that_is_lost(
    platform: WholePlatform, capsys: pytest.CaptureFixture[str]
) -> None:
    code, chance = "131000-AK1", random.Random()
    stations.register(platform.client, code)
    people = [platform.client.client(OFFICER) for _ in range(2)]
    system = platform.client.client(stations.SYSTEM)
    officers = [Asker(client, looks(client)) for client in people]
    sender = Asker(system, submissions(system, code))
    kills: list[float] = []
    for asker in (*officers, sender):
        asker.start()
    try:
        for _ in range(KILLS):
            seen = len(sender.answered), len(officers[0].answered)
            platform.until(
                lambda seen=seen: (
                    len(sender.answered) > seen[0] + 5 and len(officers[0].answered) > seen[1] + 5
                ),
                "both are answered again",
                180,
            )
            time.sleep(chance.uniform(0, ROUND_SECONDS))
            assert platform.kill("gateway")
            kills.append(time.monotonic())
    finally:
        for asker in (*officers, sender):
            asker.stop()
    for client in (*people, system):
        client.close()
    platform.wait_ready()
    certain = [one for officer in officers for one in officer.answered]
    # What waits is written within a round; a busy machine's commit is as slow as the slowest certain answer.
    slowest = max(one.at - one.begun for one in certain)
    time.sleep(2 * ROUND_SECONDS + slowest)
    lost = missing(platform, sender.answered)
    ages = [min((kill - one.begun for kill in kills if kill > one.begun), default=1e9) for one in lost]
    with capsys.disabled():
        print(f"\n{len(kills)} kills; {len(certain)} looks answered, slowest {slowest:.2f} s; submissions")
        print(f"  {len(sender.answered)}, not on record {len(lost)}, oldest {max(ages, default=0):.2f} s")
    assert len(certain) > 20
    assert missing(platform, certain) == []
    assert all(age < ROUND_SECONDS + 2 * slowest for age in ages), (ages, slowest)
    # The submissions themselves are all there: only who sent them is not on record.
    count = "SELECT count(*) FROM submissions WHERE idempotency_key LIKE $1"
    kept = platform.value("ingest", count, f"{code}-%")
    assert kept >= len(sender.answered)

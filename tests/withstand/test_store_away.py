"""While PostgreSQL is away nothing is acknowledged, and nothing is lost: the sender keeps its data."""

import socket
import time
from datetime import timedelta

import pytest
import stations
from ingest.rules.hj212_build import data_frame
from ingest.rules.stream import StreamParser
from stations import batch, past_hour, row
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
CODE, MN = "131000-T03", "131000T03000000000000001"
AWAY_SECONDS = 4.0


def frame(number: int) -> tuple[bytes, str]:
    digits = (past_hour(number) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    device = {"ST": "22", "PW": stations.PASSWORD, "MN": MN}
    values = [("a34002", {"Avg": "88.5", "Flag": "N"})]
    return data_frame(device, 2061, digits, values, qn=f"{digits}000"), f"{digits}000"


def is_acknowledged(platform: WholePlatform, content: bytes, qn: str, seconds: float) -> bool:
    """Whether a 9014 for this QN comes in time."""
    parser = StreamParser()
    with socket.create_connection(platform.client.hj212, timeout=seconds) as line:
        line.sendall(content)
        try:
            while received := line.recv(4096):
                if any(answer.fields.get("QN") == qn for answer in parser.feed(received)):
                    return True
        except TimeoutError:
            pass
    return False


def test_while_postgresql_is_away_nothing_is_acknowledged_and_nothing_is_lost(
    platform: WholePlatform,
) -> None:
    stations.register_logger(platform.client, CODE, MN)
    stations.register(platform.client, CODE)
    sent, key = batch(row(CODE, past_hour(1), 61.5)), {"Idempotency-Key": "kept-by-the-sender"}
    content, qn = frame(1)
    assert is_acknowledged(platform, *frame(0), 10)
    platform.client.token(stations.SYSTEM)
    with platform.unattended():
        assert platform.kill("postgres")
        begun = time.monotonic()
        while time.monotonic() - begun < AWAY_SECONDS:
            answer = stations.send(platform.client, sent, **key)
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["content-type"].startswith("application/problem+json")
        assert not is_acknowledged(platform, content, qn, 3)
        direct = stations.httpx.post(
            f"{platform.inside('ingest')}/observations", json=sent, timeout=30, trust_env=False,
            headers={"Authorization": f"Bearer {platform.client.token(stations.SYSTEM)}"},
        )  # fmt: skip
        assert (direct.status_code, "retry-after" in direct.headers) == (503, True), direct.text
    platform.wait_ready()
    # The two attempts that were cut off left nothing behind: exactly one value of each is there now.
    changed = {"ingest.submissions": 1, "ingest.raw_bytes": 1, "ingest.observations": 1, "ingest.outbox": 1}
    follows = ("ingest.outbox_heads", "qc.outbox", "qc.outbox_heads", "qc.known_series", "publish.series"
               )  # fmt: skip
    values = {"qc.known_values": 1, "publish.figures": 1}
    with platform.changes(changed | values | {"ingest.idempotent_answers": 1}, follows=follows):
        assert stations.send(platform.client, sent, **key).status_code == 202
        assert stations.send(platform.client, sent, **key).status_code == 202
    # What a logger sends of a day long ago is late, and that is an event of its own.
    with platform.changes(changed | values | {"ingest.outbox": 2}, follows=follows):
        assert is_acknowledged(platform, content, qn, 10)

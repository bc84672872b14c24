"""Bodies that are too large, broken or built to hurt: a clear answer, and nothing else happens."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stations
from stations import batch, past_hour, row
from whole_platform import WholePlatform

pytestmark = pytest.mark.slow
MEGABYTE = 1024 * 1024
# What is refused as a whole is kept all the same, with its reason.
KEPT = {"ingest.submissions": 1, "ingest.raw_bytes": 1, "ingest.refused_rows": 1}
MOST_SECONDS = 15.0


def resident_megabytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def refused(platform: WholePlatform, content: bytes, rule: str, **headers: str) -> None:
    """Answered quickly with 422 and this rule; kept, and nothing else changed; memory stays bounded."""
    pid = platform.pid("ingest")
    assert pid
    before = resident_megabytes(pid)
    with platform.changes(KEPT):
        begun = time.monotonic()
        answer = stations.send(platform.client, content, **headers)
        seconds = time.monotonic() - begun
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    told = answer.json()
    assert told["type"] == "/problems/batch-not-acceptable"
    fault = told["errors"][0]
    assert fault["rule"] == rule, fault
    assert all(fault[name] for name in ("where", "what", "mend", "what_zh", "mend_zh"))
    assert seconds < MOST_SECONDS
    assert platform.pid("ingest") == pid
    assert resident_megabytes(pid) - before < 600


def too_large(platform: WholePlatform, content: bytes | Iterator[bytes]) -> None:
    with platform.changes({}), platform.client.client(stations.SYSTEM, seconds=60) as client:
        answer = client.post("/api/ingest/observations", content=content)
    assert answer.status_code == 413, answer.text[:500]
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 413
    assert "20 MB" in answer.json()["detail"] or "bytes" in answer.json()["detail"]


def test_a_body_of_50_mb_is_413_and_changes_nothing(platform: WholePlatform) -> None:
    too_large(platform, b" " * 50 * MEGABYTE)


def test_a_body_of_50_mb_without_its_length_is_413_too(platform: WholePlatform) -> None:
    too_large(platform, (b" " * MEGABYTE for _ in range(50)))


def test_invalid_utf8_is_refused_with_its_reason(platform: WholePlatform, station: str) -> None:
    content = json.dumps(batch(row(station, past_hour(0), flag="N"))).encode()
    refused(platform, content.replace(b'"N"', b'"\xff\xfe"'), "json-malformed")


def test_half_a_json_document_is_refused_with_its_reason(platform: WholePlatform, station: str) -> None:
    content = json.dumps(batch(row(station, past_hour(0)))).encode()
    refused(platform, content[: len(content) // 2], "json-malformed")


@pytest.mark.parametrize("depth", [5_000, 900_000])
def test_a_json_bomb_of_depth_is_refused(platform: WholePlatform, depth: int) -> None:
    refused(platform, b'{"source":"x","rows":' + b"[" * depth + b"]" * depth + b"}", "json-too-complex")


def test_a_json_bomb_of_depth_with_a_nan_is_refused(platform: WholePlatform) -> None:
    refused(
        platform, b'{"source":"x","rows":' + b"[" * 90_000 + b"NaN" + b"]" * 90_000 + b"}", "json-too-complex"
    )


def test_a_json_bomb_of_repeated_keys_is_refused(platform: WholePlatform) -> None:
    refused(platform, b'{"source":"x",' + b'"a":1,' * 2_500_000 + b'"rows":[]}', "json-too-complex")


def test_a_json_bomb_packed_by_gzip_is_refused(platform: WholePlatform) -> None:
    content = gzip.compress(b"[" * 300 * MEGABYTE, compresslevel=6)
    assert len(content) < MEGABYTE
    refused(platform, content, "body-unpacks-too-large", **{"Content-Encoding": "gzip"})


def test_a_number_of_a_million_digits_is_refused(platform: WholePlatform, station: str) -> None:
    content = json.dumps(batch(row(station, past_hour(0), value="?"))).encode()
    refused(platform, content.replace(b'"?"', b"9" * MEGABYTE), "json-malformed")


def test_what_is_no_object_is_refused_with_its_reason(platform: WholePlatform) -> None:
    refused(platform, b"[]", "batch-form")


def test_more_rows_than_a_batch_may_have_are_refused(platform: WholePlatform, station: str) -> None:
    cells = ",".join(["[1]"] * 100_001)
    refused(platform, f'{{"source":"x","columns":["site"],"data":[{cells}]}}'.encode(), "batch-size")

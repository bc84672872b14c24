"""The senders' log against every database: what was acknowledged is there, once, and nothing else is.

Promises: reads the tables themselves as superuser, not the API; prints what it compared. Leaves making
trouble to the tests.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zstandard
from chaos.senders import Senders
from contracts.ingest import Recorded
from contracts.packing import unpacked
from whole_platform import WholePlatform

Values = dict[tuple[int, int], float | None]
MILLISECONDS = "(extract(epoch FROM ts) * 1000)::bigint"
EVIDENCE = """
SELECT s.id::text, s.idempotency_key, encode(s.sha256, 'hex') AS sha256, s.size, s.accepted, s.revised,
       s.refused, r.encoding, r.data
FROM submissions s LEFT JOIN raw_bytes r ON r.submission = s.id
WHERE s.idempotency_key = ANY ($1::text[]) OR s.sha256 = ANY ($2::bytea[])
"""
GAPS = """
SELECT event, lane, count(*), max(o.seq), h.seq FROM outbox o JOIN outbox_heads h USING (event, lane)
GROUP BY event, lane, h.seq HAVING count(*) <> max(o.seq) OR max(o.seq) <> h.seq
"""


def values(platform: WholePlatform, database: str, table: str, series: list[int]) -> Values:
    """(series, milliseconds) → value, of these series."""
    ask = f"SELECT series_id, {MILLISECONDS}, value FROM {table} WHERE series_id = ANY ($1::bigint[])"
    found = platform.rows(database, ask, series)
    held = {(row[0], row[1]): row[2] for row in found}
    assert len(held) == len(found), f"{database}.{table} has an instant twice"
    return held


@dataclass
class Comparison:
    """Set differences by name; all empty is what must hold."""

    counts: dict[str, int] = field(default_factory=dict)
    differences: dict[str, list[Any]] = field(default_factory=dict)

    def differ(self, name: str, found: Any) -> None:
        self.differences[name] = list(found)

    def text(self) -> str:
        lines = [f"  {name}: {count:,}" for name, count in self.counts.items()]
        lines += [f"  {name}: {len(found)} {found[:5]}" for name, found in self.differences.items()]
        return "\n".join(lines)

    def settle(self) -> None:
        """Raises AssertionError when anything differs."""
        assert not any(self.differences.values()), f"\n{self.text()}"


def compare(platform: WholePlatform, senders: Senders) -> Comparison:
    """The whole comparison; call it when every consumer has reached its producer's last number."""
    made = Comparison()
    sent = senders.log.values()
    _compare_values(platform, senders, sent, made)
    _compare_evidence(platform, senders, made)
    _compare_events(platform, senders, sent, made)
    _compare_leaves(platform, made)
    made.differ("parked messages", platform.parked())
    return made


def _compare_values(
    platform: WholePlatform, senders: Senders, sent: dict[tuple[int, int], float], made: Comparison
) -> None:
    observed = values(platform, "ingest", "observations", senders.series)
    known = values(platform, "qc", "known_values", senders.series)
    figures = values(platform, "publish", "figures", senders.series)
    made.counts |= {"acknowledged rows": len(sent), "observations": len(observed)}
    made.counts |= {"judged by qc": len(known), "figures in publish": len(figures)}
    made.differ("acknowledged − database", set(sent.items()) - set(observed.items()))
    made.differ("database − acknowledged", observed.keys() - sent.keys())
    made.differ("observations ≠ qc's values", set(observed.items()) ^ set(known.items()))
    made.differ("observations ≠ publish's figures", set(observed.items()) ^ set(figures.items()))


def _compare_evidence(platform: WholePlatform, senders: Senders, made: Comparison) -> None:
    lines = senders.log.lines()
    kept = platform.rows(
        "ingest",
        EVIDENCE,
        [line["key"] for line in lines if line["door"] == "http"],
        [bytes.fromhex(line["sha256"]) for line in lines if line["door"] == "hj212"],
    )
    by_id = {row["id"]: row for row in kept}
    digests = {row["sha256"] for row in kept}
    keys = Counter(row["idempotency_key"] for row in kept if row["idempotency_key"])
    http = [line for line in lines if line["door"] == "http"]
    made.counts |= {"acknowledged batches": len(http), "acknowledged frames": len(lines) - len(http)}
    made.differ("acknowledged submissions not there", {line["submission"] for line in http} - by_id.keys())
    made.differ("acknowledged bytes not there", {line["sha256"] for line in lines} - digests)
    made.differ("submissions with the wrong digest", [
        line["key"] for line in http
        if line["submission"] in by_id and by_id[line["submission"]]["sha256"] != line["sha256"]
    ])  # fmt: skip
    made.differ("Idempotency-Keys with two submissions", [key for key, times in keys.items() if times > 1])
    made.differ("raw bytes that do not match", [row["id"] for row in kept if not _is_whole(row)])
    made.differ("revised or refused", [row["id"] for row in kept if row["revised"] or row["refused"]])
    accepted = sum(row["accepted"] for row in kept)
    held = made.counts["observations"]
    made.differ("accepted in all ≠ observations", [] if accepted == held else [(accepted, held)])


def _compare_leaves(platform: WholePlatform, made: Comparison) -> None:
    kept = {row[0] for row in platform.rows("ingest", "SELECT id::text FROM submissions")}
    leaves = [
        row[0] for row in platform.rows("evidence", "SELECT ref FROM entries WHERE subject = 'submission'")
    ]
    made.counts |= {"submissions kept": len(kept), "leaves in the log": len(leaves)}
    made.differ("submissions without a leaf", kept - set(leaves))
    made.differ("leaves without a submission", set(leaves) - kept)
    made.differ("submissions with two leaves", [ref for ref, times in Counter(leaves).items() if times > 1])


def _is_whole(row: Any) -> bool:
    if row["data"] is None:
        return False
    raw = row["data"] if row["encoding"] == "identity" else zstandard.decompress(row["data"], row["size"])
    return hashlib.sha256(raw).hexdigest() == row["sha256"]


def _compare_events(
    platform: WholePlatform, senders: Senders, sent: dict[tuple[int, int], float], made: Comparison
) -> None:
    said: Counter[tuple[int, int]] = Counter()
    mine = set(senders.series)
    for (data,) in platform.rows("ingest", "SELECT data FROM outbox WHERE event = 'ingest.recorded.v1'"):
        event = msgspec.json.decode(unpacked(data), type=Recorded)
        ids = [series.id for series in event.series]
        said.update((ids[at], ts) for at, ts in zip(event.at, event.ts_ms, strict=True) if ids[at] in mine)
    made.differ("said twice on the bus", [key for key, times in said.items() if times > 1])
    made.differ("said ≠ acknowledged", said.keys() ^ sent.keys())
    for service in ("ingest", "qc"):
        gaps = platform.rows(service, GAPS)
        made.differ(f"lanes of {service} with gaps", [tuple(row) for row in gaps])

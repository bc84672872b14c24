"""How values and verdicts are written: new rows by COPY, changed verdicts by one statement per batch.

Promises: a verdict that is replaced is kept in `earlier_verdicts` by the statement before the one that
replaces it. Leaves deciding to `qc.rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import numpy as np

from qc.queries.binary import pack, stamps, write
from qc.rules.outcome import Floats, Ints

NEW = (
    "series_id",
    "ts",
    "value",
    "decimals",
    "flag",
    "received_at",
    "message_no",
    "code",
    "tests",
    "revision",
    "pack_no",
    "assessed_at",
)
KEEP = """
    INSERT INTO earlier_verdicts (series_id, ts, revision, code, tests, pack_no, assessed_at)
    SELECT k.series_id, k.ts, k.revision, k.code, k.tests, k.pack_no, k.assessed_at
    FROM unnest($1::bigint[], $2::timestamptz[]) n (series_id, ts) JOIN known_values k USING (series_id, ts)
"""
REPLACE = """
    UPDATE known_values k SET code = n.code, tests = n.tests, revision = n.revision, pack_no = $6,
    assessed_at = $7 FROM unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::bigint[],
    $5::integer[]) n (series_id, ts, code, tests, revision) WHERE k.series_id = n.series_id AND k.ts = n.ts
"""


@dataclass(frozen=True, slots=True)
class NewRows:
    """Values that became known, with their first verdict. `message` is the number in its lane."""

    id: Ints
    ts: Ints
    value: Floats
    decimals: Ints
    flag: Sequence[str]
    code: Ints
    tests: Ints
    revision: Ints
    received_ms: Ints
    message: Ints


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and by which rules a batch is judged."""

    pack_no: int
    now: datetime

    @property
    def now_ms(self) -> int:
        return round(self.now.timestamp() * 1000)


async def insert_values(connection: asyncpg.Connection, rows: NewRows, occasion: Occasion) -> None:
    """COPY the rows: one group per (has a value, mark), because only rows of one shape pack as columns."""
    flags = np.array(list(rows.flag), dtype=object)
    present = ~np.isnan(rows.value)
    (now,) = stamps(np.array([occasion.now_ms]))
    groups = []
    for flag in dict.fromkeys(rows.flag):
        for has_value in (True, False):
            at = np.flatnonzero((flags == flag) & (present == has_value))
            if not len(at):
                continue
            groups.append(
                pack(
                    [
                        rows.id[at],
                        stamps(rows.ts[at]),
                        rows.value[at] if has_value else None,
                        rows.decimals[at].astype(np.int16),
                        flag.encode(),
                        stamps(rows.received_ms[at]),
                        rows.message[at],
                        rows.code[at].astype(np.int16),
                        rows.tests[at],
                        rows.revision[at].astype(np.int32),
                        np.full(len(at), occasion.pack_no, dtype=np.int16),
                        np.full(len(at), now),
                    ]
                )
            )
    await write(connection, "known_values", NEW, groups)


async def replace_verdicts(
    connection: asyncpg.Connection, ids: Ints, ts: Ints, verdict: tuple[Ints, Ints, Ints], occasion: Occasion
) -> None:
    """Keep the current verdicts of these values, then replace them by (code, tests, revision)."""
    instants = [datetime.fromtimestamp(ms / 1000, occasion.now.tzinfo) for ms in ts.tolist()]
    code, tests, revision = (column.tolist() for column in verdict)
    await connection.execute(KEEP, ids.tolist(), instants)
    await connection.execute(
        REPLACE, ids.tolist(), instants, code, tests, revision, occasion.pack_no, occasion.now
    )


async def insert_details(connection: asyncpg.Connection, columns: Sequence[Ints | Floats]) -> None:
    """The figures of rules that fired: series_id, ts, revision, rule_no, statistic, threshold, margin."""
    id, ts, revision, rule_no, statistic, threshold, margin = columns
    rows = pack(
        [
            id,
            stamps(ts.astype(np.int64)),
            revision.astype(np.int32),
            rule_no.astype(np.int16),
            statistic,
            threshold,
            margin,
        ]
    )
    names = ("series_id", "ts", "revision", "rule_no", "statistic", "threshold", "margin")
    await write(connection, "fired_details", names, [rows])

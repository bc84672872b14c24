"""The scene of qc's tests: one station, its series, and a lane that sends events as kit would."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from contracts.envelope import event_type
from contracts.ingest import Recorded, SeriesRef
from contracts.packing import unpacked
from kit.outbox import Meta
from qc.flows.assessing import assess_recorded
from qc.flows.setting import Setting
from qc.queries.series import Directory
from qc.rules.pack import load_pack
from sqlalchemy import text

PACK = load_pack()
HOUR = 3_600_000
MINUTE = 60_000
BEGIN = datetime(2026, 11, 10, tzinfo=UTC)
START = int(BEGIN.timestamp() * 1000)
SITE = "131000-A01"


def ref(id: int, factor: str = "a34004", period: str = "hour", **more) -> SeriesRef:
    known = {
        "site": SITE, "site_kind": "station", "region": "131000", "element": "air", "statistic": "avg",
        "basis": "raw", "source": "DL-1", "unit": "ug/m3", "decimals": 0, "uscc": "91131000MA0000001X",
    }  # fmt: skip
    return SeriesRef(id=id, factor=factor, period=period, **(known | more))


PM25, PM10, MINUTES = ref(1), ref(2, "a34002"), ref(3, period="min", decimals=1)


def recorded(rows, number: int, trace: str, now: datetime, mode: str = "live", flag: str = "N") -> Recorded:
    """The event of one submission with these rows (series, epoch milliseconds, value)."""
    refs = list(dict.fromkeys(row[0] for row in rows))
    return Recorded(
        submissions=[f"s{number}"], traces=[trace], modes=[mode],
        received_at_ms=int(now.timestamp() * 1000), series=refs,
        at=[refs.index(row[0]) for row in rows], by=[0] * len(rows), ts_ms=[row[1] for row in rows],
        value=[row[2] for row in rows], decimals=[row[0].decimals for row in rows],
        flag=[flag] * len(rows),
    )  # fmt: skip


class Lane:
    """Sends events to the flows as kit would, one transaction each, and reads back what was said."""

    def __init__(self, database, clock) -> None:
        self.database, self.clock, self.seq, self.directory = database, clock, 0, Directory()

    def meta(self, name: str = "ingest.recorded.v1") -> Meta:
        self.seq += 1
        return Meta(name, "07", self.seq, f"ingest-{self.seq}", SITE, "", ("ab" * 16,), self.clock())

    @property
    def setting(self) -> Setting:
        return Setting(PACK, self.directory, self.clock())

    async def send(self, rows: Sequence[tuple[SeriesRef, int, float | None]], mode="live", flag="N") -> int:
        event = recorded(rows, 1, "ab" * 16, self.clock(), mode, flag)
        async with self.database.writer() as session:
            return await assess_recorded(session, [(event, self.meta())], self.setting)

    async def send_many(self, parts: Sequence[tuple[Sequence[tuple[SeriesRef, int, float | None]], str]]):
        """Several messages judged together, as the consumer takes them; each with its own trace."""
        messages = []
        for rows, trace in parts:
            meta = replace(self.meta(), traces=(trace,))
            messages.append((recorded(rows, meta.seq, trace, self.clock()), meta))
        async with self.database.writer() as session:
            return await assess_recorded(session, messages, self.setting)

    async def said(self, cls) -> list:
        async with self.database.writer() as session:
            rows = await session.execute(
                text("SELECT data FROM outbox WHERE event = :e ORDER BY id"), {"e": event_type(cls)}
            )
            return [msgspec.json.decode(unpacked(row.data), type=cls) for row in rows]

    async def codes(self, series: SeriesRef) -> dict[int, tuple[int, int]]:
        async with self.database.writer() as session:
            rows = await session.execute(
                text("SELECT ts, code, tests FROM known_values WHERE series_id = :id ORDER BY ts"),
                {"id": series.id},
            )
            return {round(row.ts.timestamp() * 1000): (row.code, row.tests) for row in rows}

    async def scalar(self, query: str):
        async with self.database.writer() as session:
            return (await session.execute(text(query))).scalar()


def hours(series: SeriesRef, values: Sequence[float | None], start: int = START):
    return [(series, start + i * HOUR, value) for i, value in enumerate(values)]


def minutes(hour: int, mean: float, count: int = 60, skip: int = 0):
    return [(MINUTES, START + hour * HOUR + m * MINUTE, mean) for m in range(skip, skip + count)]


def bit(rule: str) -> int:
    return PACK.named(rule).bit


def freeze():
    """12 h in which the hour says 60 while its own minutes move between 40 and 80."""
    rng = random.Random(7)
    rows = []
    for h in range(12):
        level = float(rng.randint(40, 80))
        rows += [*minutes(h, level if abs(level - 60) > 2 else 66.0), (PM25, START + h * HOUR, 60.0)]
    return rows

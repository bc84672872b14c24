"""Why a finding was made: the test, its figures and clause, the rows it rests on, and its pictures.

Promises: the words and figures are those of the pack that found it, the rows those known now; of series
beyond the reader's reach neither rows nor curves are shown. Leaves drawing to `qc.rules.offline.pictures`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from contracts.ingest import SeriesRef
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import milliseconds
from qc.flows.explaining import series_key
from qc.flows.setting import pack
from qc.queries import closing, found
from qc.queries.binary import driver
from qc.rules.closing.asked import Rows, asked_of, network_of
from qc.rules.closing.days import ONE, begins_ms
from qc.rules.falsify.combine import Suspicion
from qc.rules.falsify.finding import FalsificationTest, Finding, Kind, Stretch
from qc.rules.falsify.panel import Panel
from qc.rules.offline.panels import panel_of, stretches
from qc.rules.offline.pictured import BESIDE, pictured
from qc.rules.offline.pictures import drawn
from qc.rules.offline.words import filled
from qc.rules.validity.family import profile_of
from qc.rules.validity.told import iso
from qc.tables.closes import FalsificationFinding

# Rows of one stretch in an answer; the pictures show the rest.
MOST_ROWS = 500

Reaches = Callable[[SeriesRef], bool]


async def explain_finding(
    session: AsyncSession, row: FalsificationFinding, reaches: Reaches
) -> dict[str, Any]:
    """Everything that led to a finding."""
    test = (await found.pack_of(session, row.rule_pack)).by_id[row.test]
    refs, rows = await _known(session, row, reaches)
    finding, own = _finding(row), next(ref for ref in refs if ref.id == row.series_id)
    place = {ref.id: number for number, ref in enumerate(refs)}
    inside = _of(rows, place[row.series_id], milliseconds(row.from_at), milliseconds(row.to_at))
    return {
        "series": {"id": own.id, "key": series_key(own), "name_zh": own.name_zh, "name_en": own.name_en},
        "unit": own.unit,
        "text_zh": f"{test.zh}：{filled(test.text_zh, finding)}",
        "text_en": f"{test.en}: {filled(test.text_en, finding)}",
        "n": int(np.isfinite(rows.value[inside]).sum()),
        "guard": _guard(test, own, row),
        "source": test.source,
        "weight_source": test.weight_source,
        "expected_false_per_series_month": test.false_per_series_month,
        "measured_on": test.measured_on,
        "rows": _shown(rows, inside),
        "evidence_rows": [_piece(piece, refs, place, rows) for piece in row.evidence],
        "pictures": _pictures(row, finding, refs, rows),
    }


async def _known(
    session: AsyncSession, row: FalsificationFinding, reaches: Reaches
) -> tuple[list[SeriesRef], Rows]:
    """The series the pictures show, within reach, and what is known of them in the days that were judged."""
    own = (await found.series_by_id(session, [row.series_id]))[row.series_id]
    ids = [piece["series_id"] for piece in row.evidence][:BESIDE]
    ids += await found.alike(session, row.panel_id, own.factor, own.id, BESIDE)
    others = await found.series_by_id(session, ids)
    refs = [own, *(ref for id, ref in sorted(others.items()) if id != own.id and reaches(ref))]
    span = begins_ms(row.since), begins_ms(row.through + ONE)
    return refs, await closing.rows_of(await driver(session), refs, *span)


def _finding(row: FalsificationFinding) -> Finding:
    """The finding with its figures, its places still to be given."""
    figures = {name: float("nan") if value is None else value for name, value in row.figures.items()}
    p = float("nan") if row.p is None else row.p
    kind = msgspec.convert(row.kind, Kind)
    nowhere = Stretch(0, 0, 0)
    return Finding(row.test, nowhere, row.statistic, row.threshold, p, row.strength, kind, (), figures)


def _guard(test: FalsificationTest, own: SeriesRef, row: FalsificationFinding) -> dict[str, Any]:
    """What had to be given before the test could speak."""
    settings = test.settings_for(profile_of(own), own.factor)
    return {
        "min_n": test.min_n,
        "needs": list(test.needs),
        "figures": dict(settings.set) if settings else {},
        "days": [row.since.isoformat(), row.through.isoformat()],
    }


def _of(rows: Rows, place: int, from_ms: int, to_ms: int) -> Any:
    return np.flatnonzero((rows.place == place) & (rows.ts >= from_ms) & (rows.ts < to_ms))


def _shown(rows: Rows, at: Any) -> list[dict[str, Any]]:
    return [
        {"ts": iso(int(rows.ts[row])), "value": None if np.isnan(rows.value[row]) else float(rows.value[row])}
        for row in at[:MOST_ROWS].tolist()
    ]


def _piece(piece: dict[str, int], refs: list[SeriesRef], place: dict[int, int], rows: Rows) -> dict[str, Any]:
    """A stretch to look at beside the finding; out of reach, only that there is one."""
    told = {"from": iso(piece["from_ms"]), "to": iso(piece["to_ms"])}
    number = place.get(piece["series_id"])
    if number is None:
        return told | {"series": None, "rows": []}
    inside = _of(rows, number, piece["from_ms"], piece["to_ms"])
    ref = refs[number]
    return told | {"series": {"id": ref.id, "key": series_key(ref)}, "rows": _shown(rows, inside)}


def _pictures(
    row: FalsificationFinding, finding: Finding, refs: list[SeriesRef], rows: Rows
) -> list[dict[str, str]]:
    """The pictures of the offline report, of this one finding."""
    network = network_of(asked_of(profile_of(refs[0]), refs, rows, pack()))
    for places, start, periods in stretches(network, []):
        if 0 not in places:
            continue
        panel, _ = panel_of(network, places, start, periods)
        numbers = {refs[place].id: number for number, place in enumerate(places)}
        own = {
            "series_id": row.series_id,
            "from_ms": milliseconds(row.from_at),
            "to_ms": milliseconds(row.to_at),
        }
        where, *beside = (
            stretch
            for piece in [own, *row.evidence]
            if (stretch := _stretch(piece, numbers, panel)) is not None
        )
        placed = replace(finding, where=where, evidence=tuple(beside))
        picture = pictured(panel, Suspicion(where, finding.kind, row.strength, (placed,)))
        span = iso(own["from_ms"]), iso(own["to_ms"])
        return [{"svg": one.svg, "zh": one.zh, "en": one.en} for one in drawn(picture, iso, span)]
    return []


def _stretch(piece: dict[str, int], numbers: dict[int, int], panel: Panel) -> Stretch | None:
    """A stretch of instants in the periods of a panel; None where its series is not in it."""
    if piece["series_id"] not in numbers:
        return None
    first, last = (
        int(np.clip((piece[name] - panel.start_ms) // panel.step_ms, 0, panel.shape[1]))
        for name in ("from_ms", "to_ms")
    )
    return Stretch(numbers[piece["series_id"]], first, last)

"""A later, different value for a known instant (test C1), and judging again what is already stored.

Promises: the first value stands; the revision becomes a known fact, whichever of the two events comes first.
Leaves the figures of a finding to the rule pack.
"""

from collections.abc import Sequence

import numpy as np
from contracts.ingest import Revised
from kit.outbox import Meta
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import instant
from qc.flows.assessing import judge_windows, pack_number, replace, save_details, say_assessed, settle
from qc.flows.batch import arrived_nothing, changes
from qc.flows.reopening import mark_late
from qc.flows.setting import Setting
from qc.queries import series as known_series
from qc.queries.binary import driver
from qc.queries.verdicts import Occasion
from qc.queries.windows import load_known
from qc.rules.windows import windows_of

KEEP = """
    INSERT INTO known_revisions (event_id, series_id, ts, first_value, later_value, submission, received_at)
    VALUES (:event_id, :series_id, :ts, :first_value, :later_value, :submission, :received_at)
    ON CONFLICT DO NOTHING
"""


async def assess_revised(session: AsyncSession, event: Revised, meta: Meta, setting: Setting) -> int:
    """Keep the revision and judge its instant again; the number of verdicts that changed."""
    fact = {
        "event_id": meta.event_id,
        "series_id": event.series.id,
        "ts": instant(event.ts_ms),
        "first_value": event.first_value,
        "later_value": event.later_value,
        "submission": event.submission,
        "received_at": instant(event.received_at_ms),
    }
    await session.execute(text(KEEP), fact)
    connection = await driver(session)
    known_ids, pack_no = await known_series.know(
        connection, setting.directory, [event.series], frozenset(), setting.now, setting.pack.version
    )
    roster = known_series.roster(setting.directory, known_ids, setting.pack)
    place, nothing = known_ids.index(event.series.id), np.zeros(0, dtype=np.int64)
    at = np.array([place]), np.array([event.ts_ms])
    await mark_late(connection, roster.refs, *at, "revision", setting.now)
    windows = windows_of(*at, roster, nothing)
    known, facts = await load_known(connection, roster, windows)
    new = arrived_nothing()
    view = await judge_windows(connection, windows, known, new.columns, roster, facts, setting.pack)
    judged = windows.covers(view.columns)
    change = changes(judged, view.columns, view.verdict, known, new, nothing, roster)
    if not len(change):
        return 0
    change.may_alarm[:] = True
    pack_no = pack_no or await pack_number(session, setting)
    change.sent_ms[:], change.trace[:] = event.received_at_ms, 0
    ids = roster.ids[change.series]
    await replace(connection, ids, change, np.arange(len(change)), Occasion(pack_no, setting.now))
    await save_details(connection, ids, change, view.verdict)
    traces: Sequence[str] = meta.traces or [meta.traceparent]
    await say_assessed(session, roster.refs, change, setting, traces)
    await settle(session, view, change, setting, traces)
    return len(change)

"""Why a value has its verdict: the rules that judged it are run again on what is known, and compared.

Promises: the pack that made the stored verdict is the one that is run, whatever is in force now; `agrees`
is false when the result differs, which is never expected and worth a look. Leaves wording to
`qc.rules.explain`.
"""

from datetime import datetime
from typing import Any

import numpy as np
from contracts.ingest import SeriesRef
from kit.problems import NotFound
from sqlalchemy.ext.asyncio import AsyncSession

from qc.flows.alarms import milliseconds
from qc.flows.assessing import View, judge_windows
from qc.flows.batch import arrived_nothing
from qc.flows.setting import pack as judging_pack
from qc.queries import reading
from qc.queries.binary import driver
from qc.queries.windows import load_known
from qc.rules.explain import Figure, told
from qc.rules.frame import roster_of
from qc.rules.pack import Rule, RulePack, read_pack
from qc.rules.windows import windows_of

CODES = {
    1: ("合格", "good"),
    2: ("未评价", "not evaluated"),
    3: ("存疑", "suspect"),
    4: ("无效", "bad"),
    9: ("缺失", "missing"),
}


def series_key(ref: SeriesRef) -> str:
    """The series as text: `<site>/<factor>/<statistic>-<basis>-<period>/<source>`."""
    return f"{ref.site}/{ref.factor}/{ref.statistic}-{ref.basis}-{ref.period}/{ref.source}"


async def explain_value(session: AsyncSession, ref: SeriesRef, ts: datetime) -> dict[str, Any]:
    """The verdict of one instant and everything that led to it. Raises NotFound."""
    row = await reading.verdict_at(session, ref.id, ts)
    if row is None:
        detail = f"No value of series {ref.id} is known at {ts.isoformat()} 该时刻没有数据"
        raise NotFound("value-unknown", detail)
    pack = judging_pack()
    if row.version != pack.version:
        pack = read_pack(row.content)
    refs = await reading.series_of_site(session, ref.site)
    roster = roster_of(refs, pack)
    place = next(i for i, one in enumerate(refs) if one.id == ref.id)
    connection = await driver(session)
    at_ms = milliseconds(ts)
    windows = windows_of(np.array([place]), np.array([at_ms]), roster, np.zeros(0, dtype=np.int64))
    known, facts = await load_known(connection, roster, windows)
    view = await judge_windows(connection, windows, known, arrived_nothing().columns, roster, facts, pack)
    at = int(np.flatnonzero((view.columns.series == place) & (view.columns.ts == at_ms))[0])
    code, tests = int(view.verdict.code[at]), int(view.verdict.tests[at])
    zh, en = CODES[row.code]
    return {
        "series": {"id": ref.id, "key": series_key(ref), "name_zh": ref.name_zh, "name_en": ref.name_en},
        "ts": ts.isoformat(),
        "value": row.value,
        "unit": ref.unit,
        "flag": row.flag,
        "code": row.code,
        "code_zh": zh,
        "code_en": en,
        "revision": row.revision,
        "assessed_at": row.assessed_at.isoformat(),
        "rule_pack": row.version,
        "agrees": (code, tests) == (row.code, row.tests),
        "judged_again": {"code": code, "tests": _named(tests, pack)},
        "rules": _rules(view, at, pack),
        "history": [
            entry | {"tests": _named(entry["tests"], pack)}
            for entry in await reading.history_at(session, ref.id, ts)
        ],
    }


def _named(tests: int, pack: RulePack) -> list[str]:
    return list(dict.fromkeys(rule.id for rule in pack.rules if tests & rule.bit))


def _rules(view: View, at: int, pack: RulePack) -> list[dict[str, Any]]:
    """Every rule that could run on the value, those that fired first."""
    ref = view.roster.refs[int(view.columns.series[at])]
    shown = []
    for rule, outcome in zip(pack.rules, view.verdict.outcomes, strict=True):
        if not outcome.ran[at]:
            continue
        figure = Figure(
            float(view.columns.value[at]),
            float(outcome.statistic[at]),
            float(outcome.threshold[at]),
            float(outcome.margin[at]),
        )
        shown.append(_rule(rule, ref, figure, bool(outcome.fired[at])))
    return sorted(shown, key=lambda entry: not entry["fired"])


def _rule(rule: Rule, ref: SeriesRef, figure: Figure, fired: bool) -> dict[str, Any]:
    zh, en = told(rule, ref, figure) if fired else ("通过。", "Passed.")
    return {
        "rule": rule.id,
        "fired": fired,
        "severity": rule.severity,
        "statistic": _finite(figure.statistic),
        "threshold": _finite(figure.threshold),
        "margin": _finite(figure.margin),
        "text_zh": f"{rule.zh}：{zh}",
        "text_en": f"{rule.en}: {en}",
        "source": rule.source,
        "valid_from": rule.valid_from.isoformat(),
    }


def _finite(number: float) -> float | None:
    return None if np.isnan(number) else number

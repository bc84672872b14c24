"""Reports: filed only over results that passed the three levels of review, never changed afterwards.

Promises: a report that says an unreviewed, returned or corrected result is refused, each named. Leaves the
report's bytes to the object store.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kit.problems import Conflict, Fault, Invalid
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from qc.flows.custody.asked import FileReport
from qc.flows.custody.results import lacking, result_detail
from qc.flows.custody.who import Doer
from qc.queries import custody as stored
from qc.rules.custody.law import law_on
from qc.tables.custody import ManualReport, ManualResult, ReportedResult, Signature


async def file_report(session: AsyncSession, asked: FileReport, doer: Doer) -> dict[str, Any]:
    """归档出具: raises Invalid naming each result that lacks a review, Conflict for a number in use.

    Missing stages and elements do not stop a report; they are told with it.
    """
    owned = doer.owned(asked.region)
    institution = owned["institution"]
    await stored.lock(session, "report", institution, asked.number)
    if await stored.taken(session, ManualReport, institution, asked.number) is not None:
        raise Conflict(
            "number-taken", f"报告编号已使用 · the number {asked.number} is taken; reports are kept"
        )
    wanted = list(dict.fromkeys(asked.results))
    rows = [await stored.result(session, one) for one in wanted]
    signed = await stored.signatures_of(session, wanted)
    faults = [fault for row in rows for fault in await _faults(session, row, signed[row.result_id], doer)]
    if faults:
        detail = "未经三级审核的报告不得出具 · an unreviewed report cannot be filed"
        raise Invalid("report-unreviewed", detail, errors=faults)
    report = ManualReport(
        report_id=uuid7(),
        **owned,
        **asked.model_dump(include={"number", "sha256", "object"}),
        filed_at=doer.now,
        filed_by=doer.subject,
    )
    session.add(report)
    await session.flush()
    session.add_all(ReportedResult(report_id=report.report_id, result_id=one) for one in wanted)
    await session.flush()
    details = [await result_detail(session, row, doer) for row in rows]
    told = [{"id": one["id"], "number": one["number"], "flags": one["flags"]} for one in details]
    return report_view(report, wanted) | {"told": told}


async def _faults(
    session: AsyncSession, row: ManualResult, signed: Sequence[Signature], doer: Doer
) -> list[Fault]:
    where, rule = f"results[{row.number}]", "廊办字〔2018〕50号 二12"
    if row.institution != doer.institution:
        what = "不是本机构的结果 · a result of another institution"
        return [Fault(where=where, rule="own", what=what, mend="只报告本机构的结果 · own results only")]
    if await stored.correction_of(session, row.result_id) is not None:
        what = "该结果已被更正 · the result was corrected"
        return [
            Fault(where=where, rule="corrects", what=what, mend="报告更正后的结果 · report the correction")
        ]
    if not await stored.heads_of(session, row.institution, doer.today):
        what = "未登记机构负责人 · no head of the institution is entered"
        return [Fault(where=where, rule="廊办字〔2018〕50号 二11", what=what, mend="post: head")]
    return [
        Fault(
            where=where,
            rule=rule,
            what=f"缺少签字：{post.zh} · not signed by: {post.en}",
            mend="逐级审核后再出具 · complete the reviews",
        )
        for post in lacking(signed, law_on(doer.today))
    ]


def report_view(row: ManualReport, results: Sequence[UUID]) -> dict[str, Any]:
    """A report as it travels."""
    return {
        "id": str(row.report_id),
        "institution": row.institution,
        "region": row.region,
        "number": row.number,
        "sha256": row.sha256,
        "object": row.object,
        "results": [str(one) for one in results],
        "filed_at": row.filed_at.isoformat(),
    }

"""Operations of qc registers. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import Closing
from jianzhen_client.transport import Call, Group


class QcRegisters(Group):
    """Operations of qc registers; see `Client`."""

    def list_kinds(self) -> dict[str, Any]:
        """Every kind of register: its fields, flags, clocks, source clause 各类台账的字段、问题、期限
        、依据。

        `GET /api/qc/registers/kinds`, `rule-pack:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/qc/registers/kinds"))

    def list_findings_register_findings(
        self,
        *,
        finding: str | None = None,
        kind: str | None = None,
        state: Literal["open", "closed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Findings of the registers, newest first 台账问题，按时间倒序。

        `GET /api/qc/register-findings`, `register-findings:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/register-findings",
                query={"finding": finding, "kind": kind, "state": state, "limit": limit, "cursor": cursor},
            )
        )

    def all_findings_register_findings(
        self,
        *,
        finding: str | None = None,
        kind: str | None = None,
        state: Literal["open", "closed"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_findings_register_findings`, page after page. 逐页取出全部条目。

        `GET /api/qc/register-findings`, `register-findings:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/register-findings",
                query={"finding": finding, "kind": kind, "state": state, "limit": limit, "cursor": cursor},
            )
        )

    def close_finding(self, id: str, body: Closing) -> dict[str, Any]:
        """Settle a finding with a reason; the same again changes nothing 销号。

        `POST /api/qc/register-findings/{id}/close`, `register-findings:close`
        """
        return self._transport.send(
            Call[dict[str, Any]]("POST", "/api/qc/register-findings/{id}/close", places={"id": id}, body=body)
        )

    def list_deadlines(
        self,
        *,
        state: Literal["running", "missed", "met"] | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Deadlines of the registers by record 台账期限，按记录排列。

        `GET /api/qc/register-deadlines`, `register-findings:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/register-deadlines",
                query={"state": state, "kind": kind, "limit": limit, "cursor": cursor},
            )
        )

    def all_deadlines(
        self,
        *,
        state: Literal["running", "missed", "met"] | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_deadlines`, page after page. 逐页取出全部条目。

        `GET /api/qc/register-deadlines`, `register-findings:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/register-deadlines",
                query={"state": state, "kind": kind, "limit": limit, "cursor": cursor},
            )
        )

    def show_state(self, series: str, *, at: str | None = None) -> dict[str, Any]:
        """Whether a series is measured by a calibrated, verified instrument at an instant, and why not
        仪器在该时刻是否校准、检定有效，及原因和依据。

        `GET /api/qc/instrument-state/{series}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/instrument-state/{series}", places={"series": series}, query={"at": at}
            )
        )

    def report_quality(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Data quality of the monitoring agencies, department by department 各部门所属监测机构质量报告
        。

        `GET /api/qc/quality-report`, `quality-report:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/quality-report", query={"limit": limit, "cursor": cursor})
        )

    def all_report_quality(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `report_quality`, page after page. 逐页取出全部条目。

        `GET /api/qc/quality-report`, `quality-report:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/quality-report", query={"limit": limit, "cursor": cursor})
        )

    def report_capacity(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Capacity of each county or city against the standard, with every gap 分县区能力报告及差距。

        `GET /api/qc/capacity-report`, `capacity:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/capacity-report", query={"limit": limit, "cursor": cursor})
        )

    def all_report_capacity(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `report_capacity`, page after page. 逐页取出全部条目。

        `GET /api/qc/capacity-report`, `capacity:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/capacity-report", query={"limit": limit, "cursor": cursor})
        )

    def report_plans(
        self, *, year: int, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Completion of the annual plans of a year, region by region, as a score 年度方案完成率与得分
        。

        `GET /api/qc/plan-report`, `capacity:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/plan-report", query={"year": year, "limit": limit, "cursor": cursor}
            )
        )

    def all_report_plans(
        self, *, year: int, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `report_plans`, page after page. 逐页取出全部条目。

        `GET /api/qc/plan-report`, `capacity:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/plan-report", query={"year": year, "limit": limit, "cursor": cursor})
        )

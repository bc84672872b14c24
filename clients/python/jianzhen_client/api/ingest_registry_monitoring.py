"""Operations of ingest registry monitoring. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import BringRecordsMonitoringBody
from jianzhen_client.transport import Call, Group


class IngestRegistryMonitoring(Group):
    """Operations of ingest registry monitoring; see `Client`."""

    def list_records_monitoring(
        self,
        kind: str,
        *,
        format: Literal["json", "csv", "xlsx", "template-csv", "template-xlsx"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        region: str | None = None,
        state: str | None = None,
        flag: str | None = None,
        match: list[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Any:
        """List or export records 列出或导出记录。 Kinds 类别：proposals 登记变更申请、plans 自行监测方
        案、manual-results 手工监测结果、transmission-anomalies 数据传输异常报告、surveys 调查与专项
        监测数据集、tracks 走航监测数据集

        `GET /api/ingest/registry/monitoring/{kind}`, `monitoring:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/monitoring/{kind}",
                places={"kind": kind},
                query={
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "region": region,
                    "state": state,
                    "flag": flag,
                    "match": match,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def all_records_monitoring(
        self,
        kind: str,
        *,
        format: Literal["json", "csv", "xlsx", "template-csv", "template-xlsx"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        region: str | None = None,
        state: str | None = None,
        flag: str | None = None,
        match: list[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_records_monitoring`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/monitoring/{kind}`, `monitoring:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/monitoring/{kind}",
                places={"kind": kind},
                query={
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "region": region,
                    "state": state,
                    "flag": flag,
                    "match": match,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def bring_records_monitoring(
        self,
        kind: str,
        body: BringRecordsMonitoringBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file of records (CSV, XLSX or JSON rows), all of it or nothing; `validate=only`
        changes nothing 批量导入，整体成功或整体不变。 Kinds 类别：proposals 登记变更申请、plans 自
        行监测方案、manual-results 手工监测结果、transmission-anomalies 数据传输异常报告、surveys 调
        查与专项监测数据集、tracks 走航监测数据集

        `POST /api/ingest/registry/monitoring/{kind}`, `monitoring:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/monitoring/{kind}",
                places={"kind": kind},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def show_record_monitoring(self, kind: str, code: str, *, as_of: str | None = None) -> Any:
        """One record; its version is the ETag 单条记录，版本号在 ETag。 Kinds 类别：proposals 登记变更
        申请、plans 自行监测方案、manual-results 手工监测结果、transmission-anomalies 数据传输异常报
        告、surveys 调查与专项监测数据集、tracks 走航监测数据集

        `GET /api/ingest/registry/monitoring/{kind}/{code}`, `monitoring:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/monitoring/{kind}/{code}",
                places={"kind": kind, "code": code},
                query={"asOf": as_of},
            )
        )

    def put_record_monitoring(
        self, kind: str, code: str, body: dict[str, Any], *, if_match: str | None = None
    ) -> Any:
        """Enter or change a record; a change wants If-Match (428, 412) 登记或修改。 Kinds 类别：
        proposals 登记变更申请、plans 自行监测方案、manual-results 手工监测结果、
        transmission-anomalies 数据传输异常报告、surveys 调查与专项监测数据集、tracks 走航监测数据集

        `PUT /api/ingest/registry/monitoring/{kind}/{code}`, `monitoring:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/registry/monitoring/{kind}/{code}",
                places={"kind": kind, "code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_history_monitoring(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Every version of a record and who made it 历次版本及修改人。 Kinds 类别：proposals 登记变更
        申请、plans 自行监测方案、manual-results 手工监测结果、transmission-anomalies 数据传输异常报
        告、surveys 调查与专项监测数据集、tracks 走航监测数据集

        `GET /api/ingest/registry/monitoring/{kind}/{code}/history`, `monitoring:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/monitoring/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_history_monitoring(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_history_monitoring`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/monitoring/{kind}/{code}/history`, `monitoring:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/monitoring/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def decide_monitoring(self, kind: str, code: str, step: str, body: dict[str, Any]) -> Any:
        """Approve, refuse or file, by another person of the authority responsible 审批、备案。 Kinds
        类别：proposals 登记变更申请、plans 自行监测方案、manual-results 手工监测结果、
        transmission-anomalies 数据传输异常报告、surveys 调查与专项监测数据集、tracks 走航监测数据集

        `POST /api/ingest/registry/monitoring/{kind}/{code}/{step}`, `monitoring:decide`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/monitoring/{kind}/{code}/{step}",
                places={"kind": kind, "code": code, "step": step},
                body=body,
            )
        )

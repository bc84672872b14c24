"""Operations of ingest registry tasks. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import BringRecordsTasksBody
from jianzhen_client.transport import Call, Group


class IngestRegistryTasks(Group):
    """Operations of ingest registry tasks; see `Client`."""

    def list_records_tasks(
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
        """List or export records 列出或导出记录。 Kinds 类别：sampling-tasks 执法监测采样任务、
        enforcement-equipment 执法装备、field-records 移动执法现场记录

        `GET /api/ingest/registry/tasks/{kind}`, `tasks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/tasks/{kind}",
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

    def all_records_tasks(
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
        """Every item of `list_records_tasks`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/tasks/{kind}`, `tasks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/tasks/{kind}",
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

    def bring_records_tasks(
        self,
        kind: str,
        body: BringRecordsTasksBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file of records (CSV, XLSX or JSON rows), all of it or nothing; `validate=only`
        changes nothing 批量导入，整体成功或整体不变。 Kinds 类别：sampling-tasks 执法监测采样任务、
        enforcement-equipment 执法装备、field-records 移动执法现场记录

        `POST /api/ingest/registry/tasks/{kind}`, `tasks:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/tasks/{kind}",
                places={"kind": kind},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def show_record_tasks(self, kind: str, code: str, *, as_of: str | None = None) -> Any:
        """One record; its version is the ETag 单条记录，版本号在 ETag。 Kinds 类别：sampling-tasks 执
        法监测采样任务、enforcement-equipment 执法装备、field-records 移动执法现场记录

        `GET /api/ingest/registry/tasks/{kind}/{code}`, `tasks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/tasks/{kind}/{code}",
                places={"kind": kind, "code": code},
                query={"asOf": as_of},
            )
        )

    def put_record_tasks(
        self, kind: str, code: str, body: dict[str, Any], *, if_match: str | None = None
    ) -> Any:
        """Enter or change a record; a change wants If-Match (428, 412) 登记或修改。 Kinds 类别：
        sampling-tasks 执法监测采样任务、enforcement-equipment 执法装备、field-records 移动执法现场
        记录

        `PUT /api/ingest/registry/tasks/{kind}/{code}`, `tasks:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/registry/tasks/{kind}/{code}",
                places={"kind": kind, "code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_history_tasks(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Every version of a record and who made it 历次版本及修改人。 Kinds 类别：sampling-tasks 执法
        监测采样任务、enforcement-equipment 执法装备、field-records 移动执法现场记录

        `GET /api/ingest/registry/tasks/{kind}/{code}/history`, `tasks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/tasks/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_history_tasks(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_history_tasks`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/tasks/{kind}/{code}/history`, `tasks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/tasks/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

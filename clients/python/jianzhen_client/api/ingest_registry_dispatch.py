"""Operations of ingest registry dispatch. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import BringRecordsDispatchBody
from jianzhen_client.transport import Call, Group


class IngestRegistryDispatch(Group):
    """Operations of ingest registry dispatch; see `Client`."""

    def list_records_dispatch(
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
        """List or export records 列出或导出记录。 Kinds 类别：work-tasks 交办任务

        `GET /api/ingest/registry/dispatch/{kind}`, `dispatch:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/dispatch/{kind}",
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

    def all_records_dispatch(
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
        """Every item of `list_records_dispatch`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/dispatch/{kind}`, `dispatch:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/dispatch/{kind}",
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

    def bring_records_dispatch(
        self,
        kind: str,
        body: BringRecordsDispatchBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file of records (CSV, XLSX or JSON rows), all of it or nothing; `validate=only`
        changes nothing 批量导入，整体成功或整体不变。 Kinds 类别：work-tasks 交办任务

        `POST /api/ingest/registry/dispatch/{kind}`, `dispatch:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/dispatch/{kind}",
                places={"kind": kind},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def show_record_dispatch(self, kind: str, code: str, *, as_of: str | None = None) -> Any:
        """One record; its version is the ETag 单条记录，版本号在 ETag。 Kinds 类别：work-tasks 交办任
        务

        `GET /api/ingest/registry/dispatch/{kind}/{code}`, `dispatch:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/dispatch/{kind}/{code}",
                places={"kind": kind, "code": code},
                query={"asOf": as_of},
            )
        )

    def put_record_dispatch(
        self, kind: str, code: str, body: dict[str, Any], *, if_match: str | None = None
    ) -> Any:
        """Enter or change a record; a change wants If-Match (428, 412) 登记或修改。 Kinds 类别：
        work-tasks 交办任务

        `PUT /api/ingest/registry/dispatch/{kind}/{code}`, `dispatch:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/registry/dispatch/{kind}/{code}",
                places={"kind": kind, "code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_history_dispatch(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Every version of a record and who made it 历次版本及修改人。 Kinds 类别：work-tasks 交办任务

        `GET /api/ingest/registry/dispatch/{kind}/{code}/history`, `dispatch:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/dispatch/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_history_dispatch(
        self, kind: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_history_dispatch`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/dispatch/{kind}/{code}/history`, `dispatch:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/dispatch/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def decide_dispatch(self, kind: str, code: str, step: str, body: dict[str, Any]) -> Any:
        """Approve, refuse or file, by another person of the authority responsible 审批、备案。 Kinds
        类别：work-tasks 交办任务

        `POST /api/ingest/registry/dispatch/{kind}/{code}/{step}`, `dispatch:decide`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/dispatch/{kind}/{code}/{step}",
                places={"kind": kind, "code": code, "step": step},
                body=body,
            )
        )

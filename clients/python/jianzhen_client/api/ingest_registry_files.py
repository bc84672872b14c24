"""Operations of ingest registry files. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import BringTableBody
from jianzhen_client.transport import Call, Group


class IngestRegistryFiles(Group):
    """Operations of ingest registry files; see `Client`."""

    def export_table(
        self,
        table: Literal["organisations", "sites", "devices", "series"],
        *,
        format: Literal["csv", "xlsx", "template-csv", "template-xlsx"] | None = None,
    ) -> str | bytes:
        """What is registered within reach, as CSV or XLSX that can be read back 导出登记表或下载模板.

        `GET /api/ingest/registry/tables/{table}`, `registry:read`
        """
        return self._transport.send(
            Call[str | bytes](
                "GET",
                "/api/ingest/registry/tables/{table}",
                places={"table": table},
                query={"format": format},
            )
        )

    def bring_table(
        self,
        table: Literal["organisations", "sites", "devices", "series"],
        body: BringTableBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file of organisations, sites, devices or series: all of it or nothing 批量导入登记表
        .

        `POST /api/ingest/registry/tables/{table}`, `registry:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/registry/tables/{table}",
                places={"table": table},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def list_changes_changes(
        self,
        *,
        table: Literal["organisations", "sites", "devices", "series"],
        code: str,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Any:
        """Every version of an organisation, site, device or series, and who made it 历次变更及变更人.

        `GET /api/ingest/registry/changes`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/registry/changes",
                query={"table": table, "code": code, "limit": limit, "cursor": cursor},
            )
        )

    def all_changes_changes(
        self,
        *,
        table: Literal["organisations", "sites", "devices", "series"],
        code: str,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_changes_changes`, page after page. 逐页取出全部条目。

        `GET /api/ingest/registry/changes`, `registry:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/registry/changes",
                query={"table": table, "code": code, "limit": limit, "cursor": cursor},
            )
        )

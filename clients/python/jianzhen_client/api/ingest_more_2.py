"""Operations of ingest more 2. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import BringTableBody
from jianzhen_client.transport import Call, Group


class IngestMore2(Group):
    """Operations of ingest more 2; see `Client`."""

    def show_dictionary(self, name: str, *, on: str | None = None) -> Any:
        """One dictionary, whole 字典内容. `on` gives the rules in force on that day.

        `GET /api/ingest/dictionary/{name}`, `dictionary:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/dictionary/{name}", places={"name": name}, query={"on": on})
        )

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

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/ingest/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/traces/{trace_id}", places={"trace_id": trace_id})
        )

    def list_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Messages that wait, oldest first; `replayed=true` lists those already replayed.

        `GET /api/ingest/parked`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/ingest/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def all_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_parked`, page after page. 逐页取出全部条目。

        `GET /api/ingest/parked`, `parked:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/ingest/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def show_parked(self, id: str) -> dict[str, Any]:
        """One message with its headers and its body as text.

        `GET /api/ingest/parked/{id}`, `parked:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/ingest/parked/{id}", places={"id": id}))

    def replay_parked(self, id: str, *, skip: bool | None = None) -> dict[str, Any]:
        """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes
        on.

        `POST /api/ingest/parked/{id}/replay`, `parked:replay`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/ingest/parked/{id}/replay", places={"id": id}, query={"skip": skip}
            )
        )

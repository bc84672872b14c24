"""Operations of qc registers capacity. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import BringRecordsCapacityBody
from jianzhen_client.transport import Call, Group


class QcRegistersCapacity(Group):
    """Operations of qc registers capacity; see `Client`."""

    def list_records_capacity(
        self,
        kind: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        about: str | None = None,
        flag: str | None = None,
    ) -> Any:
        """Records by code; csv gives the same page as a table 台账列表（可导出 CSV）。 Kinds 类别：
        capacities 监测能力、key-laboratories 重点实验室、annual-plans 年度方案

        `GET /api/qc/registers/capacity/{kind}`, `capacity:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/qc/registers/capacity/{kind}",
                places={"kind": kind},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "about": about,
                    "flag": flag,
                },
            )
        )

    def all_records_capacity(
        self,
        kind: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        about: str | None = None,
        flag: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_records_capacity`, page after page. 逐页取出全部条目。

        `GET /api/qc/registers/capacity/{kind}`, `capacity:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/registers/capacity/{kind}",
                places={"kind": kind},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "about": about,
                    "flag": flag,
                },
            )
        )

    def bring_records_capacity(
        self,
        kind: str,
        body: BringRecordsCapacityBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file (CSV, XLSX, JSON rows) of records: all or nothing 批量导入台账。 Kinds 类别：
        capacities 监测能力、key-laboratories 重点实验室、annual-plans 年度方案

        `POST /api/qc/registers/capacity/{kind}`, `capacity:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/qc/registers/capacity/{kind}",
                places={"kind": kind},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def show_record_capacity(self, kind: str, code: str) -> Any:
        """One record; its version is the ETag 单条记录，版本号在 ETag。 Kinds 类别：capacities 监测能
        力、key-laboratories 重点实验室、annual-plans 年度方案

        `GET /api/qc/registers/capacity/{kind}/{code}`, `capacity:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/qc/registers/capacity/{kind}/{code}", places={"kind": kind, "code": code})
        )

    def put_record_capacity(
        self, kind: str, code: str, body: dict[str, Any], *, if_match: str | None = None
    ) -> Any:
        """Enter or change a record; the same again changes nothing; changing wants If-Match 登记修改。
        Kinds 类别：capacities 监测能力、key-laboratories 重点实验室、annual-plans 年度方案

        `PUT /api/qc/registers/capacity/{kind}/{code}`, `capacity:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/qc/registers/capacity/{kind}/{code}",
                places={"kind": kind, "code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_history_capacity(
        self, kind: str, code: str, *, limit: int | None = None, cursor: int | None = None
    ) -> Any:
        """Every version of a record and who made it, oldest first 历次版本及修改人。 Kinds 类别：
        capacities 监测能力、key-laboratories 重点实验室、annual-plans 年度方案

        `GET /api/qc/registers/capacity/{kind}/{code}/history`, `capacity:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/qc/registers/capacity/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_history_capacity(
        self, kind: str, code: str, *, limit: int | None = None, cursor: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_history_capacity`, page after page. 逐页取出全部条目。

        `GET /api/qc/registers/capacity/{kind}/{code}/history`, `capacity:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/registers/capacity/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

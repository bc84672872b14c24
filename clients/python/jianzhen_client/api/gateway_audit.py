"""Operations of gateway audit. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.gateway import AuditPage
from jianzhen_client.transport import Call, Group


class GatewayAudit(Group):
    """Operations of gateway audit; see `Client`."""

    def read_audit(
        self,
        *,
        subject: str | None = None,
        dept: str | None = None,
        unit: str | None = None,
        case: str | None = None,
        service: str | None = None,
        permission: str | None = None,
        kind: str | None = None,
        ref: str | None = None,
        trace: str | None = None,
        grant: str | None = None,
        chain: str | None = None,
        request: str | None = None,
        since: str | None = None,
        until: str | None = None,
        refused: bool | None = None,
        cursor: int | None = None,
        limit: int | None = None,
    ) -> AuditPage:
        """Newest first. Reading it is on record, too.

        `GET /api/gateway/audit`, `audit:read`
        """
        return self._transport.send(
            Call[AuditPage](
                "GET",
                "/api/gateway/audit",
                query={
                    "subject": subject,
                    "dept": dept,
                    "unit": unit,
                    "case": case,
                    "service": service,
                    "permission": permission,
                    "kind": kind,
                    "ref": ref,
                    "trace": trace,
                    "grant": grant,
                    "chain": chain,
                    "request": request,
                    "since": since,
                    "until": until,
                    "refused": refused,
                    "cursor": cursor,
                    "limit": limit,
                },
            )
        )

    def all_read_audit(
        self,
        *,
        subject: str | None = None,
        dept: str | None = None,
        unit: str | None = None,
        case: str | None = None,
        service: str | None = None,
        permission: str | None = None,
        kind: str | None = None,
        ref: str | None = None,
        trace: str | None = None,
        grant: str | None = None,
        chain: str | None = None,
        request: str | None = None,
        since: str | None = None,
        until: str | None = None,
        refused: bool | None = None,
        cursor: int | None = None,
        limit: int | None = None,
    ) -> Iterator[Any]:
        """Every item of `read_audit`, page after page. 逐页取出全部条目。

        `GET /api/gateway/audit`, `audit:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/gateway/audit",
                query={
                    "subject": subject,
                    "dept": dept,
                    "unit": unit,
                    "case": case,
                    "service": service,
                    "permission": permission,
                    "kind": kind,
                    "ref": ref,
                    "trace": trace,
                    "grant": grant,
                    "chain": chain,
                    "request": request,
                    "since": since,
                    "until": until,
                    "refused": refused,
                    "cursor": cursor,
                    "limit": limit,
                },
            )
        )

    def list_seals(self, *, cursor: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """Oldest first.

        `GET /api/gateway/audit/seals`, `audit:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/gateway/audit/seals", query={"cursor": cursor, "limit": limit})
        )

    def all_seals(self, *, cursor: str | None = None, limit: int | None = None) -> Iterator[Any]:
        """Every item of `list_seals`, page after page. 逐页取出全部条目。

        `GET /api/gateway/audit/seals`, `audit:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/gateway/audit/seals", query={"cursor": cursor, "limit": limit})
        )

    def show_seal(self, id: str) -> dict[str, Any]:
        """One seal 封印

        `GET /api/gateway/audit/seals/{id}`, `audit:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/gateway/audit/seals/{id}", places={"id": id})
        )

    def show_content(self, id: str) -> Any:
        """The bytes its receipt is about: `jianzhen log verify receipt --raw`.

        `GET /api/gateway/audit/seals/{id}/content`, `audit:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/gateway/audit/seals/{id}/content", places={"id": id})
        )

    def show_receipt(self, id: str) -> Any:
        """The receipt (`jianzhen-receipt/1`), verifiable offline; 202 and Retry-After until it is
        there.

        `GET /api/gateway/audit/seals/{id}/receipt`, `audit:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/gateway/audit/seals/{id}/receipt", places={"id": id})
        )

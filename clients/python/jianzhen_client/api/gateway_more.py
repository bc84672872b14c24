"""Operations of gateway more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.gateway import AuditPage, RevocationAsked, RevocationPage, RevocationRow
from jianzhen_client.transport import Call, Group


class GatewayMore(Group):
    """Operations of gateway more; see `Client`."""

    def read_audit(
        self,
        *,
        subject: str | None = None,
        refused: bool | None = None,
        limit: int | None = None,
        cursor: int | None = None,
    ) -> AuditPage:
        """Who was refused, and who wrote 审计记录

        `GET /api/gateway/audit`, `audit:read`
        """
        return self._transport.send(
            Call[AuditPage](
                "GET",
                "/api/gateway/audit",
                query={"subject": subject, "refused": refused, "limit": limit, "cursor": cursor},
            )
        )

    def all_read_audit(
        self,
        *,
        subject: str | None = None,
        refused: bool | None = None,
        limit: int | None = None,
        cursor: int | None = None,
    ) -> Iterator[Any]:
        """Every item of `read_audit`, page after page. 逐页取出全部条目。

        `GET /api/gateway/audit`, `audit:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/gateway/audit",
                query={"subject": subject, "refused": refused, "limit": limit, "cursor": cursor},
            )
        )

    def docs(self, *, lang: str | None = None) -> str:
        """All interfaces on one page 全部接口

        `GET /api/gateway/docs`, `docs:read`
        """
        return self._transport.send(Call[str]("GET", "/api/gateway/docs", query={"lang": lang}))

    def openapi(self, name: str) -> dict[str, Any]:
        """The OpenAPI document of one service 单个服务的接口文档

        `GET /api/gateway/docs/openapi/{name}`, `docs:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/gateway/docs/openapi/{name}", places={"name": name})
        )

    def listed(self, *, limit: int | None = None, cursor: str | None = None) -> RevocationPage:
        """Newest first.

        `GET /api/gateway/revocations`, `revocations:read`
        """
        return self._transport.send(
            Call[RevocationPage]("GET", "/api/gateway/revocations", query={"limit": limit, "cursor": cursor})
        )

    def all_listed(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `listed`, page after page. 逐页取出全部条目。

        `GET /api/gateway/revocations`, `revocations:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/gateway/revocations", query={"limit": limit, "cursor": cursor})
        )

    def revoke(
        self, kind: Literal["subject", "session", "client", "all"], value: str, body: RevocationAsked
    ) -> RevocationRow:
        """Tokens already issued to a subject, in a session, to a client, or (`all/-`) to everybody end
        at once here and within 30 s in every service. Who may still log in gets a new one: bar them
        in Keycloak as well.

        `PUT /api/gateway/revocations/{kind}/{value}`, `revocations:write`
        """
        return self._transport.send(
            Call[RevocationRow](
                "PUT",
                "/api/gateway/revocations/{kind}/{value}",
                places={"kind": kind, "value": value},
                body=body,
            )
        )

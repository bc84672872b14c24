"""Operations of gateway more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.gateway import RevocationAsked, RevocationPage, RevocationRow
from jianzhen_client.transport import Call, Group


class GatewayMore(Group):
    """Operations of gateway more; see `Client`."""

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

    def listed_revocations(self, *, limit: int | None = None, cursor: str | None = None) -> RevocationPage:
        """Newest first.

        `GET /api/gateway/revocations`, `revocations:read`
        """
        return self._transport.send(
            Call[RevocationPage]("GET", "/api/gateway/revocations", query={"limit": limit, "cursor": cursor})
        )

    def all_listed_revocations(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `listed_revocations`, page after page. 逐页取出全部条目。

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

    def mine(
        self,
        *,
        uscc: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: int | None = None,
    ) -> dict[str, Any]:
        """Newest first: department, hour, purpose and kind of data; never the person. `names_you` is
        whether the request named this organisation, a station or a device of it; otherwise it
        listed the region it lies in. Bodies under secrecy, and inquiries, are left out as the
        policy says.

        `GET /api/gateway/usage/mine`, `usage:mine`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/gateway/usage/mine",
                query={"uscc": uscc, "since": since, "limit": limit, "cursor": cursor},
            )
        )

    def all_mine(
        self,
        *,
        uscc: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: int | None = None,
    ) -> Iterator[Any]:
        """Every item of `mine`, page after page. 逐页取出全部条目。

        `GET /api/gateway/usage/mine`, `usage:mine`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/gateway/usage/mine",
                query={"uscc": uscc, "since": since, "limit": limit, "cursor": cursor},
            )
        )

    def published(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """How often a department read a data set on a day, newest day first, after the delay the
        policy sets.

        `reads` is null where there were fewer than `least`. Bodies under secrecy, and inquiries,
        are left out.

        `GET /api/gateway/usage`, `usage:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/gateway/usage", query={"limit": limit, "cursor": cursor})
        )

    def all_published(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `published`, page after page. 逐页取出全部条目。

        `GET /api/gateway/usage`, `usage:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/gateway/usage", query={"limit": limit, "cursor": cursor})
        )

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/gateway/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/gateway/traces/{trace_id}", places={"trace_id": trace_id})
        )

"""Operations of gateway grants. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.gateway import GrantAsked, GrantPage, GrantRow
from jianzhen_client.transport import Call, Group


class GatewayGrants(Group):
    """Operations of gateway grants; see `Client`."""

    def listed(self, *, limit: int | None = None, cursor: str | None = None) -> GrantPage:
        """Those given in the caller's region, and those given to the caller; newest first.

        `GET /api/gateway/grants`, `grants:read`
        """
        return self._transport.send(
            Call[GrantPage]("GET", "/api/gateway/grants", query={"limit": limit, "cursor": cursor})
        )

    def all_listed(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `listed`, page after page. 逐页取出全部条目。

        `GET /api/gateway/grants`, `grants:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/gateway/grants", query={"limit": limit, "cursor": cursor})
        )

    def give(self, body: GrantAsked) -> GrantRow:
        """Adds regions to rights that the person already holds at home; never a right, a role or a
        decision. Every service honours it within 30 s and stops by itself at `valid_to`; what is
        read under it is noted.

        `POST /api/gateway/grants`, `grants:give`
        """
        return self._transport.send(Call[GrantRow]("POST", "/api/gateway/grants", body=body))

    def show(self, id: str) -> GrantRow:
        """One cross-region grant 授权详情

        `GET /api/gateway/grants/{id}`, `grants:read`
        """
        return self._transport.send(Call[GrantRow]("GET", "/api/gateway/grants/{id}", places={"id": id}))

    def end(self, id: str, *, reason: str) -> GrantRow:
        """Ends it at once at the edge and within 30 s in every service; by whose region it is, or one
        above.

        `DELETE /api/gateway/grants/{id}`, `grants:give`
        """
        return self._transport.send(
            Call[GrantRow]("DELETE", "/api/gateway/grants/{id}", places={"id": id}, query={"reason": reason})
        )

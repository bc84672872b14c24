"""Operations of credit more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.credit import BanPerson, LiftBan
from jianzhen_client.transport import Call, Group


class CreditMore(Group):
    """Operations of credit more; see `Client`."""

    def list_bans(
        self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Bans of the caller's region, newest first; lifted ones stay.

        `GET /api/credit/bans`, `bans:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/credit/bans", query={"person": person, "limit": limit, "cursor": cursor}
            )
        )

    def all_bans(
        self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_bans`, page after page. 逐页取出全部条目。

        `GET /api/credit/bans`, `bans:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/credit/bans", query={"person": person, "limit": limit, "cursor": cursor})
        )

    def enter_ban(self, body: BanPerson) -> dict[str, Any]:
        """A person is banned; the same decision and person again answers the ban already entered.

        `POST /api/credit/bans`, `bans:write`
        """
        return self._transport.send(Call[dict[str, Any]]("POST", "/api/credit/bans", body=body))

    def lift(self, ban_id: str, body: LiftBan) -> dict[str, Any]:
        """The ban ends because its decision was annulled; again answers the same.

        `POST /api/credit/bans/{ban_id}/lift`, `bans:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/credit/bans/{ban_id}/lift", places={"ban_id": ban_id}, body=body
            )
        )

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/credit/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/credit/traces/{trace_id}", places={"trace_id": trace_id})
        )

    def list_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Messages that wait, oldest first; `replayed=true` lists those already replayed.

        `GET /api/credit/parked`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/credit/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def all_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_parked`, page after page. 逐页取出全部条目。

        `GET /api/credit/parked`, `parked:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/credit/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def show_parked(self, id: str) -> dict[str, Any]:
        """One message with its headers and its body as text.

        `GET /api/credit/parked/{id}`, `parked:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/credit/parked/{id}", places={"id": id}))

    def replay_parked(self, id: str, *, skip: bool | None = None) -> dict[str, Any]:
        """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes
        on.

        `POST /api/credit/parked/{id}/replay`, `parked:replay`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/credit/parked/{id}/replay", places={"id": id}, query={"skip": skip}
            )
        )

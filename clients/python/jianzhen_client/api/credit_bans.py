"""Operations of credit bans. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.credit import BanPerson, LiftBan
from jianzhen_client.transport import Call, Group


class CreditBans(Group):
    """Operations of credit bans; see `Client`."""

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

"""Operations of credit credit. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class CreditCredit(Group):
    """Operations of credit credit; see `Client`."""

    def list_listings(
        self,
        *,
        state: Literal["current", "ended"] | None = None,
        uscc: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Listings, newest first. `current` holds today; `ended` names listings to be withdrawn from
        copies.

        `GET /api/credit/listings`, `listings:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/credit/listings",
                query={"state": state, "uscc": uscc, "limit": limit, "cursor": cursor},
            )
        )

    def all_listings(
        self,
        *,
        state: Literal["current", "ended"] | None = None,
        uscc: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_listings`, page after page. 逐页取出全部条目。

        `GET /api/credit/listings`, `listings:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/credit/listings",
                query={"state": state, "uscc": uscc, "limit": limit, "cursor": cursor},
            )
        )

    def show_listing(self, listing_id: str) -> dict[str, Any]:
        """One listing; its history too, where the caller may see it.

        `GET /api/credit/listings/{listing_id}`, `listings:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/credit/listings/{listing_id}", places={"listing_id": listing_id}
            )
        )

    def check_procurement(self, *, uscc: str, on: str | None = None) -> dict[str, Any]:
        """May this organisation take part in government procurement? With reason, basis and dates if
        not.

        `on` is a legal date in China, today unless given.

        `GET /api/credit/procurement-check`, `procurement-check:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/credit/procurement-check", query={"uscc": uscc, "on": on})
        )

    def list_scores(
        self, *, operator: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Scores of operators in third-party comparisons, by number 运维机构第三方考核得分。

        `GET /api/credit/operator-scores`, `operator-scores:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/credit/operator-scores",
                query={"operator": operator, "limit": limit, "cursor": cursor},
            )
        )

    def all_scores(
        self, *, operator: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_scores`, page after page. 逐页取出全部条目。

        `GET /api/credit/operator-scores`, `operator-scores:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/credit/operator-scores",
                query={"operator": operator, "limit": limit, "cursor": cursor},
            )
        )

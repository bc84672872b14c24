"""Operations of ingest uplinks. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest import PutUplink
from jianzhen_client.models.ingest_2 import AskedDay, Resend
from jianzhen_client.transport import Call, Group


class IngestUplinks(Group):
    """Operations of ingest uplinks; see `Client`."""

    def list_uplinks(self, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Links in reach, by name. Passwords and tokens are never shown.

        `GET /api/ingest/uplinks`, `uplinks:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/uplinks", query={"limit": limit, "cursor": cursor})
        )

    def all_uplinks(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_uplinks`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uplinks`, `uplinks:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/ingest/uplinks", query={"limit": limit, "cursor": cursor})
        )

    def show_uplink(self, name: str) -> Any:
        """One link, how its circuit stands, and how its queue does.

        `GET /api/ingest/uplinks/{name}`, `uplinks:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/uplinks/{name}", places={"name": name}))

    def put_uplink(self, name: str, body: PutUplink) -> Any:
        """Register or change a link; `begins` counts at the first time only.

        `PUT /api/ingest/uplinks/{name}`, `uplinks:write`
        """
        return self._transport.send(
            Call[Any]("PUT", "/api/ingest/uplinks/{name}", places={"name": name}, body=body)
        )

    def list_changes(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Who changed the link, when, and how it stood before and after; newest first.

        `GET /api/ingest/uplinks/{name}/changes`, `uplinks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/changes",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_changes(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_changes`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uplinks/{name}/changes`, `uplinks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/changes",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def list_parcels(
        self,
        name: str,
        *,
        state: Literal["waiting", "acknowledged", "parked", "reported"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Any:
        """What waits, was acknowledged, was refused (with the reason), or cannot be sent; newest
        first.

        `GET /api/ingest/uplinks/{name}/parcels`, `uplinks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/parcels",
                places={"name": name},
                query={"state": state, "limit": limit, "cursor": cursor},
            )
        )

    def all_parcels(
        self,
        name: str,
        *,
        state: Literal["waiting", "acknowledged", "parked", "reported"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_parcels`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uplinks/{name}/parcels`, `uplinks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/parcels",
                places={"name": name},
                query={"state": state, "limit": limit, "cursor": cursor},
            )
        )

    def resend(self, name: str, body: Resend) -> Any:
        """Send parked parcels again, under new names; asking twice sends once.

        `POST /api/ingest/uplinks/{name}/resend`, `uplinks:write`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/uplinks/{name}/resend", places={"name": name}, body=body)
        )

    def list_receipts(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """What the other side answered, to which parcel, when; newest first.

        `GET /api/ingest/uplinks/{name}/receipts`, `uplinks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/receipts",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_receipts(
        self, name: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_receipts`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uplinks/{name}/receipts`, `uplinks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/receipts",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def list_reconciliations(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Day by day: sent, acknowledged, held, and every difference by series and hour; newest first.

        `GET /api/ingest/uplinks/{name}/reconciliations`, `uplinks:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/reconciliations",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_reconciliations(
        self, name: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_reconciliations`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uplinks/{name}/reconciliations`, `uplinks:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/uplinks/{name}/reconciliations",
                places={"name": name},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def reconcile_now(self, name: str, body: AskedDay) -> Any:
        """Compare one day now instead of after its end.

        `POST /api/ingest/uplinks/{name}/reconciliations`, `uplinks:write`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/uplinks/{name}/reconciliations", places={"name": name}, body=body)
        )

"""Operations of ingest values. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class IngestValues(Group):
    """Operations of ingest values; see `Client`."""

    def list_observations(
        self,
        id: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "columns", "csv"] | None = None,
        count: bool | None = None,
    ) -> Any:
        """Values of a series, oldest first. `ts` is the instant, or the start of the period, in UTC.

        Each value is the one committed first; `revisions` lists what was sent for its instant
        later. A page ends early rather than with more than 10,000 of them; `revisions_cut_at` names
        an instant that alone has more.

        `GET /api/ingest/series/{id}/observations`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/series/{id}/observations",
                places={"id": id},
                query={
                    "from": from_,
                    "to": to,
                    "asOf": as_of,
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "count": count,
                },
            )
        )

    def all_observations(
        self,
        id: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "columns", "csv"] | None = None,
        count: bool | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_observations`, page after page. 逐页取出全部条目。

        `GET /api/ingest/series/{id}/observations`, `observations:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/series/{id}/observations",
                places={"id": id},
                query={
                    "from": from_,
                    "to": to,
                    "asOf": as_of,
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "count": count,
                },
            )
        )

    def list_latest(self, *, site: list[str], limit: int | None = None, cursor: str | None = None) -> Any:
        """The newest value of every series of these sites, by series; `latest` is null where none came
        yet.

        `GET /api/ingest/latest`, `observations:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/latest", query={"site": site, "limit": limit, "cursor": cursor})
        )

    def all_latest(
        self, *, site: list[str], limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_latest`, page after page. 逐页取出全部条目。

        `GET /api/ingest/latest`, `observations:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/ingest/latest", query={"site": site, "limit": limit, "cursor": cursor})
        )

    def list_monthly(
        self,
        id: int,
        *,
        limit: int | None = None,
        from_: str | None = None,
        to: str | None = None,
        as_of: str | None = None,
    ) -> Any:
        """Means by calendar month (+08:00): `values` counts what the mean is over, `rows` also
        declared gaps.

        `GET /api/ingest/series/{id}/monthly`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/series/{id}/monthly",
                places={"id": id},
                query={"limit": limit, "from": from_, "to": to, "asOf": as_of},
            )
        )

    def list_findings(self, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Revisions, foreign addresses, wrong passwords, floods; newest first.

        `GET /api/ingest/findings`, `findings:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/findings", query={"limit": limit, "cursor": cursor})
        )

    def all_findings(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_findings`, page after page. 逐页取出全部条目。

        `GET /api/ingest/findings`, `findings:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/ingest/findings", query={"limit": limit, "cursor": cursor})
        )

    def list_holdings(
        self, *, site: str, from_: str, to: str, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Values held of one site: `count` of each series and `hour` (UTC), by series and hour.

        `GET /api/ingest/holdings`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/holdings",
                query={"site": site, "limit": limit, "cursor": cursor, "from": from_, "to": to},
            )
        )

    def all_holdings(
        self, *, site: str, from_: str, to: str, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_holdings`, page after page. 逐页取出全部条目。

        `GET /api/ingest/holdings`, `observations:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/holdings",
                query={"site": site, "limit": limit, "cursor": cursor, "from": from_, "to": to},
            )
        )

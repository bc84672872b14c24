"""Operations of qc validity. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class QcValidity(Group):
    """Operations of qc validity; see `Client`."""

    def validity(
        self,
        series: int,
        *,
        period: Literal["hour", "day", "month", "quarter", "year"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        zone: Literal["1", "2"] | None = None,
        plant: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Periods of a series, oldest first: valid, invalid or without a clause; valid and due parts;
        every clause that is unmet and by how much; the mean of the valid parts; what the device
        reported beside what its parts give, and the limit.

        Without `from` the last 31 days before `to` (or before now).

        `GET /api/qc/validity/{series}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/validity/{series}",
                places={"series": series},
                query={
                    "period": period,
                    "from": from_,
                    "to": to,
                    "zone": zone,
                    "plant": plant,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_validity(
        self,
        series: int,
        *,
        period: Literal["hour", "day", "month", "quarter", "year"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        zone: Literal["1", "2"] | None = None,
        plant: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `validity`, page after page. 逐页取出全部条目。

        `GET /api/qc/validity/{series}`, `verdicts:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/validity/{series}",
                places={"series": series},
                query={
                    "period": period,
                    "from": from_,
                    "to": to,
                    "zone": zone,
                    "plant": plant,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def emissions(
        self,
        series: int,
        *,
        period: Literal["day", "month", "quarter", "year"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Masses (kg) of a series by period: made anew from concentration and flow, the sum the device
        reported, and what stands in for invalid hours (HJ 75) or days (HJ 356), shown apart.

        Without `from` the last 31 days before `to` (or before now).

        `GET /api/qc/emissions/{series}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/emissions/{series}",
                places={"series": series},
                query={"period": period, "from": from_, "to": to, "limit": limit, "cursor": cursor},
            )
        )

    def all_emissions(
        self,
        series: int,
        *,
        period: Literal["day", "month", "quarter", "year"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `emissions`, page after page. 逐页取出全部条目。

        `GET /api/qc/emissions/{series}`, `verdicts:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/emissions/{series}",
                places={"series": series},
                query={"period": period, "from": from_, "to": to, "limit": limit, "cursor": cursor},
            )
        )

    def marks(
        self,
        series: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        edition: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """The data marks of a series in [from, to): share and timing of each, and, page by page, the
        rows whose mark other figures contradict. At most 92 days; without `from` the last 31.

        `GET /api/qc/marks/{series}`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/marks/{series}",
                places={"series": series},
                query={"from": from_, "to": to, "edition": edition, "limit": limit, "cursor": cursor},
            )
        )

    def all_marks(
        self,
        series: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        edition: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `marks`, page after page. 逐页取出全部条目。

        `GET /api/qc/marks/{series}`, `suspicions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/marks/{series}",
                places={"series": series},
                query={"from": from_, "to": to, "edition": edition, "limit": limit, "cursor": cursor},
            )
        )

    def warnings(
        self,
        series: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        land: Literal["farmland", "industrial"] | None = None,
        ph: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Warnings of soil (above a risk value, rising below it, densified sampling) or radiation
        (dose rate), the newest `limit` results; soil looks back 20 years without `from`, radiation
        31 days.

        `GET /api/qc/warnings/{series}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/warnings/{series}",
                places={"series": series},
                query={"from": from_, "to": to, "land": land, "ph": ph, "limit": limit, "cursor": cursor},
            )
        )

    def all_warnings(
        self,
        series: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        land: Literal["farmland", "industrial"] | None = None,
        ph: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `warnings`, page after page. 逐页取出全部条目。

        `GET /api/qc/warnings/{series}`, `verdicts:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/warnings/{series}",
                places={"series": series},
                query={"from": from_, "to": to, "land": land, "ph": ph, "limit": limit, "cursor": cursor},
            )
        )

"""Operations of qc day closes and findings. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class QcDayClosesAndFindings(Group):
    """Operations of qc day closes and findings; see `Client`."""

    def list_closes(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        reason: str | None = None,
        day: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Local days that were closed, newest close first: which number, why, with what, and what was
        found.

        `since` and `through` are the days that were judged together with it; `expected_false` is
        how many suspicions a month these tests bring if nobody cheats, `not_run` what a test
        lacked.

        `GET /api/qc/day-closes`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/day-closes",
                query={
                    "region": region,
                    "profile": profile,
                    "reason": reason,
                    "day": day,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_closes(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        reason: str | None = None,
        day: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_closes`, page after page. 逐页取出全部条目。

        `GET /api/qc/day-closes`, `suspicions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/day-closes",
                query={
                    "region": region,
                    "profile": profile,
                    "reason": reason,
                    "day": day,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def list_findings(
        self,
        *,
        site: str | None = None,
        series: str | None = None,
        test: str | None = None,
        day: str | None = None,
        current: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """What the falsification tests said, newest first; `day` asks for stretches that touch it.

        A finding alone is no suspicion: `/suspicions` shows what several weigh together.

        `GET /api/qc/findings`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/findings",
                query={
                    "site": site,
                    "series": series,
                    "test": test,
                    "day": day,
                    "current": current,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_findings(
        self,
        *,
        site: str | None = None,
        series: str | None = None,
        test: str | None = None,
        day: str | None = None,
        current: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_findings`, page after page. 逐页取出全部条目。

        `GET /api/qc/findings`, `suspicions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/findings",
                query={
                    "site": site,
                    "series": series,
                    "test": test,
                    "day": day,
                    "current": current,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def show_finding(self, finding_id: str) -> dict[str, Any]:
        """One finding explained: statistic, threshold, n, guard, clause, the rows it rests on, and
        pictures.

        `GET /api/qc/findings/{finding_id}`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/findings/{finding_id}", places={"finding_id": finding_id})
        )

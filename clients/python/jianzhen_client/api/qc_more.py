"""Operations of qc more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import Decide
from jianzhen_client.transport import Call, Group


class QcMore(Group):
    """Operations of qc more; see `Client`."""

    def list_verdicts(
        self,
        *,
        series: str,
        from_: str | None = None,
        to: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Values of one series in [from, to) with their verdicts, oldest first; `asOf` shows them as
        judged then.

        Without `from` the last 7 days before `to` (or before now). `instrument_flags` tell what the
        registers, as they stand now, hold against the instrument at that instant (`GET
        /instrument-state` says why).

        `GET /api/qc/verdicts`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/verdicts",
                query={
                    "series": series,
                    "from": from_,
                    "to": to,
                    "asOf": as_of,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_verdicts(
        self,
        *,
        series: str,
        from_: str | None = None,
        to: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_verdicts`, page after page. 逐页取出全部条目。

        `GET /api/qc/verdicts`, `verdicts:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/verdicts",
                query={
                    "series": series,
                    "from": from_,
                    "to": to,
                    "asOf": as_of,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def explain(self, series: int, ts: str) -> dict[str, Any]:
        """Why a value has its verdict: every rule that spoke, with threshold, value, margin, version
        and clause.

        The rules are run again on what is known now; `agrees` says whether they give the stored
        verdict.

        `GET /api/qc/explain/{series}/{ts}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/explain/{series}/{ts}", places={"series": series, "ts": ts})
        )

    def correlations(
        self,
        series: int,
        *,
        with_: list[int],
        from_: str | None = None,
        to: str | None = None,
        lags: int | None = None,
    ) -> dict[str, Any]:
        """For each of the other series and every lag: pairs, Pearson's r with its 95 % interval (which
        knows that hours remember), Spearman's rho; and the strongest lag. A positive lag means the
        other goes first.

        At most 366 days; without `from` the last 31. Worked example: an outlet's SO2 three hours
        upwind of a station shows its strongest lag at 3.

        `GET /api/qc/correlations/{series}`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/correlations/{series}",
                places={"series": series},
                query={"with": with_, "from": from_, "to": to, "lags": lags},
            )
        )

    def list_timeliness(
        self,
        *,
        limit: int | None = None,
        on: str | None = None,
        site: str | None = None,
        is_systematic: bool | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Sources with values that came later than allowed, over the days of the rule 数据迟报情况。

        `days` counts days of receipt with late values, `late` the values; back-fill and history are
        never late.

        `GET /api/qc/timeliness`, `verdicts:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/timeliness",
                query={
                    "limit": limit,
                    "on": on,
                    "site": site,
                    "is_systematic": is_systematic,
                    "cursor": cursor,
                },
            )
        )

    def all_timeliness(
        self,
        *,
        limit: int | None = None,
        on: str | None = None,
        site: str | None = None,
        is_systematic: bool | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_timeliness`, page after page. 逐页取出全部条目。

        `GET /api/qc/timeliness`, `verdicts:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/timeliness",
                query={
                    "limit": limit,
                    "on": on,
                    "site": site,
                    "is_systematic": is_systematic,
                    "cursor": cursor,
                },
            )
        )

    def list_holds(
        self,
        *,
        state: Literal["open", "decided"] | None = None,
        kind: Literal["rule", "consistency"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Figures that wait, or waited, for a person; `kind=consistency` are issues between sources.

        `GET /api/qc/holds`, `holds:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/holds", query={"state": state, "kind": kind, "limit": limit, "cursor": cursor}
            )
        )

    def all_holds(
        self,
        *,
        state: Literal["open", "decided"] | None = None,
        kind: Literal["rule", "consistency"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_holds`, page after page. 逐页取出全部条目。

        `GET /api/qc/holds`, `holds:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/qc/holds", query={"state": state, "kind": kind, "limit": limit, "cursor": cursor}
            )
        )

    def show_hold(self, hold_id: str) -> dict[str, Any]:
        """One hold with its steps, and the differing values of an issue between sources.

        `GET /api/qc/holds/{hold_id}`, `holds:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/holds/{hold_id}", places={"hold_id": hold_id})
        )

    def decide(self, hold_id: str, body: Decide, *, idempotency_key: str) -> dict[str, Any]:
        """Release or keep out; where two persons decide, the first one proposes.

        `POST /api/qc/holds/{hold_id}/decide`, `holds:decide`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/holds/{hold_id}/decide",
                places={"hold_id": hold_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

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

"""Operations of qc more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.qc import TellSteps
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

    def rule_pack(self) -> dict[str, Any]:
        """Every rule with its figures, clause and validity, how findings become a suspicion, and in
        `pack` the file they came in: version, sha256, signers, validity.

        `GET /api/qc/rule-pack`, `rule-pack:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/qc/rule-pack"))

    def tell(self, body: TellSteps, *, idempotency_key: str) -> dict[str, Any]:
        """Steps of one sample: accepted, repeat, edit-kept or refused, row by row; and the sample's
        flags.

        `POST /api/qc/lims/steps`, `laboratory:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/lims/steps", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def list_steps(
        self, *, sample: str | None = None, limit: int | None = None, cursor: int | None = None
    ) -> dict[str, Any]:
        """Steps in the order in which they were received; with `sample` also the flags of its clocks.

        `GET /api/qc/lims/steps`, `laboratory:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/lims/steps", query={"sample": sample, "limit": limit, "cursor": cursor}
            )
        )

    def all_steps(
        self, *, sample: str | None = None, limit: int | None = None, cursor: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_steps`, page after page. 逐页取出全部条目。

        `GET /api/qc/lims/steps`, `laboratory:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/lims/steps", query={"sample": sample, "limit": limit, "cursor": cursor})
        )

    def eligibility(
        self,
        *,
        site: str,
        from_: str | None = None,
        to: str | None = None,
        factor: str | None = None,
        edition: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Calibrated ∧ normal ∧ unbroken ∧ logged, for each hour of each hourly series in [from, to).

        Without `from` the last day before `to` (or before now).

        `GET /api/qc/eligibility`, `eligibility:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/eligibility",
                query={
                    "site": site,
                    "from": from_,
                    "to": to,
                    "factor": factor,
                    "edition": edition,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_eligibility(
        self,
        *,
        site: str,
        from_: str | None = None,
        to: str | None = None,
        factor: str | None = None,
        edition: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `eligibility`, page after page. 逐页取出全部条目。

        `GET /api/qc/eligibility`, `eligibility:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/eligibility",
                query={
                    "site": site,
                    "from": from_,
                    "to": to,
                    "factor": factor,
                    "edition": edition,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/qc/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/qc/traces/{trace_id}", places={"trace_id": trace_id})
        )

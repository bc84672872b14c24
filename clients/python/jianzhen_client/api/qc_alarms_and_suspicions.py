"""Operations of qc alarms and suspicions. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class QcAlarmsAndSuspicions(Group):
    """Operations of qc alarms and suspicions; see `Client`."""

    def list_alarms(
        self,
        *,
        state: Literal["raised", "withdrawn", "open", "unacknowledged", "closed"] | None = None,
        site: str | None = None,
        rule: str | None = None,
        set: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Alarms, newest first; `set` names a set of factors that are watched together.

        `GET /api/qc/alarms`, `alarms:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/alarms",
                query={
                    "state": state,
                    "site": site,
                    "rule": rule,
                    "set": set,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_alarms(
        self,
        *,
        state: Literal["raised", "withdrawn", "open", "unacknowledged", "closed"] | None = None,
        site: str | None = None,
        rule: str | None = None,
        set: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_alarms`, page after page. 逐页取出全部条目。

        `GET /api/qc/alarms`, `alarms:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/alarms",
                query={
                    "state": state,
                    "site": site,
                    "rule": rule,
                    "set": set,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def show_alarm(self, alarm_id: str) -> dict[str, Any]:
        """One alarm, with its clock, its steps, and who is on duty for it.

        `GET /api/qc/alarms/{alarm_id}`, `alarms:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/alarms/{alarm_id}", places={"alarm_id": alarm_id})
        )

    def list_suspicions(
        self,
        *,
        state: Literal["queued", "raised", "withdrawn"] | None = None,
        site: str | None = None,
        origin: Literal["streaming", "day_close"] | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Suspicions of falsification, newest first, each with its findings and score.

        `origin` streaming: of the rules that judge single values, within seconds; day_close: of the
        tests that run when a day closes. `state` queued is an analyst's queue: such a stretch has
        opened no lead.

        `GET /api/qc/suspicions`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/suspicions",
                query={
                    "state": state,
                    "site": site,
                    "origin": origin,
                    "kind": kind,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def all_suspicions(
        self,
        *,
        state: Literal["queued", "raised", "withdrawn"] | None = None,
        site: str | None = None,
        origin: Literal["streaming", "day_close"] | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_suspicions`, page after page. 逐页取出全部条目。

        `GET /api/qc/suspicions`, `suspicions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/suspicions",
                query={
                    "state": state,
                    "site": site,
                    "origin": origin,
                    "kind": kind,
                    "limit": limit,
                    "cursor": cursor,
                },
            )
        )

    def show_suspicion(self, suspicion_id: str) -> dict[str, Any]:
        """One suspicion with its findings: rule, statistic, threshold, weight, score, clause.

        `GET /api/qc/suspicions/{suspicion_id}`, `suspicions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/suspicions/{suspicion_id}", places={"suspicion_id": suspicion_id}
            )
        )

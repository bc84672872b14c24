"""Operations of qc alarm desk. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import Acknowledge, Assign, Close, EnterShifts, GiveReason, Suppress
from jianzhen_client.transport import Call, Group


class QcAlarmDesk(Group):
    """Operations of qc alarm desk; see `Client`."""

    def acknowledge(self, alarm_id: str, body: Acknowledge, *, idempotency_key: str) -> dict[str, Any]:
        """确认: somebody takes note of the alarm; the clock to settle it runs on.

        `POST /api/qc/alarms/{alarm_id}/acknowledge`, `alarms:handle`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/alarms/{alarm_id}/acknowledge",
                places={"alarm_id": alarm_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def assign(self, alarm_id: str, body: Assign, *, idempotency_key: str) -> dict[str, Any]:
        """分派: who looks into it.

        `POST /api/qc/alarms/{alarm_id}/assign`, `alarms:handle`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/alarms/{alarm_id}/assign",
                places={"alarm_id": alarm_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def close(self, alarm_id: str, body: Close, *, idempotency_key: str) -> dict[str, Any]:
        """办结: settled, with a cause of the list; a confirmed anomaly becomes a lead of enforcement
        at once.

        `POST /api/qc/alarms/{alarm_id}/close`, `alarms:handle`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/alarms/{alarm_id}/close",
                places={"alarm_id": alarm_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def roll_up(
        self,
        *,
        by: Literal["area", "region"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Open alarms by park or region: how many, unacknowledged, by severity, by set, the oldest.

        `GET /api/qc/alarms/rollup`, `alarms:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/alarms/rollup", query={"by": by, "limit": limit, "cursor": cursor}
            )
        )

    def all_roll_up(
        self,
        *,
        by: Literal["area", "region"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `roll_up`, page after page. 逐页取出全部条目。

        `GET /api/qc/alarms/rollup`, `alarms:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/alarms/rollup", query={"by": by, "limit": limit, "cursor": cursor})
        )

    def show_rules(self) -> dict[str, Any]:
        """Clocks, levels, causes, sets, tolerances and who decides: dated, each with its source.

        `GET /api/qc/desk-rules`, `rule-pack:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/qc/desk-rules"))

    def list_shifts(
        self, *, is_running: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """The roster of the caller's region.

        `GET /api/qc/duty-shifts`, `duty:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/duty-shifts",
                query={"is_running": is_running, "limit": limit, "cursor": cursor},
            )
        )

    def all_shifts(
        self, *, is_running: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_shifts`, page after page. 逐页取出全部条目。

        `GET /api/qc/duty-shifts`, `duty:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/duty-shifts",
                query={"is_running": is_running, "limit": limit, "cursor": cursor},
            )
        )

    def enter_shifts(self, body: EnterShifts, *, idempotency_key: str) -> dict[str, Any]:
        """Enter shifts, all or none.

        `POST /api/qc/duty-shifts`, `duty:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/duty-shifts", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def cancel_shift(self, shift_id: str, body: GiveReason, *, idempotency_key: str) -> dict[str, Any]:
        """A shift is not served.

        `POST /api/qc/duty-shifts/{shift_id}/cancel`, `duty:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/duty-shifts/{shift_id}/cancel",
                places={"shift_id": shift_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def list_suppressions(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """What is or was suppressed, by whom, why, until when.

        `GET /api/qc/suppressions`, `suppressions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/suppressions", query={"limit": limit, "cursor": cursor})
        )

    def all_suppressions(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_suppressions`, page after page. 逐页取出全部条目。

        `GET /api/qc/suppressions`, `suppressions:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/suppressions", query={"limit": limit, "cursor": cursor})
        )

    def suppress(self, body: Suppress, *, idempotency_key: str) -> dict[str, Any]:
        """Suppress alarms of a rule, series or site until an end; values keep their codes.

        `POST /api/qc/suppressions`, `suppressions:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/suppressions", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

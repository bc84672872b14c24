"""Operations of qc alarm desk 2. Made by `make docs`: do not edit."""

from typing import Any

from jianzhen_client.models.qc import GiveReason
from jianzhen_client.transport import Call, Group


class QcAlarmDesk2(Group):
    """Operations of qc alarm desk 2; see `Client`."""

    def show_suppression(self, suppression_id: str, *, limit: int | None = None) -> dict[str, Any]:
        """One suppression, of how many rules and series it kept alarms from being raised, and the
        newest.

        `GET /api/qc/suppressions/{suppression_id}`, `suppressions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/suppressions/{suppression_id}",
                places={"suppression_id": suppression_id},
                query={"limit": limit},
            )
        )

    def lift(self, suppression_id: str, body: GiveReason, *, idempotency_key: str) -> dict[str, Any]:
        """End a suppression before its time.

        `POST /api/qc/suppressions/{suppression_id}/lift`, `suppressions:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/suppressions/{suppression_id}/lift",
                places={"suppression_id": suppression_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

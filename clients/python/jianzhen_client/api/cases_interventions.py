"""Operations of cases interventions. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.cases import RecordIntervention
from jianzhen_client.transport import Call, Group


class CasesInterventions(Group):
    """Operations of cases interventions; see `Client`."""

    def record_intervention(
        self, body: RecordIntervention, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """干预留痕: instruction, letter, word of mouth or hint, with the hashes of what proves it.

        `POST /api/cases/interventions`, `interventions:record`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/cases/interventions", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def list_interventions(
        self, *, ground: str, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Interventions within reach, newest first; each one shown is a read on record.

        `GET /api/cases/interventions`, `interventions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/cases/interventions", query={"ground": ground, "limit": limit, "cursor": cursor}
            )
        )

    def all_interventions(
        self, *, ground: str, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_interventions`, page after page. 逐页取出全部条目。

        `GET /api/cases/interventions`, `interventions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/cases/interventions", query={"ground": ground, "limit": limit, "cursor": cursor}
            )
        )

    def show_intervention(self, intervention_id: str, *, ground: str) -> dict[str, Any]:
        """One intervention, without who recorded it.

        `GET /api/cases/interventions/{intervention_id}`, `interventions:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/interventions/{intervention_id}",
                places={"intervention_id": intervention_id},
                query={"ground": ground},
            )
        )

    def show_recorder(self, intervention_id: str, *, ground: str) -> dict[str, Any]:
        """Who recorded it, and who has read it on which ground; this read is the last of them.

        `GET /api/cases/interventions/{intervention_id}/recorder`, `interventions:unmask`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/interventions/{intervention_id}/recorder",
                places={"intervention_id": intervention_id},
                query={"ground": ground},
            )
        )

    def show_reporter(self, lead_id: str) -> dict[str, Any]:
        """举报人: the name and how to reach them. On record at the edge, with its purpose, before it
        is told.

        `GET /api/cases/leads/{lead_id}/reporter`, `reporters:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/cases/leads/{lead_id}/reporter", places={"lead_id": lead_id})
        )

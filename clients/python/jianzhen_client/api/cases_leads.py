"""Operations of cases leads. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.cases import FileLead, OpenLead, RejectLead
from jianzhen_client.transport import Call, Group


class CasesLeads(Group):
    """Operations of cases leads; see `Client`."""

    def list_leads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: str | None = None,
        site: str | None = None,
        uscc: str | None = None,
    ) -> dict[str, Any]:
        """Leads of the caller's region, newest first.

        `GET /api/cases/leads`, `leads:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/leads",
                query={"limit": limit, "cursor": cursor, "state": state, "site": site, "uscc": uscc},
            )
        )

    def all_leads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: str | None = None,
        site: str | None = None,
        uscc: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_leads`, page after page. 逐页取出全部条目。

        `GET /api/cases/leads`, `leads:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/cases/leads",
                query={"limit": limit, "cursor": cursor, "state": state, "site": site, "uscc": uscc},
            )
        )

    def open_lead(self, body: OpenLead, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """线索登记: a report, an inspection, a superior's or another department's clue becomes a lead.

        `POST /api/cases/leads`, `leads:open`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/cases/leads", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def show_lead(self, lead_id: str) -> dict[str, Any]:
        """A lead with its findings, alarms, history and the acts that can follow.

        `GET /api/cases/leads/{lead_id}`, `leads:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/cases/leads/{lead_id}", places={"lead_id": lead_id})
        )

    def file_lead(
        self, lead_id: str, body: FileLead, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """立案: answers the case.

        `POST /api/cases/leads/{lead_id}/file`, `leads:decide`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/leads/{lead_id}/file",
                places={"lead_id": lead_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def reject_lead(
        self, lead_id: str, body: RejectLead, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """不予立案: answers the lead.

        `POST /api/cases/leads/{lead_id}/reject`, `leads:decide`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/leads/{lead_id}/reject",
                places={"lead_id": lead_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

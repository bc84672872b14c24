"""Operations of cases special case teams. Made by `make docs`: do not edit."""

from typing import Any

from jianzhen_client.models.cases import EndMember, NameMember
from jianzhen_client.transport import Call, Group


class CasesSpecialCaseTeams(Group):
    """Operations of cases special case teams; see `Client`."""

    def show_team(self, case_id: str) -> dict[str, Any]:
        """Everybody who is or was on the team, newest first.

        `GET /api/cases/cases/{case_id}/team`, `case-teams:name`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/cases/cases/{case_id}/team", places={"case_id": case_id})
        )

    def name_member(
        self, case_id: str, body: NameMember, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Names a member until the given end.

        `POST /api/cases/cases/{case_id}/team`, `case-teams:name`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/team",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def end_member(
        self, case_id: str, member_id: str, body: EndMember, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """The member sees the case no more from now on.

        `POST /api/cases/cases/{case_id}/team/{member_id}/end`, `case-teams:name`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/team/{member_id}/end",
                places={"case_id": case_id, "member_id": member_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

"""Operations of cases cases. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.cases import Annul, ConfirmFraud, Decide, Hearing, Review
from jianzhen_client.transport import Call, Group


class CasesCases(Group):
    """Operations of cases cases; see `Client`."""

    def list_cases(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: str | None = None,
        site: str | None = None,
        uscc: str | None = None,
    ) -> dict[str, Any]:
        """Cases of the caller's region, and those of teams the caller is on, newest first.

        `GET /api/cases/cases`, `cases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/cases",
                query={"limit": limit, "cursor": cursor, "state": state, "site": site, "uscc": uscc},
            )
        )

    def all_cases(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: str | None = None,
        site: str | None = None,
        uscc: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_cases`, page after page. 逐页取出全部条目。

        `GET /api/cases/cases`, `cases:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/cases/cases",
                query={"limit": limit, "cursor": cursor, "state": state, "site": site, "uscc": uscc},
            )
        )

    def show_case(self, case_id: str) -> dict[str, Any]:
        """A case with its history, the range of its fine and the acts that can follow.

        `GET /api/cases/cases/{case_id}`, `cases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/cases/cases/{case_id}", places={"case_id": case_id})
        )

    def list_confirmed(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """已认定案件, for the court: falsification confirmed and not annulled; newest first.

        `GET /api/cases/confirmed-cases`, `confirmed-cases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/cases/confirmed-cases", query={"limit": limit, "cursor": cursor}
            )
        )

    def all_confirmed(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_confirmed`, page after page. 逐页取出全部条目。

        `GET /api/cases/confirmed-cases`, `confirmed-cases:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/cases/confirmed-cases", query={"limit": limit, "cursor": cursor})
        )

    def show_confirmed(self, case_id: str) -> dict[str, Any]:
        """One confirmed case. Whether another one exists is not told.

        `GET /api/cases/confirmed-cases/{case_id}`, `confirmed-cases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/cases/confirmed-cases/{case_id}", places={"case_id": case_id})
        )

    def confirm_fraud(
        self, case_id: str, body: ConfirmFraud, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """认定 (or 不予认定) on the investigation report of two officers of a city authority or above.

        `POST /api/cases/cases/{case_id}/confirm-fraud`, `cases:confirm-fraud`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/confirm-fraud",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def hold_hearing(
        self, case_id: str, body: Hearing, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """听证 hosted by a person who did not investigate this case.

        `POST /api/cases/cases/{case_id}/hearing`, `cases:host-hearing`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/hearing",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def review(self, case_id: str, body: Review, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """法制审核 by a person who took no part in the investigation.

        `POST /api/cases/cases/{case_id}/review`, `cases:review`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/review",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def decide(self, case_id: str, body: Decide, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """处罚决定 by a third person, within the range of the law of the act's day.

        `POST /api/cases/cases/{case_id}/decide`, `cases:decide`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/decide",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def annul(self, case_id: str, body: Annul, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """撤销 by the head of the organ.

        `POST /api/cases/cases/{case_id}/annul`, `cases:annul`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/cases/{case_id}/annul",
                places={"case_id": case_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def show_eligibility(
        self, case_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Calibrated ∧ normal ∧ unbroken ∧ logged for each hour of the act, or of the lead's window
        before it.

        503 while `qc` is away.

        `GET /api/cases/cases/{case_id}/eligibility`, `cases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/cases/{case_id}/eligibility",
                places={"case_id": case_id},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_eligibility(
        self, case_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `show_eligibility`, page after page. 逐页取出全部条目。

        `GET /api/cases/cases/{case_id}/eligibility`, `cases:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/cases/cases/{case_id}/eligibility",
                places={"case_id": case_id},
                query={"limit": limit, "cursor": cursor},
            )
        )

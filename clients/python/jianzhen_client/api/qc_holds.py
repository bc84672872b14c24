"""Operations of qc holds. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import Decide
from jianzhen_client.transport import Call, Group


class QcHolds(Group):
    """Operations of qc holds; see `Client`."""

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

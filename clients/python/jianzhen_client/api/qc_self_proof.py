"""Operations of qc self proof. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import DecideProof, GiveEvidence, RequestProof
from jianzhen_client.transport import Call, Group


class QcSelfProof(Group):
    """Operations of qc self proof; see `Client`."""

    def list_proofs(
        self,
        *,
        state: Literal["requested", "answered", "accepted", "rejected"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Requests, newest first.

        `GET /api/qc/self-proofs`, `self-proofs:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/self-proofs", query={"state": state, "limit": limit, "cursor": cursor}
            )
        )

    def all_proofs(
        self,
        *,
        state: Literal["requested", "answered", "accepted", "rejected"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_proofs`, page after page. 逐页取出全部条目。

        `GET /api/qc/self-proofs`, `self-proofs:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/self-proofs", query={"state": state, "limit": limit, "cursor": cursor})
        )

    def request_proof(self, body: RequestProof, *, idempotency_key: str) -> dict[str, Any]:
        """Ask the unit for proof of a flagged period; the deadline begins.

        `POST /api/qc/self-proofs`, `self-proofs:request`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/self-proofs", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def show_proof(self, proof_id: str) -> dict[str, Any]:
        """One request with its evidence and history.

        `GET /api/qc/self-proofs/{proof_id}`, `self-proofs:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/self-proofs/{proof_id}", places={"proof_id": proof_id})
        )

    def give_evidence(self, proof_id: str, body: GiveEvidence, *, idempotency_key: str) -> dict[str, Any]:
        """The unit's documents; late ones are kept and marked late.

        `POST /api/qc/self-proofs/{proof_id}/evidence`, `self-proofs:answer`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/self-proofs/{proof_id}/evidence",
                places={"proof_id": proof_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def decide_proof(self, proof_id: str, body: DecideProof, *, idempotency_key: str) -> dict[str, Any]:
        """Accepted or rejected, by another person than who asked.

        `POST /api/qc/self-proofs/{proof_id}/decision`, `self-proofs:decide`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/self-proofs/{proof_id}/decision",
                places={"proof_id": proof_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

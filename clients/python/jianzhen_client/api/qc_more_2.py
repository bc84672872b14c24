"""Operations of qc more 2. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.qc import TellSteps
from jianzhen_client.transport import Call, Group


class QcMore2(Group):
    """Operations of qc more 2; see `Client`."""

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

    def list_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Messages that wait, oldest first; `replayed=true` lists those already replayed.

        `GET /api/qc/parked`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def all_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_parked`, page after page. 逐页取出全部条目。

        `GET /api/qc/parked`, `parked:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit})
        )

    def show_parked(self, id: str) -> dict[str, Any]:
        """One message with its headers and its body as text.

        `GET /api/qc/parked/{id}`, `parked:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/qc/parked/{id}", places={"id": id}))

    def replay_parked(self, id: str, *, skip: bool | None = None) -> dict[str, Any]:
        """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes
        on.

        `POST /api/qc/parked/{id}/replay`, `parked:replay`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/parked/{id}/replay", places={"id": id}, query={"skip": skip}
            )
        )

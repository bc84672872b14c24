"""Operations of credit more. Made by `make docs`: do not edit."""

from typing import Any

from jianzhen_client.transport import Call, Group


class CreditMore(Group):
    """Operations of credit more; see `Client`."""

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/credit/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/credit/traces/{trace_id}", places={"trace_id": trace_id})
        )

"""Operations of cases more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.cases import EnterCertificatesBody
from jianzhen_client.transport import Call, Group


class CasesMore(Group):
    """Operations of cases more; see `Client`."""

    def list_certificates(
        self, *, number: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """执法证登记册: every certificate within reach as it stands today, by number; one if `number`
        is.

        `GET /api/cases/certificates`, `certificates:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/cases/certificates", query={"number": number, "limit": limit, "cursor": cursor}
            )
        )

    def all_certificates(
        self, *, number: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_certificates`, page after page. 逐页取出全部条目。

        `GET /api/cases/certificates`, `certificates:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/cases/certificates", query={"number": number, "limit": limit, "cursor": cursor}
            )
        )

    def enter_certificates(
        self,
        body: EnterCertificatesBody | bytes | str,
        *,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> dict[str, Any]:
        """执法证登记: rows as JSON, CSV or XLSX; all are entered, or none and each flaw is told.

        `POST /api/cases/certificates`, `certificates:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/cases/certificates",
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def list_certificate_history(
        self, *, number: str | None = None, limit: int | None = None, cursor: int | None = None
    ) -> dict[str, Any]:
        """Every word ever entered, newest first, with who entered it; of one certificate if `number`
        is given.

        `GET /api/cases/certificates/history`, `certificates:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/cases/certificates/history",
                query={"number": number, "limit": limit, "cursor": cursor},
            )
        )

    def all_certificate_history(
        self, *, number: str | None = None, limit: int | None = None, cursor: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_certificate_history`, page after page. 逐页取出全部条目。

        `GET /api/cases/certificates/history`, `certificates:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/cases/certificates/history",
                query={"number": number, "limit": limit, "cursor": cursor},
            )
        )

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/cases/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/cases/traces/{trace_id}", places={"trace_id": trace_id})
        )

    def list_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Messages that wait, oldest first; `replayed=true` lists those already replayed.

        `GET /api/cases/parked`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/cases/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def all_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_parked`, page after page. 逐页取出全部条目。

        `GET /api/cases/parked`, `parked:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/cases/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def show_parked(self, id: str) -> dict[str, Any]:
        """One message with its headers and its body as text.

        `GET /api/cases/parked/{id}`, `parked:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/cases/parked/{id}", places={"id": id}))

    def replay_parked(self, id: str, *, skip: bool | None = None) -> dict[str, Any]:
        """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes
        on.

        `POST /api/cases/parked/{id}/replay`, `parked:replay`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/cases/parked/{id}/replay", places={"id": id}, query={"skip": skip}
            )
        )

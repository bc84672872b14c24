"""Operations of cases certificates. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.cases import EnterCertificatesBody
from jianzhen_client.transport import Call, Group


class CasesCertificates(Group):
    """Operations of cases certificates; see `Client`."""

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

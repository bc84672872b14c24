"""Operations of qc custody. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.qc import EnterPerson, EnterResult, FileReport, Leave, Sign
from jianzhen_client.transport import Call, Group


class QcCustody(Group):
    """Operations of qc custody; see `Client`."""

    def list_people(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Entries of persons with their posts, newest first; who has left stays.

        `GET /api/qc/custody/people`, `custody:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/custody/people", query={"limit": limit, "cursor": cursor})
        )

    def all_people(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_people`, page after page. 逐页取出全部条目。

        `GET /api/qc/custody/people`, `custody:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/custody/people", query={"limit": limit, "cursor": cursor})
        )

    def enter_person(self, body: EnterPerson, *, idempotency_key: str) -> dict[str, Any]:
        """A person takes posts; who is banned from the trade is refused.

        `POST /api/qc/custody/people`, `custody:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/custody/people", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def leave(self, number: str, body: Leave, *, idempotency_key: str) -> dict[str, Any]:
        """离职: the person holds no post any more and keeps the liability.

        `POST /api/qc/custody/people/{number}/departure`, `custody:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/custody/people/{number}/departure",
                places={"number": number},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def list_results(
        self,
        *,
        site: str | None = None,
        factor: str | None = None,
        sample: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Manual results, newest first.

        `GET /api/qc/custody/results`, `custody:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET",
                "/api/qc/custody/results",
                query={"site": site, "factor": factor, "sample": sample, "limit": limit, "cursor": cursor},
            )
        )

    def all_results(
        self,
        *,
        site: str | None = None,
        factor: str | None = None,
        sample: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_results`, page after page. 逐页取出全部条目。

        `GET /api/qc/custody/results`, `custody:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/custody/results",
                query={"site": site, "factor": factor, "sample": sample, "limit": limit, "cursor": cursor},
            )
        )

    def enter_result(self, body: EnterResult, *, idempotency_key: str) -> dict[str, Any]:
        """A figure of a sample whose steps are known.

        `POST /api/qc/custody/results`, `custody:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/custody/results", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def show_result(self, result_id: str) -> dict[str, Any]:
        """One result with every person who answers for it, its nine stages, its record, signatures and
        flags.

        `GET /api/qc/custody/results/{result_id}`, `custody:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/qc/custody/results/{result_id}", places={"result_id": result_id}
            )
        )

    def sign(self, result_id: str, body: Sign, *, idempotency_key: str) -> dict[str, Any]:
        """A signature in the caller's own post: role, post, order, duties and bans are checked now.

        `POST /api/qc/custody/results/{result_id}/signatures`, `custody:sign`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/custody/results/{result_id}/signatures",
                places={"result_id": result_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def list_reports(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Filed reports, newest first.

        `GET /api/qc/custody/reports`, `custody:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/custody/reports", query={"limit": limit, "cursor": cursor})
        )

    def all_reports(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_reports`, page after page. 逐页取出全部条目。

        `GET /api/qc/custody/reports`, `custody:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/custody/reports", query={"limit": limit, "cursor": cursor})
        )

    def file_report(self, body: FileReport, *, idempotency_key: str) -> dict[str, Any]:
        """A report over results that passed the three levels of review.

        `POST /api/qc/custody/reports`, `custody:write`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/custody/reports", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

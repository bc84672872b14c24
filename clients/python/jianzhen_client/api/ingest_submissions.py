"""Operations of ingest submissions. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class IngestSubmissions(Group):
    """Operations of ingest submissions; see `Client`."""

    def list_submissions(
        self, *, limit: int | None = None, cursor: str | None = None, outcome: str | None = None
    ) -> Any:
        """What was received, newest first.

        `GET /api/ingest/submissions`, `submissions:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/ingest/submissions", query={"limit": limit, "cursor": cursor, "outcome": outcome}
            )
        )

    def all_submissions(
        self, *, limit: int | None = None, cursor: str | None = None, outcome: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_submissions`, page after page. 逐页取出全部条目。

        `GET /api/ingest/submissions`, `submissions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/ingest/submissions", query={"limit": limit, "cursor": cursor, "outcome": outcome}
            )
        )

    def show_submission(self, id: str) -> Any:
        """One receipt, with its first thousand refused rows.

        `GET /api/ingest/submissions/{id}`, `submissions:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/submissions/{id}", places={"id": id}))

    def show_raw(self, id: str) -> Any:
        """The bytes exactly as received; their sha256 is in the receipt and in the ETag.

        `GET /api/ingest/submissions/{id}/raw`, `raw:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/submissions/{id}/raw", places={"id": id}))

    def list_refusals(
        self,
        *,
        submission: str | None = None,
        site: str | None = None,
        rule: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
    ) -> Any:
        """Rows that were not accepted, with the rule and how to mend it; `from` and `to` are times of
        receipt.

        `GET /api/ingest/refusals`, `submissions:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/refusals",
                query={
                    "submission": submission,
                    "site": site,
                    "rule": rule,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                },
            )
        )

    def all_refusals(
        self,
        *,
        submission: str | None = None,
        site: str | None = None,
        rule: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_refusals`, page after page. 逐页取出全部条目。

        `GET /api/ingest/refusals`, `submissions:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/refusals",
                query={
                    "submission": submission,
                    "site": site,
                    "rule": rule,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                },
            )
        )

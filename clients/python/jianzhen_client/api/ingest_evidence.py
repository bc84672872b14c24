"""Operations of ingest evidence. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class IngestEvidence(Group):
    """Operations of ingest evidence; see `Client`."""

    def show_receipt(self, id: str) -> Any:
        """The receipt (`jianzhen-receipt/1`), verifiable offline; 202 and Retry-After until it is
        there.

        `GET /api/ingest/submissions/{id}/receipt`, `raw:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/submissions/{id}/receipt", places={"id": id})
        )

    def list_leaves(self, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Every submission with what its leaf must be, oldest first; `stored_sha256` is of the bytes
        kept now.

        `GET /api/ingest/leaves`, `leaves:audit`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/leaves", query={"limit": limit, "cursor": cursor})
        )

    def all_leaves(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_leaves`, page after page. 逐页取出全部条目。

        `GET /api/ingest/leaves`, `leaves:audit`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/ingest/leaves", query={"limit": limit, "cursor": cursor})
        )

    def show_bundle(self, mn: str, *, from_: str, to: str) -> Any:
        """Raw bytes, registry as of then, values, quality codes, receipts with proofs, manifest,
        README; a zip.

        Verify it with `python -m tlog verify bundle`. 404 unknown device, 413 too much for one
        bundle (ask for a shorter period), 503 while `qc` or `evidence` is away or another bundle is
        being made. One that cannot be finished is cut: a zip without its directory, on a connection
        without its end mark.

        `GET /api/ingest/devices/{mn}/bundle`, `raw:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/ingest/devices/{mn}/bundle", places={"mn": mn}, query={"from": from_, "to": to}
            )
        )

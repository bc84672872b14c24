"""Operations of ingest uploads. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest import PostUpload
from jianzhen_client.transport import Call, Group


class IngestUploads(Group):
    """Operations of ingest uploads; see `Client`."""

    def declare_upload(self, body: PostUpload) -> Any:
        """Declare a file. The same file declared again is the same upload, so nothing is read twice.

        `POST /api/ingest/uploads`, `observations:submit`
        """
        return self._transport.send(Call[Any]("POST", "/api/ingest/uploads", body=body))

    def list_uploads(self, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Uploads in reach, newest first.

        `GET /api/ingest/uploads`, `submissions:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/uploads", query={"limit": limit, "cursor": cursor})
        )

    def all_uploads(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_uploads`, page after page. 逐页取出全部条目。

        `GET /api/ingest/uploads`, `submissions:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/ingest/uploads", query={"limit": limit, "cursor": cursor})
        )

    def send_part(
        self, id: str, body: bytes | str, *, upload_offset: int, media: str = "application/octet-stream"
    ) -> Any:
        """Send the bytes from `Upload-Offset` on. The last part may be sent again like any other.

        `PATCH /api/ingest/uploads/{id}`, `observations:submit`
        """
        return self._transport.send(
            Call[Any](
                "PATCH",
                "/api/ingest/uploads/{id}",
                places={"id": id},
                headers={"Upload-Offset": upload_offset},
                body=body,
                media=media,
            )
        )

    def show_upload(self, id: str) -> Any:
        """How far it is; `Upload-Offset` is where the next part begins.

        `GET /api/ingest/uploads/{id}`, `submissions:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/uploads/{id}", places={"id": id}))

    def show_answers(
        self, id: str, *, outcome: Literal["accepted", "repeated", "revised", "refused"] | None = None
    ) -> Any:
        """A CSV, a line for every cell read so far: what became of it, which rule, how to mend it.

        `GET /api/ingest/uploads/{id}/answers`, `submissions:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/ingest/uploads/{id}/answers", places={"id": id}, query={"outcome": outcome}
            )
        )

    def show_file(self, id: str) -> Any:
        """The file as it was received; its sha256 is the ETag.

        `GET /api/ingest/uploads/{id}/file`, `raw:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/uploads/{id}/file", places={"id": id}))

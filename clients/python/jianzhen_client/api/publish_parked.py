"""Operations of publish parked. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class PublishParked(Group):
    """Operations of publish parked; see `Client`."""

    def list_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Messages that wait, oldest first; `replayed=true` lists those already replayed.

        `GET /api/publish/parked`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/publish/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def all_parked(
        self, *, replayed: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_parked`, page after page. 逐页取出全部条目。

        `GET /api/publish/parked`, `parked:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/publish/parked", query={"replayed": replayed, "cursor": cursor, "limit": limit}
            )
        )

    def show_parked(self, id: str) -> dict[str, Any]:
        """One message with its headers and its body as text.

        `GET /api/publish/parked/{id}`, `parked:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/publish/parked/{id}", places={"id": id})
        )

    def replay_parked(self, id: str, *, skip: bool | None = None) -> dict[str, Any]:
        """Handles the message and those of its key behind it; `skip=true` gives this one up, then goes
        on.

        `POST /api/publish/parked/{id}/replay`, `parked:replay`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/publish/parked/{id}/replay", places={"id": id}, query={"skip": skip}
            )
        )

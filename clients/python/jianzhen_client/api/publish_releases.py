"""Operations of publish releases. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.publish import Approval, CatalogueEntry, DraftRequest
from jianzhen_client.transport import Call, Group


class PublishReleases(Group):
    """Operations of publish releases; see `Client`."""

    def list_releases(
        self, *, status: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> dict[str, Any]:
        """Releases of every status within one's region, newest hour first.

        `GET /api/publish/releases`, `releases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "GET", "/api/publish/releases", query={"status": status, "limit": limit, "cursor": cursor}
            )
        )

    def all_releases(
        self, *, status: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_releases`, page after page. 逐页取出全部条目。

        `GET /api/publish/releases`, `releases:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/publish/releases", query={"status": status, "limit": limit, "cursor": cursor}
            )
        )

    def draft_release(self, body: DraftRequest) -> dict[str, Any]:
        """Drafts one hour; the same hour again refreshes its draft (one release per item, region and
        hour).

        `POST /api/publish/releases`, `releases:draft`
        """
        return self._transport.send(Call[dict[str, Any]]("POST", "/api/publish/releases", body=body))

    def get_release(self, id: str) -> dict[str, Any]:
        """One release with its draft, versions and steps.

        `GET /api/publish/releases/{id}`, `releases:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/publish/releases/{id}", places={"id": id})
        )

    def approve_release(self, id: str, body: Approval | None = None) -> dict[str, Any]:
        """A second person approves the draft.

        `POST /api/publish/releases/{id}/approve`, `releases:approve`
        """
        return self._transport.send(
            Call[dict[str, Any]]("POST", "/api/publish/releases/{id}/approve", places={"id": id}, body=body)
        )

    def publish_release(self, id: str) -> dict[str, Any]:
        """Publishes what was approved; not while the evidence log lacks its quorum of witnesses.

        `POST /api/publish/releases/{id}/publish`, `releases:publish`
        """
        return self._transport.send(
            Call[dict[str, Any]]("POST", "/api/publish/releases/{id}/publish", places={"id": id})
        )

    def list_catalogue(self, *, lang: Literal["zh", "en"] | None = None) -> Any:
        """Everything that may be published, in force today.

        `GET /api/publish/catalogue`, `catalogue:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/publish/catalogue", query={"lang": lang}))

    def put_catalogue_item(self, code: str, body: CatalogueEntry) -> dict[str, Any]:
        """Adds or replaces a catalogue item of one's region.

        `PUT /api/publish/catalogue/{code}`, `catalogue:write`
        """
        return self._transport.send(
            Call[dict[str, Any]]("PUT", "/api/publish/catalogue/{code}", places={"code": code}, body=body)
        )

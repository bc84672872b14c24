"""Operations of ingest devices. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class IngestDevices(Group):
    """Operations of ingest devices; see `Client`."""

    def list_information(
        self, mn: str, *, code: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """What a logger said of itself: states, parameters, logs, samples (3020, 3019, 2081 …), newest
        first.

        `GET /api/ingest/devices/{mn}/information`, `devices:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/information",
                places={"mn": mn},
                query={"code": code, "limit": limit, "cursor": cursor},
            )
        )

    def all_information(
        self, mn: str, *, code: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_information`, page after page. 逐页取出全部条目。

        `GET /api/ingest/devices/{mn}/information`, `devices:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/information",
                places={"mn": mn},
                query={"code": code, "limit": limit, "cursor": cursor},
            )
        )

    def list_identities(self, mn: str, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """Addresses, certificates and hardware numbers of a logger and its analysers, newest first.

        `GET /api/ingest/devices/{mn}/identities`, `devices:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/identities",
                places={"mn": mn},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_identities(
        self, mn: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_identities`, page after page. 逐页取出全部条目。

        `GET /api/ingest/devices/{mn}/identities`, `devices:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/identities",
                places={"mn": mn},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def list_packets(
        self, mn: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Messages sent in packets: which came, which are missing; by the first packet, newest first.

        `GET /api/ingest/devices/{mn}/packets`, `devices:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/packets",
                places={"mn": mn},
                query={"state": state, "limit": limit, "cursor": cursor},
            )
        )

    def all_packets(
        self, mn: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_packets`, page after page. 逐页取出全部条目。

        `GET /api/ingest/devices/{mn}/packets`, `devices:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/packets",
                places={"mn": mn},
                query={"state": state, "limit": limit, "cursor": cursor},
            )
        )

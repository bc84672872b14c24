"""Operations of ingest commands. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.ingest import AskCommand, GiveReason, PutManners
from jianzhen_client.transport import Call, Group


class IngestCommands(Group):
    """Operations of ingest commands; see `Client`."""

    def send_command(self, mn: str, body: AskCommand, *, idempotency_key: str) -> Any:
        """Ask a device for something. It is sent once the device is connected, for a day at most.

        `POST /api/ingest/devices/{mn}/commands`, `commands:send`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/devices/{mn}/commands",
                places={"mn": mn},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )

    def list_commands(self, mn: str, *, limit: int | None = None, cursor: str | None = None) -> Any:
        """What a device was asked, newest first.

        `GET /api/ingest/devices/{mn}/commands`, `commands:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/commands",
                places={"mn": mn},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_commands(self, mn: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_commands`, page after page. 逐页取出全部条目。

        `GET /api/ingest/devices/{mn}/commands`, `commands:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/devices/{mn}/commands",
                places={"mn": mn},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def show_command(self, id: str) -> Any:
        """One command: its state, its progress, its result, and every step with its time.

        `GET /api/ingest/commands/{id}`, `commands:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/commands/{id}", places={"id": id}))

    def approve_command(self, id: str, body: GiveReason) -> Any:
        """The second person's consent, without which a password, key or MN is not changed.

        `POST /api/ingest/commands/{id}/approve`, `commands:approve`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/commands/{id}/approve", places={"id": id}, body=body)
        )

    def cancel_command(self, id: str, body: GiveReason) -> Any:
        """Stop waiting for a command. What was sent cannot be taken back.

        `POST /api/ingest/commands/{id}/cancel`, `commands:send`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/commands/{id}/cancel", places={"id": id}, body=body)
        )

    def show_manners(self, mn: str) -> Any:
        """How the device is dealt with, when it was last heard, and its open gaps.

        `GET /api/ingest/devices/{mn}/manners`, `registry:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/devices/{mn}/manners", places={"mn": mn}))

    def put_manners(self, mn: str, body: PutManners) -> Any:
        """Say how a device is to be dealt with. Whoever sets this allows it to be commanded.

        `PUT /api/ingest/devices/{mn}/manners`, `registry:write`
        """
        return self._transport.send(
            Call[Any]("PUT", "/api/ingest/devices/{mn}/manners", places={"mn": mn}, body=body)
        )

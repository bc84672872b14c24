"""Operations of ingest more. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest_2 import Report, SendObservationsBody, SendObservationsBody1
from jianzhen_client.transport import Call, Group


class IngestMore(Group):
    """Operations of ingest more; see `Client`."""

    def send_observations(
        self,
        body: SendObservationsBody | SendObservationsBody1 | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        source: str | None = None,
        station: str | None = None,
        label: Literal["start", "end"] | None = None,
        period: Literal["rtd", "min", "hour", "day"] | None = None,
        historical: bool | None = None,
        mapping: str | None = None,
        idempotency_key: str | None = None,
        uplink_path: str | None = None,
        uplink_mode: Literal["late", "backfill", "historical"] | None = None,
        media: str = "application/json",
    ) -> Any:
        """Send readings as rows, as columns, as CSV or as XLSX. Times without an offset are +08:00.

        A missing value is null. The first committed value of an instant wins; an equal one is a
        repeat, another one is kept as a revision. The query parameters of a table are for CSV and
        XLSX only.

        `POST /api/ingest/observations`, `observations:submit`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/ingest/observations",
                query={
                    "validate": validate,
                    "source": source,
                    "station": station,
                    "label": label,
                    "period": period,
                    "historical": historical,
                    "mapping": mapping,
                },
                headers={
                    "Idempotency-Key": idempotency_key,
                    "Uplink-Path": uplink_path,
                    "Uplink-Mode": uplink_mode,
                },
                body=body,
                media=media,
            )
        )

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

    def report_camera(self, code: str, body: Report) -> Any:
        """Report that a camera is online or offline 上报视频设备在线状态. Repeating a report changes
        nothing.

        `POST /api/ingest/video-devices/{code}/reports`, `guarantee:write`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/video-devices/{code}/reports", places={"code": code}, body=body)
        )

    def show_uptime(self, code: str) -> Any:
        """The share of the last seven days a camera was online, by its reports 近七日在线率.

        `GET /api/ingest/video-devices/{code}/uptime`, `guarantee:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/video-devices/{code}/uptime", places={"code": code})
        )

    def list_dictionaries(self) -> Any:
        """Which dictionaries there are 字典目录.

        `GET /api/ingest/dictionary`, `dictionary:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/dictionary"))

"""Operations of ingest more. Made by `make docs`: do not edit."""

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

    def show_dictionary(self, name: str, *, on: str | None = None) -> Any:
        """One dictionary, whole 字典内容. `on` gives the rules in force on that day.

        `GET /api/ingest/dictionary/{name}`, `dictionary:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/dictionary/{name}", places={"name": name}, query={"on": on})
        )

    def followed(self, trace_id: str) -> Any:
        """What this service said on behalf of one trace id (32 hex digits), oldest first.

        `GET /api/ingest/traces/{trace_id}`, `traces:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/traces/{trace_id}", places={"trace_id": trace_id})
        )

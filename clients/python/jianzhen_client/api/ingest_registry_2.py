"""Operations of ingest registry 2. Made by `make docs`: do not edit."""

from typing import Any

from jianzhen_client.models.ingest import PutSeriesList
from jianzhen_client.transport import Call, Group


class IngestRegistry2(Group):
    """Operations of ingest registry 2; see `Client`."""

    def put_series(self, body: PutSeriesList) -> Any:
        """Register or change many series at once, by their natural key 批量登记数据序列. All or none.

        `PUT /api/ingest/series`, `registry:write`
        """
        return self._transport.send(Call[Any]("PUT", "/api/ingest/series", body=body))

"""Operations of ingest sensorthings. Made by `make docs`: do not edit."""

from typing import Any

from jianzhen_client.transport import Call, Group


class IngestSensorthings(Group):
    """Operations of ingest sensorthings; see `Client`."""

    def show_service(self) -> Any:
        """What is here, and which requirements are met.

        `GET /api/ingest/sta/v1.1`, `observations:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/sta/v1.1"))

    def list_entities(
        self,
        entity: str,
        *,
        filter: str | None = None,
        select: str | None = None,
        expand: str | None = None,
        orderby: str | None = None,
        top: str | None = None,
        skip: str | None = None,
        count: str | None = None,
        result_format: str | None = None,
    ) -> Any:
        """A collection, or one of it.

        `GET /api/ingest/sta/v1.1/{entity}`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sta/v1.1/{entity}",
                places={"entity": entity},
                query={
                    "$filter": filter,
                    "$select": select,
                    "$expand": expand,
                    "$orderby": orderby,
                    "$top": top,
                    "$skip": skip,
                    "$count": count,
                    "$resultFormat": result_format,
                },
            )
        )

    def refuse_to_write(self, entity: str) -> Any:
        """Evidence is not edited, and the register has an interface of its own.

        `DELETE /api/ingest/sta/v1.1/{entity}`, `observations:submit`
        """
        return self._transport.send(
            Call[Any]("DELETE", "/api/ingest/sta/v1.1/{entity}", places={"entity": entity})
        )

    def refuse_to_write_entity(self, entity: str) -> Any:
        """Evidence is not edited, and the register has an interface of its own.

        `POST /api/ingest/sta/v1.1/{entity}`, `observations:submit`
        """
        return self._transport.send(
            Call[Any]("POST", "/api/ingest/sta/v1.1/{entity}", places={"entity": entity})
        )

    def list_related(
        self,
        entity: str,
        navigation: str,
        *,
        filter: str | None = None,
        select: str | None = None,
        expand: str | None = None,
        orderby: str | None = None,
        top: str | None = None,
        skip: str | None = None,
        count: str | None = None,
        result_format: str | None = None,
    ) -> Any:
        """What belongs to one entity, or a property of it.

        `GET /api/ingest/sta/v1.1/{entity}/{navigation}`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sta/v1.1/{entity}/{navigation}",
                places={"entity": entity, "navigation": navigation},
                query={
                    "$filter": filter,
                    "$select": select,
                    "$expand": expand,
                    "$orderby": orderby,
                    "$top": top,
                    "$skip": skip,
                    "$count": count,
                    "$resultFormat": result_format,
                },
            )
        )

    def list_further(
        self,
        entity: str,
        navigation: str,
        further: str,
        last: str,
        *,
        filter: str | None = None,
        select: str | None = None,
        expand: str | None = None,
        orderby: str | None = None,
        top: str | None = None,
        skip: str | None = None,
        count: str | None = None,
        result_format: str | None = None,
    ) -> Any:
        """What a longer path leads to, the value of a property, or links alone.

        `GET /api/ingest/sta/v1.1/{entity}/{navigation}/{further}/{last}`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sta/v1.1/{entity}/{navigation}/{further}/{last}",
                places={"entity": entity, "navigation": navigation, "further": further, "last": last},
                query={
                    "$filter": filter,
                    "$select": select,
                    "$expand": expand,
                    "$orderby": orderby,
                    "$top": top,
                    "$skip": skip,
                    "$count": count,
                    "$resultFormat": result_format,
                },
            )
        )

    def list_further_further(
        self,
        entity: str,
        navigation: str,
        further: str,
        *,
        filter: str | None = None,
        select: str | None = None,
        expand: str | None = None,
        orderby: str | None = None,
        top: str | None = None,
        skip: str | None = None,
        count: str | None = None,
        result_format: str | None = None,
    ) -> Any:
        """What a longer path leads to, the value of a property, or links alone.

        `GET /api/ingest/sta/v1.1/{entity}/{navigation}/{further}`, `observations:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sta/v1.1/{entity}/{navigation}/{further}",
                places={"entity": entity, "navigation": navigation, "further": further},
                query={
                    "$filter": filter,
                    "$select": select,
                    "$expand": expand,
                    "$orderby": orderby,
                    "$top": top,
                    "$skip": skip,
                    "$count": count,
                    "$resultFormat": result_format,
                },
            )
        )

    def create_observations(self, body: list[dict[str, Any]]) -> Any:
        """Send values by Datastream; answers a self link or "error" for each, in the order sent.

        Committed as by POST /observations: a value that was there already gets its link, another
        value for the same instant is kept as a revision and answered "error". The header
        `Submission` names the receipt.

        `POST /api/ingest/sta/v1.1/CreateObservations`, `observations:submit`
        """
        return self._transport.send(Call[Any]("POST", "/api/ingest/sta/v1.1/CreateObservations", body=body))

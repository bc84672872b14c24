"""Operations of ingest registry. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.ingest import PutDevice, PutOrganisation, PutSite
from jianzhen_client.transport import Call, Group


class IngestRegistry(Group):
    """Operations of ingest registry; see `Client`."""

    def list_organisations(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Any:
        """Organisations in reach, by code 单位列表. `asOf` gives the register as it was known then.

        `GET /api/ingest/organisations`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/organisations",
                query={
                    "kind": kind,
                    "subject": subject,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def all_organisations(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_organisations`, page after page. 逐页取出全部条目。

        `GET /api/ingest/organisations`, `registry:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/organisations",
                query={
                    "kind": kind,
                    "subject": subject,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def show_organisation(self, uscc: str, *, as_of: str | None = None) -> Any:
        """One organisation 单位. Its version is the ETag.

        `GET /api/ingest/organisations/{uscc}`, `registry:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/organisations/{uscc}", places={"uscc": uscc}, query={"asOf": as_of})
        )

    def put_organisation(self, uscc: str, body: PutOrganisation, *, if_match: str | None = None) -> Any:
        """Register or change an organisation 登记或变更单位. With If-Match, only that version (412).

        `PUT /api/ingest/organisations/{uscc}`, `registry:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/organisations/{uscc}",
                places={"uscc": uscc},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_sites(
        self,
        *,
        kind: Literal["station", "outlet"] | None = None,
        level: Literal["national", "provincial", "city", "county", "township", "enterprise"] | None = None,
        element: str | None = None,
        family: Literal["quality", "source", "ecology"] | None = None,
        area: str | None = None,
        category: str | None = None,
        conforms: bool | None = None,
        lacks: Literal["video", "guarantee"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Any:
        """Stations and outlets in reach, by code 点位列表.

        `GET /api/ingest/sites`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sites",
                query={
                    "kind": kind,
                    "level": level,
                    "element": element,
                    "family": family,
                    "area": area,
                    "category": category,
                    "conforms": conforms,
                    "lacks": lacks,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def all_sites(
        self,
        *,
        kind: Literal["station", "outlet"] | None = None,
        level: Literal["national", "provincial", "city", "county", "township", "enterprise"] | None = None,
        element: str | None = None,
        family: Literal["quality", "source", "ecology"] | None = None,
        area: str | None = None,
        category: str | None = None,
        conforms: bool | None = None,
        lacks: Literal["video", "guarantee"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_sites`, page after page. 逐页取出全部条目。

        `GET /api/ingest/sites`, `registry:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/sites",
                query={
                    "kind": kind,
                    "level": level,
                    "element": element,
                    "family": family,
                    "area": area,
                    "category": category,
                    "conforms": conforms,
                    "lacks": lacks,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def show_site(self, code: str, *, as_of: str | None = None) -> Any:
        """One station or outlet 点位.

        `GET /api/ingest/sites/{code}`, `registry:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/sites/{code}", places={"code": code}, query={"asOf": as_of})
        )

    def put_site(self, code: str, body: PutSite, *, if_match: str | None = None) -> Any:
        """Register or change a station or outlet 登记或变更点位.

        Position and level of a station change only by an approved station change (生态环境监测条例
        Art. 12): 409 otherwise, and the attempt is a finding 站点位置、级别的变更须经批准，擅自变更
        将被记录.

        `PUT /api/ingest/sites/{code}`, `registry:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/sites/{code}",
                places={"code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_devices(
        self,
        *,
        certificate_before: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Any:
        """Data loggers in reach, by MN 设备列表. Passwords are never shown.

        `GET /api/ingest/devices`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/devices",
                query={
                    "certificate_before": certificate_before,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def all_devices(
        self,
        *,
        certificate_before: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_devices`, page after page. 逐页取出全部条目。

        `GET /api/ingest/devices`, `registry:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/devices",
                query={
                    "certificate_before": certificate_before,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def show_device(self, mn: str, *, as_of: str | None = None) -> Any:
        """One data logger 设备.

        `GET /api/ingest/devices/{mn}`, `registry:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/devices/{mn}", places={"mn": mn}, query={"asOf": as_of})
        )

    def put_device(self, mn: str, body: PutDevice, *, if_match: str | None = None) -> Any:
        """Register or change a data logger 登记或变更设备.

        `PUT /api/ingest/devices/{mn}`, `registry:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/ingest/devices/{mn}",
                places={"mn": mn},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_series(
        self,
        *,
        site: str | None = None,
        family: Literal["quality", "source", "ecology"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Any:
        """Series in reach, by number 数据序列列表.

        `GET /api/ingest/series`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/series",
                query={
                    "site": site,
                    "family": family,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

    def all_series(
        self,
        *,
        site: str | None = None,
        family: Literal["quality", "source", "ecology"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        as_of: str | None = None,
        on: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_series`, page after page. 逐页取出全部条目。

        `GET /api/ingest/series`, `registry:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/series",
                query={
                    "site": site,
                    "family": family,
                    "limit": limit,
                    "cursor": cursor,
                    "asOf": as_of,
                    "on": on,
                },
            )
        )

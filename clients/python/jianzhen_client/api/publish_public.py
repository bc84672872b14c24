"""Operations of publish public. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.transport import Call, Group


class PublishPublic(Group):
    """Operations of publish public; see `Client`."""

    def stations(
        self,
        *,
        code: str | None = None,
        lang: Literal["zh", "en"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Any:
        """Monitoring stations in code order, each with its newest hour (provisional: checked by rule
        only).

        `GET /api/publish/public/stations`, `figures:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/publish/public/stations",
                query={"code": code, "lang": lang, "limit": limit, "cursor": cursor},
            )
        )

    def all_stations(
        self,
        *,
        code: str | None = None,
        lang: Literal["zh", "en"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `stations`, page after page. 逐页取出全部条目。

        `GET /api/publish/public/stations`, `figures:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/publish/public/stations",
                query={"code": code, "lang": lang, "limit": limit, "cursor": cursor},
            )
        )

    def curve(
        self,
        code: str,
        *,
        factor: str,
        from_: str | None = None,
        to: str | None = None,
        hours: int | None = None,
        limit: int | None = None,
        lang: Literal["zh", "en"] | None = None,
    ) -> Any:
        """Hourly means of one factor, left-out ones marked with the reason. `next` is the next `from`.

        `GET /api/publish/public/stations/{code}/curve`, `figures:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/publish/public/stations/{code}/curve",
                places={"code": code},
                query={
                    "factor": factor,
                    "from": from_,
                    "to": to,
                    "hours": hours,
                    "limit": limit,
                    "lang": lang,
                },
            )
        )

    def latest(self, *, region: str | None = None, lang: Literal["zh", "en"] | None = None) -> Any:
        """Per region the newest released figure with its level, primary pollutants and what was left
        out.

        `GET /api/publish/public/latest`, `figures:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/publish/public/latest", query={"region": region, "lang": lang})
        )

    def published(
        self,
        *,
        region: str | None = None,
        lang: Literal["zh", "en"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Any:
        """Published releases, newest hour first.

        `GET /api/publish/public/releases`, `figures:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/publish/public/releases",
                query={"region": region, "lang": lang, "limit": limit, "cursor": cursor},
            )
        )

    def all_published(
        self,
        *,
        region: str | None = None,
        lang: Literal["zh", "en"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `published`, page after page. 逐页取出全部条目。

        `GET /api/publish/public/releases`, `figures:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/publish/public/releases",
                query={"region": region, "lang": lang, "limit": limit, "cursor": cursor},
            )
        )

    def release(
        self,
        id: str,
        *,
        version: int | None = None,
        format: Literal["detail", "snapshot"] | None = None,
        lang: Literal["zh", "en"] | None = None,
    ) -> Any:
        """One release: its versions with their reasons, its steps, the snapshot of `version` (else the
        newest).

        `format=snapshot` answers the exact canonical text of that version: its SHA-256 is the
        version's `sha256`.

        `GET /api/publish/public/releases/{id}`, `figures:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/publish/public/releases/{id}",
                places={"id": id},
                query={"version": version, "format": format, "lang": lang},
            )
        )

    def rankings(
        self,
        *,
        month: str,
        factor: str | None = None,
        level: Literal["prefecture", "county"] | None = None,
        region: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        lang: Literal["zh", "en"] | None = None,
    ) -> Any:
        """Regions by their month's mean of a factor, cleanest first; falsified days count as the law
        says.

        `GET /api/publish/public/rankings`, `figures:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/publish/public/rankings",
                query={
                    "month": month,
                    "factor": factor,
                    "level": level,
                    "region": region,
                    "limit": limit,
                    "cursor": cursor,
                    "lang": lang,
                },
            )
        )

    def all_rankings(
        self,
        *,
        month: str,
        factor: str | None = None,
        level: Literal["prefecture", "county"] | None = None,
        region: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        lang: Literal["zh", "en"] | None = None,
    ) -> Iterator[Any]:
        """Every item of `rankings`, page after page. 逐页取出全部条目。

        `GET /api/publish/public/rankings`, `figures:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/publish/public/rankings",
                query={
                    "month": month,
                    "factor": factor,
                    "level": level,
                    "region": region,
                    "limit": limit,
                    "cursor": cursor,
                    "lang": lang,
                },
            )
        )

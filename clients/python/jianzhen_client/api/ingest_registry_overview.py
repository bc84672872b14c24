"""Operations of ingest registry overview. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class IngestRegistryOverview(Group):
    """Operations of ingest registry overview; see `Client`."""

    def show_coverage(self, *, region: str | None = None) -> Any:
        """Points required, registered and connected, by category and region 全覆盖报表：应建、已登记、
        已联网.

        Connected means that at least one value has arrived. Key units count by this year's list.

        `GET /api/ingest/coverage`, `registry:read`
        """
        return self._transport.send(Call[Any]("GET", "/api/ingest/coverage", query={"region": region}))

    def show_roll_up(self, code: str) -> Any:
        """A park with what lies in it: points by element, connected points, open findings 园区汇总.

        Points out of reach do not count, though they name the park.

        `GET /api/ingest/areas/{code}/roll-up`, `registry:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/areas/{code}/roll-up", places={"code": code})
        )

    def list_annotations(self, code: str, *, from_: str | None = None, to: str | None = None) -> Any:
        """What was going on at a point in a window: works near it, anomalies reported 数据时段注释.

        `GET /api/ingest/sites/{code}/annotations`, `registry:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/sites/{code}/annotations",
                places={"code": code},
                query={"from": from_, "to": to},
            )
        )

    def show_answerable(self, uscc: str) -> Any:
        """Who answers together with an organisation: the unit for its agency and operator, and back
        again.

        辽宁 (nine): the unit is responsible for what its operator and its agency do 谁委托谁负责.

        `GET /api/ingest/organisations/{uscc}/answerable`, `registry:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/organisations/{uscc}/answerable", places={"uscc": uscc})
        )

    def list_plan_runs(
        self,
        *,
        uscc: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Any:
        """Runs that plans asked for, newest first, with how late they were 方案执行情况及迟报时长.

        `GET /api/ingest/plan-runs`, `monitoring:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/plan-runs",
                query={"uscc": uscc, "outcome": outcome, "limit": limit, "cursor": cursor},
            )
        )

    def all_plan_runs(
        self,
        *,
        uscc: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_plan_runs`, page after page. 逐页取出全部条目。

        `GET /api/ingest/plan-runs`, `monitoring:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/plan-runs",
                query={"uscc": uscc, "outcome": outcome, "limit": limit, "cursor": cursor},
            )
        )

    def list_set_values(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Any:
        """Values of a shared data set, by series and time 共享数据集的数据.

        A set that is not shared with you is not found; sites that are not its owner's have no
        values in it.

        `GET /api/ingest/data-sets/{code}/values`, `sharing:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/ingest/data-sets/{code}/values",
                places={"code": code},
                query={"limit": limit, "cursor": cursor, "from": from_, "to": to},
            )
        )

    def all_set_values(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_set_values`, page after page. 逐页取出全部条目。

        `GET /api/ingest/data-sets/{code}/values`, `sharing:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/ingest/data-sets/{code}/values",
                places={"code": code},
                query={"limit": limit, "cursor": cursor, "from": from_, "to": to},
            )
        )

    def list_key_unit_feed(
        self, *, year: int | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Any:
        """Key units for police and procuratorate, with permit, person in charge, points 重点排污单位共
        享信息.

        `GET /api/ingest/feeds/key-units`, `feeds:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/ingest/feeds/key-units", query={"year": year, "limit": limit, "cursor": cursor}
            )
        )

    def all_key_unit_feed(
        self, *, year: int | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Iterator[Any]:
        """Every item of `list_key_unit_feed`, page after page. 逐页取出全部条目。

        `GET /api/ingest/feeds/key-units`, `feeds:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET", "/api/ingest/feeds/key-units", query={"year": year, "limit": limit, "cursor": cursor}
            )
        )

    def show_tax_extract(self, *, month: str, region: str | None = None) -> Any:
        """Monthly emissions by outlet and factor, and nothing else 环境保护税复核：月排放量.

        The sum of the cumulated quantities (HJ 212 `Cou`) as first recorded; `values` counts what
        was summed.

        `GET /api/ingest/tax-extract`, `tax-extract:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/ingest/tax-extract", query={"month": month, "region": region})
        )

"""What a day close knows beside the values: coordinates, reported masses, checks, and limits that change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from closing_scene import City, city, close, closer, here, send
from contracts.ingest import RegistryChanged, SiteRegistered
from kit.outbox import Meta
from qc import consumers
from qc.rules.closing.asked import Answer, Asked
from qc.rules.closing.beside import cubic_metres
from qc_scene import HOUR, Lane, ref
from registers_scene import OUTLET, Desk

LOCAL = timedelta(hours=8)


async def hear(lane: Lane, event: Any) -> None:
    handler: Any = dict(consumers.CONSUMERS)[type(event)]
    async with lane.database.writer() as session:
        await handler(session, event, Meta("", "00", 1, "ingest-1", "", "", (), lane.clock()))


class Asking:
    """The tests in this process, and what they were asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return await here(asked)


async def found(lane: Lane, test: str) -> int:
    query = f"SELECT count(*) FROM falsification_findings WHERE is_current AND test = '{test}'"
    return int(await lane.scalar(query))


async def test_sites_are_where_the_registry_says(lane: Lane) -> None:
    scene = city(days=3, stations=2)
    site = scene.refs[0].site
    known = SiteRegistered(
        code=site, kind="station", element="air", region="131000", name_zh="点", name_en="Point",
        longitude=116.7, latitude=39.5,
    )  # fmt: skip
    await hear(lane, known)
    await send(lane, scene.rows())
    asking = Asking()
    lane.clock.now = datetime.fromtimestamp(scene.rows()[-1][1] / 1000, UTC) + timedelta(days=1)
    await closer(lane, asking).run()
    places = {one.station: one.place for one in asking.asked[-1].members}
    assert places == {site: (116.7, 39.5), scene.refs[-1].site: None}


def plant(days: int = 45) -> City:
    """An outlet's COD (mg/L) and flow (L/s), ending at the last local midnight."""
    random, n = np.random.default_rng(3), days * 24
    told = {"site": OUTLET, "site_kind": "outlet", "element": "waste_water", "source": "L1"}
    cod = ref(70, "w01018", unit="mg/L", decimals=1, **told)
    flow = ref(71, "w00000", unit="L/s", decimals=1, **told)
    return City([cod, flow], np.round([40 + random.normal(0, 5, n), 20 + random.normal(0, 2, n)], 1))


def begin(days: int = 45) -> int:
    today = (datetime.now(UTC) + LOCAL).date()
    first = datetime(today.year, today.month, today.day, tzinfo=UTC) - LOCAL - timedelta(days=days)
    return int(first.timestamp() * 1000)


def masses(scene: City, share: float) -> list[tuple[Any, int, float | None]]:
    """What the device reports as the mass of each hour: kg = mg/L × L/s × 3600 s / 10⁶, at last × `share`."""
    total = msgspec.structs.replace(scene.refs[0], id=72, statistic="cou", unit="kg", decimals=4)
    kg = scene.value[0] * scene.value[1] * 3600 / 1e6
    kg[-72:] *= share
    return [(total, begin() + hour * HOUR, float(value)) for hour, value in enumerate(kg)]


@pytest.mark.parametrize(("share", "expected"), [(1.0, False), (0.5, True)])
async def test_a_reported_mass_is_compared_with_concentration_and_flow(
    lane: Lane, share: float, expected: bool
) -> None:
    scene = plant()
    lane.clock.now = datetime.now(UTC)
    rows = [
        (one, begin() + hour * HOUR, float(scene.value[place, hour]))
        for place, one in enumerate(scene.refs)
        for hour in range(scene.value.shape[1])
    ]
    await send(lane, rows)
    await closer(lane).run()
    assert await found(lane, "X8") == 0
    # The masses come later: they reopen the days of the mean they belong to.
    await send(lane, masses(scene, share))
    assert await closer(lane).run() > 0
    assert (await found(lane, "X8") > 0) is expected


def test_a_flow_says_how_many_cubic_metres_a_period_has() -> None:
    assert cubic_metres("L/s", HOUR) == pytest.approx(3.6)
    assert cubic_metres("m3/h", HOUR) == pytest.approx(1.0)
    assert cubic_metres("m3/s", 60_000) == pytest.approx(60.0)
    assert cubic_metres("mg/L", HOUR) is None


async def test_checks_of_an_instrument_that_are_too_good_are_found(lane: Lane, desk: Desk) -> None:
    random, n = np.random.default_rng(4), 45 * 24
    so2 = ref(73, "a21026", site=OUTLET, site_kind="outlet", element="waste_gas", unit="mg/m3", decimals=1)
    lane.clock.now = datetime.now(UTC)
    level = np.round(20 + random.normal(0, 3, n), 1)
    await send(lane, [(so2, begin() + hour * HOUR, float(level[hour])) for hour in range(n)])
    await closer(lane).run()
    assert await found(lane, "P2") == 0
    await desk.instrument()
    await desk.person()
    for check in range(12):
        await desk.calibrate(3 + 2 * check, span=160.0)
    # A check entered after its day was closed reopens that day.
    assert await closer(lane).run() > 0
    assert await found(lane, "P2") == 1


def limited(one: Any, limit: float | None, change: int, **dates: str) -> RegistryChanged:
    names = ("site", "factor", "statistic", "basis", "period", "source")
    after = {name: getattr(one, name) for name in names} | {"permit_limit": limit, **dates}
    return RegistryChanged(
        kind="series", code="s", change=change, changed_at_ms=0, after_sha256="", region="131000", after=after
    )


async def test_a_changed_permit_limit_reopens_the_closed_days_on_which_it_holds(lane: Lane) -> None:
    scene = city(days=12, stations=2)
    await send(lane, scene.rows())
    await close(lane, 11)
    assert await close(lane, 11) == 0
    one = scene.refs[0]
    await hear(lane, limited(one, 75.0, 1, permit_from="2026-09-15"))
    asking = Asking()
    assert await closer(lane, asking).run() == 1
    assert [member.limit for member in asking.asked[-1].members] == [75.0, None, None, None]
    again = await lane.scalar("SELECT array_agg(day ORDER BY day) FROM day_closes WHERE number = 2")
    assert (again[0], again[-1], len(again)) == (date(2026, 9, 15), date(2026, 9, 21), 7)
    # The same limit told again, another factor's, or one that is over, reopens nothing.
    await hear(lane, limited(one, 75.0, 2, permit_from="2026-09-15"))
    await hear(lane, limited(msgspec.structs.replace(one, factor="a05024"), 9.0, 3))
    await hear(lane, limited(scene.refs[1], 9.0, 4, permit_from="2020-01-01", permit_to="2021-01-01"))
    assert await closer(lane).run() == 0

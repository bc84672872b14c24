"""Figures that wait for an analyst: withheld with the due time, then used or kept out, in any order."""

from datetime import timedelta
from itertools import permutations

from kit.testing.databases import FreshDatabase
from publish.queries.figures import public_figures
from publish.rules.figures import left_out
from publish_scene import HOUR, assessed, calm, current, decided, follow, hear, held, site, through

PM25 = {"a34004": 80.0}
DUE = "2026-11-22 09:40"


async def test_LF_01_a_held_figure_is_withheld_with_its_due_time_until_an_analyst_decides(
    database: FreshDatabase,
) -> None:
    await hear(database, site("A01"), site("A02"), assessed("A01", calm(80)), assessed("A02", calm(84)))
    await through(database)
    await hear(database, held(kind="consistency"))
    await follow(database)
    told = await current(database)
    assert (told["version"], told["aqi"]) == (2, 122)
    assert told["reason"]["en"] == "Station A01 PM2.5: withheld, an analyst decides. AQI 120 → 122"
    (entry,) = told["snapshot"]["left_out"]
    assert (entry["slug"], entry["value"]) == ("withheld", None)
    assert entry["reason"] == {
        "zh": f"暂缓发布，待质控人员决定，期限 {DUE}",
        "en": f"withheld, an analyst decides by {DUE} Beijing time",
    }
    (line,) = [one for one in told["snapshot"]["lineage"] if one["left_out"]]
    assert (line["series"], line["value"], line["used"]) == (6, None, False)
    await hear(database, decided())
    await follow(database)
    told = await current(database)
    assert (told["version"], told["aqi"], told["snapshot"]["left_out"]) == (3, 120, [])
    assert "质控人员已作出决定" in told["reason"]["zh"]


OUTCOMES = [
    ({}, 3, None),
    ({"tests": 0}, 3, "suspect"),
    ({}, 4, "bad"),
    ({"released": (6,)}, 3, None),
    ({"released": (7,)}, 1, "kept-out"),
    ({"decision": "keep-out"}, 1, "kept-out"),
    ({"decision": "lifted"}, 1, None),
    ({"decision": "lifted"}, 3, "suspect"),
]


async def test_a_decision_covers_what_it_names_whatever_comes_first(database: FreshDatabase) -> None:
    await hear(database, site("A01"))
    expected, hours = {}, 0
    for given, verdict, slug in OUTCOMES:
        for order in permutations(range(3)):
            at = HOUR + timedelta(hours=hours)
            figure = assessed("A01", PM25, at=at, verdict=verdict, tests=1)
            events = [figure, held(hours=hours), decided(**given, hours=hours)]
            await hear(database, *(events[place] for place in order))
            expected[at] = slug
            hours += 1
    async with database.writer() as session:
        found = await public_figures(session, ["A01"], HOUR, HOUR + timedelta(hours=hours))
    assert {figure.ts: left_out(figure) for figure in found} == expected

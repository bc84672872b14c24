"""Validity, emissions, marks and warnings over HTTP: by clause, and for whom the policy says."""

from datetime import UTC, datetime, timedelta

import policy
import pytest
from qc.rules.validity.warnings import warning_rules
from qc_scene import HOUR, MINUTE, PACK, Lane, ref

ANALYST = "ee.mon/qc.analyst@131000"
REVIEWER = "ee.mon/qc.reviewer@131000"
OFFICER = "ee.enf/case.officer@131000"
READER = "ee/data.read@131000"
ELSEWHERE = "ee.mon/qc.analyst@131100"
UNIT = "unit/data.submit@131000"
USCC = "91131000MA0000001X"
# A legal day begins at 16:00 UTC.
MIDNIGHT = datetime(2026, 11, 8, 16, tzinfo=UTC)
DAY0 = int(MIDNIGHT.timestamp() * 1000)
STACK = {"site": "131000-P01", "site_kind": "outlet", "element": "waste_gas", "unit": "mg/m3", "decimals": 1}
DRAIN = {"site": "131000-W01", "site_kind": "outlet", "element": "waste_water", "unit": "mg/L", "decimals": 1}
SO2 = ref(10, "a21026", **STACK, permit_limit=35.0)
SO2_MIN = ref(11, "a21026", "min", **STACK)
SO2_DAY = ref(12, "a21026", "day", **STACK, permit_limit=30.0)
GAS_FLOW = ref(13, "a00000", **STACK | {"unit": "m3/h", "decimals": 0})
SO2_COU = ref(14, "a21026", "day", statistic="cou", **STACK | {"unit": "kg", "decimals": 2})
SO2_ZS = ref(15, "a21026", basis="converted", **STACK, permit_limit=35.0)
O2 = ref(16, "a19001", **STACK | {"unit": "%"})
COD = ref(20, "w01018", **DRAIN)
WATER_FLOW = ref(21, "w00000", **DRAIN | {"unit": "L/s", "decimals": 2})
COD_DAY = ref(22, "w01018", "day", **DRAIN)
PM25 = ref(30)
CADMIUM = ref(40, "w20115", "day", element="soil", site="131000-S01", unit="mg/kg", decimals=2)
GAMMA = ref(41, "r01001", element="radiation", site="131000-R01", unit="nGy/h", decimals=1)


def iso(hours: float = 0) -> str:
    return (MIDNIGHT + timedelta(hours=hours)).isoformat()


def rows(series, values, first: int = 0, step: int = HOUR):
    return [(series, DAY0 + (first + i) * step, value) for i, value in enumerate(values)]


def minutes(hour: int, mean: float, count: int):
    """`count` minutes around the mean, alternately a tenth above and below it."""
    return [(SO2_MIN, DAY0 + hour * HOUR + m * MINUTE, mean + (0.1 if m % 2 else -0.1)) for m in range(count)]


def wavy(count: int, level: float = 20.0) -> list[float]:
    return [level + (i * 7 % 11) / 10 for i in range(count)]


@pytest.fixture
def ask(client, tokens):
    async def get(path: str, who: str = ANALYST, status: int = 200, **params):
        more = {"uscc": USCC, "org_type": "org"} if who.startswith("unit") else {}
        answer = await client.get(path, params=params or None, headers=tokens.bearer(who, **more))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


async def test_a_day_of_flue_gas_says_which_clause_it_lacks_and_by_how_much(lane: Lane, ask):
    await lane.send(rows(SO2, wavy(24) + wavy(19)))
    answer = await ask("/validity/10", **{"from": iso(), "to": iso(48)})
    first, second = answer["items"]
    assert (answer["profile"], answer["next"], first["from"]) == (
        "flue-gas",
        None,
        "2026-11-09T00:00:00+08:00",
    )
    assert (first["state"], first["have"], first["due"], first["reasons"]) == ("valid", 24, 24, [])
    assert first["value"] == pytest.approx(sum(wavy(24)) / 24)
    assert first["clauses"] == ["hj75-day"] and first["unchecked_hours"] == 24
    assert (second["state"], second["value"]) == ("invalid", None)
    (reason,) = second["reasons"]
    assert (reason["clause"], reason["have"], reason["required"], reason["lacking"]) == (
        "hj75-day",
        19,
        20,
        1,
    )
    assert (
        "19 valid hours" in reason["text_en"]
        and "缺 1 个" in reason["text_zh"]
        and "HJ 75" in reason["source"]
    )


async def test_an_hour_with_44_valid_minutes_is_invalid_and_spoils_its_day(lane: Lane, ask):
    for hour in range(20):
        await lane.send(minutes(hour, 20 + hour / 10, 44 if hour == 7 else 45))
    await lane.send(rows(SO2, [20 + hour / 10 for hour in range(20)]))
    hours = (await ask("/validity/10", period="hour", **{"from": iso(), "to": iso(20)}))["items"]
    assert [h["state"] for h in hours] == ["valid"] * 7 + ["invalid"] + ["valid"] * 12
    assert (hours[7]["reasons"][0]["clause"], hours[7]["reasons"][0]["lacking"]) == ("hj75-hour", 1)
    assert all(h["is_checked"] for h in hours)
    (day,) = (await ask("/validity/10", **{"from": iso(), "to": iso(24)}))["items"]
    assert (day["state"], day["have"], day["unchecked_hours"]) == ("invalid", 19, 0)


async def test_an_hour_that_is_not_the_mean_of_its_minutes_is_shown_beside_it(lane: Lane, ask):
    await lane.send([*minutes(0, 41.3, 60), *minutes(1, 41.3, 60), *rows(SO2, [41.3, 44.0])])
    good, bad = (await ask("/validity/10", period="hour", **{"from": iso(), "to": iso(2)}))["items"]
    assert [one["differs"] for one in good["recomputed"]] == [False]
    (told,) = bad["recomputed"]
    assert (told["item"], told["reported"], told["differs"]) == ("hour-mean", 44.0, True)
    assert told["recomputed"] == pytest.approx(41.3) and told["difference"] == pytest.approx(2.7)
    assert told["allowed"] == pytest.approx(0.2065)


async def test_exceedance_is_by_the_permit_and_by_the_periods_own_limit(lane: Lane, ask):
    await lane.send([*rows(SO2, [*wavy(23), 52.5]), (SO2_DAY, DAY0, 21.9)])
    hours = (await ask("/validity/10", period="hour", **{"from": iso(22), "to": iso(24)}))["items"]
    assert [h["exceedance"]["state"] for h in hours] == ["within", "above"]
    assert (hours[1]["exceedance"]["limit"], hours[1]["exceedance"]["multiple"]) == (35.0, 0.5)
    (day,) = (await ask("/validity/10", **{"from": iso(), "to": iso(24)}))["items"]
    assert (day["exceedance"]["limit"], day["exceedance"]["state"]) == (30.0, "within")
    (told,) = day["recomputed"]
    exact = (sum(wavy(23)) + 52.5) / 24
    assert told["recomputed"] == pytest.approx(exact) and told["differs"] == (
        abs(exact - 21.9) > told["allowed"]
    )


async def test_a_mark_above_the_range_is_a_presumed_exceedance(lane: Lane, ask):
    await lane.send(rows(SO2, [36.0]), flag="T")
    (hour,) = (await ask("/validity/10", period="hour", **{"from": iso(), "to": iso(1)}))["items"]
    assert (hour["state"], hour["code"], hour["exceedance"]["state"]) == ("invalid", 4, "presumed")
    assert hour["reasons"][0]["clause"] == "verdict"


async def test_ambient_air_is_held_against_gb_3095_of_its_day_and_zone(lane: Lane, ask):
    await lane.send(rows(PM25, [round(v) for v in wavy(24, 61.0)]))
    window = {"from": iso(), "to": iso(24)}
    (second,) = (await ask("/validity/30", **window))["items"]
    (first,) = (await ask("/validity/30", zone="1", **window))["items"]
    assert (second["exceedance"]["limit"], first["exceedance"]["limit"]) == (60.0, 35.0)
    assert "GB 3095-2026" in second["exceedance"]["source"]
    (hour,) = (await ask("/validity/30", period="hour", **{"from": iso(), "to": iso(1)}))["items"]
    assert hour["exceedance"] is None


async def test_waste_water_is_weighted_by_flow_and_due_only_while_it_flows(lane: Lane, ask):
    flow = [10.0, 30.0, 20.0] * 4 + [0.0] * 12
    await lane.send([*rows(COD, [42.0, 55.0, 38.0] * 3), *rows(WATER_FLOW, flow), (COD_DAY, DAY0, 45.0)])
    await lane.send(rows(COD, [40.0] * 12, 12))
    (day,) = (await ask("/validity/20", **{"from": iso(), "to": iso(24)}))["items"]
    assert (day["state"], day["have"], day["due"]) == ("valid", 9, 12)
    assert day["value"] == pytest.approx(47.1667, abs=1e-3)
    assert [one["differs"] for one in day["recomputed"]] == [False]  # 45.00 is the plain mean: lawful, too
    (hour,) = (await ask("/validity/20", period="hour", **{"from": iso(12), "to": iso(13)}))["items"]
    assert (hour["state"], hour["reasons"][0]["clause"]) == ("invalid", "no-flow")


async def test_converted_hours_stand_beside_raw_hours_at_the_reference_oxygen(lane: Lane, ask):
    await lane.send([*rows(SO2, [28.0, 28.0]), *rows(O2, [8.5, 20.9]), *rows(SO2_ZS, [33.6, 28.0])])
    window = {"from": iso(), "to": iso(2), "period": "hour"}
    hours = (await ask("/validity/15", plant="coal-boiler-power", **window))["items"]
    assert [one["recomputed"] for one in hours[0]["recomputed"]] == [33.6]
    assert [one["differs"] for one in hours[0]["recomputed"]] == [False]
    assert hours[1]["recomputed"] == []
    wrong = (await ask("/validity/15", plant="gas-turbine", **window))["items"][0]["recomputed"]
    assert [one["differs"] for one in wrong] == [True]
    assert (await ask("/validity/15", plant="bakery", status=422))["type"] == "/problems/plant-unknown"


async def test_pages_follow_each_other_and_cover_every_period(lane: Lane, ask):
    await lane.send(rows(SO2, wavy(24 * 5)))
    seen, cursor = [], {}
    for _ in range(3):
        page = await ask("/validity/10", limit=2, **{"from": iso(), "to": iso(120)}, **cursor)
        seen += [item["from"] for item in page["items"]]
        cursor = {"cursor": page["next"]}
    assert page["next"] is None and len(seen) == len(set(seen)) == 5 and seen == sorted(seen)
    (month,) = (await ask("/validity/10", period="month", **{"from": iso(), "to": iso(120)}))["items"]
    assert (month["state"], month["have"], month["due"], month["reasons"][0]["clause"]) == (
        "invalid", 5, 30, "hj75-month",
    )  # fmt: skip
    (year,) = (await ask("/validity/10", period="year", **{"from": iso(), "to": iso(120)}))["items"]
    assert (year["state"], year["clauses"]) == ("no-clause", [])
    (quarter,) = (await ask("/validity/10", period="quarter", **{"from": iso(), "to": iso(120)}))["items"]
    assert (quarter["reasons"][0]["have"], quarter["reasons"][0]["required"]) == (120, 1656)
    for end in ("2001-02-01", "0003-01-01"):
        before = await ask("/validity/10", **{"from": "0002-01-01", "to": end})
        assert (before["items"], before["next"]) == ([], None)
    # What has not begun yet is neither valid nor invalid.
    (forever,) = (await ask("/validity/10", period="year", limit=1, **{"from": iso(), "to": "9998-01-01"}))[
        "items"
    ]
    assert forever["from"] == "2026-01-01T00:00:00+08:00"
    assert (
        len((await ask("/validity/10", period="year", **{"from": iso(), "to": "9998-01-01"}))["items"]) <= 2
    )


async def test_late_values_change_the_answer_at_once(lane: Lane, ask):
    await lane.send(rows(SO2, wavy(19)))
    window = {"from": iso(), "to": iso(24)}
    assert (await ask("/validity/10", **window))["items"][0]["state"] == "invalid"
    await lane.send(rows(SO2, [20.5], 19), mode="late")
    assert (await ask("/validity/10", **window))["items"][0]["state"] == "valid"


async def test_masses_are_made_anew_beside_the_sum_and_gaps_are_filled_apart(lane: Lane, ask):
    values = [*[30.0 + (i * 7 % 11) / 10 for i in range(40)], None, None, *wavy(30)]
    flow = [200_000.0 + i for i in range(72)]
    await lane.send(
        [*rows(SO2, values), *rows(GAS_FLOW, flow), (SO2_COU, DAY0, 146.4), (SO2_COU, DAY0 + 48 * HOUR, 50.0)]
    )
    answer = await ask("/emissions/10", **{"from": iso(), "to": iso(72)})
    one, two, three = answer["items"]
    kg = [v * q * 1e-6 if v is not None else 0.0 for v, q in zip(values, flow, strict=True)]
    assert one["measured"] == pytest.approx(sum(kg[:24])) and one["substituted"] is None
    assert (one["reported"], one["recomputed"][0]["differs"]) == (
        146.4,
        abs(sum(kg[:24]) - 146.4) > 0.05 * sum(kg[:24]),
    )
    assert three["recomputed"][0]["differs"]
    assert two["measured"] == pytest.approx(sum(kg[24:48])) and two["recomputed"] == []
    assert [(day["hours_with_mass"], day["hours"]) for day in answer["items"]] == [
        (24, 24),
        (22, 24),
        (24, 24),
    ]
    assert two["substituted"] == pytest.approx(2 * max(kg[:40])) and two["substituted_parts"] == 2
    (line,) = two["substitutions"]
    assert line["kg_each"] == pytest.approx(max(kg[:40])) and "180" in line["text_en"]
    assert line["from"] == "2026-11-10T16:00:00+08:00" and line["to"] == "2026-11-10T18:00:00+08:00"
    assert two["with_substitution"] == pytest.approx(two["measured"] + two["substituted"])
    codes = await lane.codes(SO2)
    assert codes[DAY0 + 40 * HOUR][0] == 9


async def test_hours_off_the_hour_and_a_long_silence_break_nothing(lane: Lane, ask):
    old = -300 * 24
    for conc, flow in ((SO2, GAS_FLOW), (COD, WATER_FLOW)):
        begun = [(one, DAY0 + old * HOUR + 17 * MINUTE, 10.0) for one in (conc, flow)]
        await lane.send([*begun, *rows(conc, [10.0] * 3, old + 1), *rows(flow, [10.0] * 3, old + 1)])
        for period in ("day", "month", "quarter", "year"):
            for begin in (old, -24 * 20):
                window = {"from": iso(begin), "to": iso(begin + 48), "period": period}
                for path in ("validity", "emissions"):
                    page = await ask(f"/{path}/{conc.id}", **window)
                    assert all(item["from"] < item["to"] for item in page["items"])


async def test_flows_in_other_units_give_the_same_mass(lane: Lane, ask):
    await lane.send([*rows(COD, [50.0] * 24), *rows(WATER_FLOW, [10.0] * 24)])
    (day,) = (await ask("/emissions/20", **{"from": iso(), "to": iso(24)}))["items"]
    assert day["measured"] == pytest.approx(24 * 1.8)
    other = ref(23, "w21003", **DRAIN | {"unit": "ug/L", "site": "131000-W02"})
    flow = ref(24, "w00000", **DRAIN | {"unit": "m3/h", "site": "131000-W02"})
    await lane.send([*rows(other, [50_000.0] * 24), *rows(flow, [36.0] * 24)])
    (day,) = (await ask("/emissions/23", **{"from": iso(), "to": iso(24)}))["items"]
    assert day["measured"] == pytest.approx(24 * 1.8)


async def test_who_may_see_validity_and_who_the_audit_of_marks(lane: Lane, ask, client):
    await lane.send([*rows(SO2, wavy(3)), *rows(GAS_FLOW, [1.0] * 3), *rows(CADMIUM, [0.1])])
    for path in ("/validity/10", "/emissions/10", "/warnings/40"):
        for who in (ANALYST, REVIEWER, OFFICER, READER, UNIT):
            await ask(path, who)
        await ask(path, ELSEWHERE, 403)
        assert (await client.get(path)).status_code == 401
    for who in (ANALYST, REVIEWER, OFFICER):
        await ask("/marks/10", who)
    for who in (UNIT, READER, ELSEWHERE):
        await ask("/marks/10", who, 403)


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/validity/99", 404, "series-unknown"),
        ("/validity/99999999999999999999999", 404, "series-unknown"),
        ("/validity/abc", 422, "input-invalid"),
        ("/validity/10?period=week", 422, "input-invalid"),
        ("/validity/10?zone=3", 422, "input-invalid"),
        ("/validity/10?from=yesterday", 422, "not-an-instant"),
        ("/validity/10?from=2026-11-12&to=2026-11-11", 422, "window-empty"),
        ("/validity/10?cursor=soon", 422, "not-an-instant"),
        ("/validity/10?to=0001-01-01T00:00:00%2B08:00", 422, "not-an-instant"),
        ("/validity/12", 404, "hours-unknown"),
        ("/emissions/30", 404, "flow-unknown"),
        ("/marks/10?edition=hj212-1999", 422, "edition-unknown"),
        ("/marks/10?from=2026-01-01&to=2026-11-11", 422, "window-long"),
        ("/warnings/10", 422, "element-unfit"),
        ("/warnings/42", 422, "unit-unfit"),
        ("/warnings/43", 422, "soil-unknown"),
    ],
)
async def test_a_question_that_has_no_answer_says_why(lane: Lane, ask, path, status, slug):
    lone = ref(12, "a21026", "day", **STACK | {"site": "131000-P09"})
    wet = ref(42, "w20115", "day", element="soil", site="131000-S02", unit="mg/L")
    odd = ref(43, "w01018", "day", element="soil", site="131000-S02", unit="mg/kg")
    await lane.send(
        [*rows(SO2, [1.0]), *rows(PM25, [1.0]), (lone, DAY0, 1.0), (wet, DAY0, 1.0), (odd, DAY0, 1.0)]
    )
    assert (await ask(path, status=status))["type"] == f"/problems/{slug}"


async def test_LF_36_automatic_data_are_never_approved(lane: Lane, client, tokens):
    await lane.send(rows(SO2, wavy(24)))
    doors = {(door.method, door.path) for door in policy.load().routes if door.service == "qc"}
    assert ("GET", "/validity/{series}") in doors
    # What is written concerns instruments, people and messages, never a value or the verdict on it.
    judged = {"verdicts", "explain", "validity", "emissions", "marks", "warnings", "correlations"}
    assert not [path for method, path in doors if method != "GET" and path.split("/")[1] in judged]
    for verb in ("approve", "review", "audit", "accept"):
        for path in (f"/verdicts/10/{verb}", f"/validity/10/{verb}", f"/marks/10/{verb}"):
            answer = await client.post(path, json={}, headers=tokens.bearer(REVIEWER))
            assert answer.status_code in (404, 405), path
    window = {"from": iso(), "to": iso(24)}
    answer = await client.get("/validity/10", params=window, headers=tokens.bearer(REVIEWER))
    assert answer.json()["items"][0]["state"] == "valid"


async def test_NT_07_a_mark_of_standstill_while_gas_flows_is_found(lane: Lane, ask):
    await lane.send([*rows(GAS_FLOW, [0.0, 210_000.0, 215_000.0, 0.0])])
    await lane.send(rows(SO2, [25.0, 26.0]), flag="F")
    await lane.send(rows(SO2, [25.0, 26.0], 2), flag="N")
    await lane.send([(SO2_MIN, DAY0 + 2 * HOUR + m * MINUTE, 25.0) for m in range(45)], flag="M")
    answer = await ask("/marks/10", OFFICER, **{"from": iso(), "to": iso(4)})
    assert [(one["mark"], one["count"], one["share"]) for one in answer["marks"]] == [
        ("F", 2, 0.5),
        ("N", 2, 0.5),
    ]
    found = {item["ts"][11:13]: item for item in answer["items"]}
    assert set(found) == {"01", "02"} and answer["contradictory"] == 2
    (stopped,) = found["01"]["contradictions"]
    assert (stopped["kind"], found["01"]["flow"]) == ("runs_while_stopped", 210_000.0)
    assert "流量" in stopped["text_zh"] and "25(5)" in stopped["source"]
    assert [c["kind"] for c in found["02"]["contradictions"]] == ["normal_over_abnormal"]
    page = await ask("/marks/10", OFFICER, limit=1, **{"from": iso(), "to": iso(4)})
    rest = await ask("/marks/10", OFFICER, cursor=page["next"], **{"from": iso(), "to": iso(4)})
    assert [*page["items"], *rest["items"]] == answer["items"] and rest["next"] is None


async def test_UN_09_soil_warns_of_a_rise_below_the_limit_and_of_exceedance(lane: Lane, ask):
    years = [
        (CADMIUM, DAY0 - (6 - i) * 365 * 24 * HOUR, v) for i, v in enumerate([0.10, 0.12, 0.15, 0.19, 0.22])
    ]
    await lane.send(years)
    rising = await ask("/warnings/40", READER, to=iso(24))
    assert (rising["trend_warning"], rising["exceedance_warning"]) == (True, False)
    assert rising["screening"] == 0.3 and rising["trend"]["slope_per_year"] == pytest.approx(0.03, abs=1e-3)
    assert 2 < rising["trend"]["years_to_screening"] < 3
    assert (
        rising["densified_monitoring"]["times"] == 2 and "2 倍" in rising["densified_monitoring"]["text_zh"]
    )
    await lane.send([(CADMIUM, DAY0, 0.34)])
    above = await ask("/warnings/40", READER, to=iso(24))
    assert (above["exceedance_warning"], above["items"][-1]["level"]) == (True, 1)
    industrial = await ask("/warnings/40", READER, to=iso(24), land="industrial")
    assert (industrial["exceedance_warning"], industrial["screening"]) == (False, 65)
    page = await ask("/warnings/40", READER, to=iso(24), limit=4)
    rest = await ask("/warnings/40", READER, to=iso(24), limit=4, cursor=page["next"])
    assert [*page["items"], *rest["items"]] == above["items"] and rest["next"] is None


async def test_UN_10_a_dose_rate_above_its_threshold_is_an_alarm(lane: Lane, ask):
    base = [100.0 + (4.0 if i % 2 else -4.0) for i in range(400)]
    await lane.send(rows(GAMMA, base, -400))
    await lane.send(rows(GAMMA, [103.0, 118.0, 1200.0]))
    told = await ask("/warnings/41", ANALYST, **{"from": iso(), "to": iso(3)})
    assert [(one["value"], one["state"]) for one in told["items"]] == [
        (118.0, "investigate"),
        (1200.0, "alarm"),
    ]
    assert (told["alarms"], told["alarm"], told["unit"]) == (1, 1000.0, "nGy/h")
    assert told["items"][1]["text_zh"] and "IAEA" in told["source"]
    (alarm,) = (await ask("/alarms", OFFICER, rule="dose-rate"))["items"]
    assert (alarm["value"], alarm["threshold"], alarm["severity"]) == (1200.0, 1000.0, "inform")


async def test_UN_11_an_hour_above_the_permit_is_an_alarm_when_it_arrives(lane: Lane, ask):
    await lane.send(rows(SO2, [25.0, 35.0, 52.5]))
    (alarm,) = (await ask("/alarms", OFFICER, rule="limit"))["items"]
    assert (alarm["value"], alarm["threshold"], alarm["site"]) == (52.5, 35.0, "131000-P01")
    assert "17.5" in alarm["message_en"] and "超过排放限值" in alarm["message_zh"]
    raised = datetime.fromisoformat(alarm["raised_at"])
    assert abs(lane.clock() - raised) < timedelta(minutes=1)
    assert [one["id"] for one in (await ask("/alarms", UNIT, rule="limit"))["items"]] == [alarm["id"]]
    assert (await ask("/alarms", ELSEWHERE, rule="limit"))["items"] == []
    # It is the plant that is at fault, not the value; and what does not count exceeds nothing.
    assert (await lane.codes(SO2))[DAY0 + 2 * HOUR][0] == 1
    await lane.send(rows(SO2, [60.0], 48), flag="M")
    assert len((await ask("/alarms", OFFICER, rule="limit"))["items"]) == 1


async def test_the_alarm_level_of_radiation_is_one_figure():
    (rule,) = warning_rules().radiation
    assert PACK.named("dose-rate").parameters[0].set == {"limit": rule.alarm}

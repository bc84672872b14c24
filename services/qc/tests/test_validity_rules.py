"""Marks, completeness, recomputation, substitution, exceedance, warnings: what they promise on any data."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qc.rules.falsify.panel import DAY_MS, HOUR_MS
from qc.rules.validity import audit, exceedance, recompute, warnings
from qc.rules.validity.completeness import NO_CLAUSE, Parts, clauses_for, judged, told
from qc.rules.validity.dated import legal_day_ms
from qc.rules.validity.marks import mark_rules, rolled_up, standings
from qc.rules.validity.periods import number_of, parts_in, start_ms
from qc.rules.validity.substitution import NOT_DUE, OTHER, OUT_OF_CONTROL, VALID, substituted, substitutions

RULES = mark_rules()
E2017 = RULES.edition("hj212-2017")
BEGIN = legal_day_ms(date(2026, 1, 1))
LETTERS = [ord(letter) for letter in "NFMSDCTBQ"] + [0]


def points(letters: str) -> np.ndarray:
    return np.array([0 if letter == "-" else ord(letter) for letter in letters], dtype=np.int64)


def roll(letters: str, medium: str) -> str:
    flag = points(letters)
    done = rolled_up(np.zeros(len(flag), dtype=np.int64), flag, 1, RULES.roll_up(medium), E2017)
    return chr(done.mark[0])


def test_what_a_mark_says_depends_on_the_edition():
    assert standings(points("NTBPQ-"), E2017).tolist() == [1, 4, 9, 3, 3, 2]
    assert standings(points("NTBPQ-"), RULES.edition("hj212-2005")).tolist() == [1, 4, 3, 9, 3, 2]
    assert standings(np.array([-1]), E2017).tolist() == [3]
    with pytest.raises(KeyError, match="no edition hj212-1999"):
        RULES.edition("hj212-1999")


@pytest.mark.parametrize(
    ("letters", "gas", "water"),
    [("NNNC", "N", "C"), ("NNCC", "D", "C"), ("NNN-", "N", "N"), ("MMDN", "D", "M"), ("NQ", "D", "Q")],
)
def test_gas_needs_three_quarters_and_water_all(letters, gas, water):
    assert (roll(letters, "gas"), roll(letters, "water")) == (gas, water)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(LETTERS)), max_size=60),
    st.randoms(use_true_random=False),
)
def test_a_roll_up_does_not_depend_on_order(inputs, rng):
    shuffled = list(inputs)
    rng.shuffle(shuffled)
    for medium in ("gas", "water"):
        rule = RULES.roll_up(medium)
        columns = [np.array(rows, dtype=np.int64).reshape(-1, 2).T for rows in (inputs, shuffled)]
        one, other = (rolled_up(group, flag, 5, rule, E2017) for group, flag in columns)
        assert one.mark.tolist() == other.mark.tolist()
        assert (one.normal <= one.total).all() and one.total.sum() == len(inputs)
        if medium == "water":
            assert ((one.mark == ord("N")) == ((one.normal == one.total) & (one.total > 0))).all()


def hours(day: int, valid: int) -> Parts:
    ts = BEGIN + day * DAY_MS + np.arange(24) * HOUR_MS
    return Parts.plain("hour", ts, np.arange(24) < valid)


@pytest.mark.parametrize(
    ("profile", "factor", "enough"),
    [
        ("flue-gas", "a21026", 20),
        ("ambient-air", "a34004", 20),
        ("waste-water", "w01018", 18),
        ("ambient-air", "a34001", 24),
    ],
)
def test_a_day_lacks_what_its_clause_says(profile, factor, enough):
    asked = clauses_for(profile, factor, "day")
    number = number_of("day", np.array([BEGIN]))
    for have in (enough - 1, enough):
        done = judged("day", number, hours(0, have), asked)
        assert done.state.tolist() == [int(have == enough)]
        assert (done.have.tolist(), done.due.tolist()) == ([have], [24])
    short = told(judged("day", number, hours(0, enough - 1), asked).met[0], 0)
    assert (short["required"], short["lacking"]) == (enough, 1)
    assert f"{enough - 1} valid hours" in short["text_en"] and "缺 1 个" in short["text_zh"]


def test_waste_water_is_due_only_while_a_shutdown_is_not_registered():
    ts = BEGIN + np.arange(24) * HOUR_MS
    exempt = np.arange(24) >= 12
    parts = Parts("hour", ts, np.arange(24) < 9, exempt)
    done = judged("day", number_of("day", ts[:1]), parts, clauses_for("waste-water", "w01018", "day"))
    assert (done.state.tolist(), done.have.tolist(), done.due.tolist()) == ([1], [9], [12])
    all_exempt = Parts("hour", ts, np.zeros(24, dtype=bool), np.ones(24, dtype=bool))
    nothing = judged("day", number_of("day", ts[:1]), all_exempt, clauses_for("waste-water", "w01018", "day"))
    assert (nothing.state.tolist(), nothing.due.tolist()) == ([NO_CLAUSE], [0])


def test_a_year_of_324_days_needs_every_month_too():
    days = BEGIN + np.arange(365) * DAY_MS
    asked = clauses_for("ambient-air", "a34004", "year")
    number = number_of("year", days[:1])

    def state(missing) -> int:
        valid = np.ones(365, dtype=bool)
        valid[missing] = False
        return judged("year", number, Parts.plain("day", days, valid), asked)

    assert state(slice(0, 4)).state.tolist() == [1]
    january = state(slice(0, 5))
    assert january.state.tolist() == [0]
    worst = next(m for m in january.met if m.clause.each_month)
    assert (worst.month.tolist(), worst.have.tolist(), worst.required.tolist()) == ([1], [26], [27])
    assert "month 1" in told(worst, 0)["text_en"] and "1 月" in told(worst, 0)["text_zh"]
    assert state(slice(31, 34)).state.tolist() == [1]  # February: 25 of 28 are enough
    assert state(slice(31, 35)).state.tolist() == [0]
    spread = np.arange(0, 365, 8)[:42]
    assert state(spread).met[0].have.tolist() == [323]
    assert state(spread).state.tolist() == [0]


def test_months_of_flue_gas_need_25_days_and_february_23():
    days = BEGIN + np.arange(59) * DAY_MS
    valid = np.ones(59, dtype=bool)
    valid[:6] = False
    valid[31:36] = False
    number = number_of("month", np.array([BEGIN, days[40]]))
    done = judged(
        "month", number, Parts.plain("day", days, valid), clauses_for("flue-gas", "a21026", "month")
    )
    assert (done.state.tolist(), done.have.tolist(), done.due.tolist()) == ([1, 1], [25, 23], [31, 28])


def test_before_a_clause_is_in_force_nothing_is_judged():
    ts = legal_day_ms(date(2017, 6, 1)) + np.arange(24) * HOUR_MS
    done = judged(
        "day", number_of("day", ts[:1]), Parts.plain("hour", ts, np.ones(24, dtype=bool)),
        clauses_for("flue-gas", "a21026", "day"),
    )  # fmt: skip
    assert done.state.tolist() == [NO_CLAUSE]


@given(st.lists(st.tuples(st.integers(0, 24 * 70), st.booleans(), st.booleans()), max_size=200))
def test_never_more_valid_hours_than_hours(rows):
    rows = list({at: (at, v, e) for at, v, e in rows}.values())
    ts = BEGIN + np.array([r[0] for r in rows], dtype=np.int64) * HOUR_MS
    parts = Parts("hour", ts, np.array([r[1] for r in rows], bool), np.array([r[2] for r in rows], bool))
    for period in ("day", "month", "quarter", "year"):
        number = np.unique(number_of(period, ts))
        done = judged(period, number, parts, clauses_for("flue-gas", "a21026", period))
        assert (done.have <= done.due).all()
        assert (done.due <= parts_in(period, "hour", number)).all()
        assert done.have.sum() == sum(v and not e for _, v, e in rows)
        assert (start_ms(period, number) <= done.start).all()


@given(st.integers(0, 2**41))
def test_an_instant_lies_in_its_period(at):
    for period in ("hour", "day", "month", "quarter", "year"):
        number = number_of(period, np.array([at]))
        assert start_ms(period, number)[0] <= at < start_ms(period, number + 1)[0]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e4), st.floats(0, 1e3), st.booleans()), max_size=80),
    st.randoms(use_true_random=False),
)
def test_means_are_their_definition_in_any_order(rows, rng):
    shuffled = list(rows)
    rng.shuffle(shuffled)
    results = []
    for given_rows in (rows, shuffled):
        group = np.array([r[0] for r in given_rows], dtype=np.int64)
        value, flow = np.array([r[1] for r in given_rows]), np.array([r[2] for r in given_rows])
        valid = np.array([r[3] for r in given_rows], bool)
        plain = recompute.plain_means(group, 4, value, valid)
        weighted = recompute.weighted_means(group, 4, value, flow, valid)
        results.append((plain.value.tobytes(), weighted.value.tobytes(), plain.count.tolist()))
    assert results[0] == results[1]
    for g in range(4):
        own = [r for r in rows if r[0] == g and r[3]]
        assert plain.count[g] == len(own)
        if own:
            assert plain.value[g] == pytest.approx(sum(r[1] for r in own) / len(own), abs=1e-6)
        flowing = [r for r in own if r[2] > 0]
        total = sum(r[2] for r in flowing)
        if total > 0:
            exact = sum(r[1] * r[2] / total for r in flowing)
            assert weighted.value[g] == pytest.approx(exact, rel=1e-9, abs=1e-9)
        else:
            assert np.isnan(weighted.value[g])


def test_a_report_may_be_any_lawful_mean_and_no_other():
    allowed = recompute.tolerance("hour-mean", "water", date(2026, 11, 21))
    reported = np.array([47.2, 45.0, 46.0, 47.2])
    lawful = (np.full(4, 47.1667), np.full(4, 45.0))
    enough = np.array([True, True, True, False])
    done = recompute.compared(reported, lawful, enough, 0.1, allowed)
    assert done.differs.tolist() == [False, False, True, False]
    assert done.ran.tolist() == [True, True, True, False]
    assert done.difference[2] == pytest.approx(1.0)
    assert done.allowed[2] == pytest.approx(0.225)
    with pytest.raises(LookupError, match="no tolerance"):
        recompute.tolerance("hour-mean", "water", date(2010, 1, 1))


def test_masses_add_up_in_any_order():
    rng = np.random.default_rng(4)
    group, value = rng.integers(0, 5, 500), rng.uniform(0, 100, 500)
    value[::50] = np.nan
    order = rng.permutation(500)
    one, other = recompute.sums(group, 5, value), recompute.sums(group[order], 5, value[order])
    assert one.tobytes() == other.tobytes()
    assert one == pytest.approx([np.nansum(value[group == g]) for g in range(5)])
    assert np.isnan(recompute.sums(np.zeros(1, dtype=np.int64), 2, np.array([np.nan]))).all()
    assert recompute.water_mass(np.array([50.0]), np.array([10.0]), 3600) == pytest.approx([1.8])


Q1 = BEGIN + np.arange(2160) * HOUR_MS
TABLE = substitutions()


def quarter(gaps: dict[tuple[int, int], int]):
    """2,160 hours whose mass falls from 3,000 kg by 1 an hour, with gaps [from, to) for a reason."""
    mass, why = 3000.0 - np.arange(2160), np.zeros(2160, dtype=np.int64)
    for (a, b), reason in gaps.items():
        why[a:b] = reason
    return mass, why


@pytest.mark.parametrize(
    ("gaps", "at", "taken_from", "line"),
    [
        ({(1000, 1003): OTHER}, 1001, 820, "hj75-short"),  # the highest of the last 180 is the oldest
        ({(1000, 1025): OTHER}, 1024, 280, "hj75-long"),  # 25 h in a row: 720
        ({(1000, 1024): OTHER}, 1023, 820, "hj75-short"),  # 24 h in a row: still 180
        ({(500, 800): OTHER, (1500, 1501): OTHER}, 1500, 0, "hj75-poor"),  # 86 %: 2,160, as many as there are
        ({(1000, 1004): OTHER, (1004, 1010): OUT_OF_CONTROL}, 1005, 820, "hj75-short"),
    ],
)
def test_a_gap_is_filled_with_the_maximum_its_line_names(gaps, at, taken_from, line):
    mass, why = quarter(gaps)
    before = mass.copy()
    done = substituted(Q1, mass, why, "flue-gas", TABLE)
    assert TABLE[done.line[at]].id == line
    assert (done.taken_from[at], done.mass[at]) == (taken_from, mass[taken_from])
    assert (np.isfinite(done.mass) == (why != VALID)).all()
    assert mass.tobytes() == before.tobytes()


def test_a_quarter_below_75_percent_is_not_substituted_and_a_shutdown_is_not_a_gap():
    mass, why = quarter({(1000, 1600): OTHER})
    done = substituted(Q1, mass, why, "flue-gas", TABLE)
    assert np.isnan(done.mass).all() and done.capture[0] == pytest.approx(100 * 1560 / 2160)
    mass, why = quarter({(1000, 1600): NOT_DUE, (1600, 1602): OTHER})
    done = substituted(Q1, mass, why, "flue-gas", TABLE)
    assert np.isfinite(done.mass).sum() == 2
    assert done.capture[0] == pytest.approx(100 * 1558 / 1560)
    assert np.isnan(substituted(Q1[:3], mass[:3], np.full(3, OTHER), "flue-gas", TABLE).mass).all()


def test_waste_water_takes_the_maximum_of_thirty_valid_days():
    days = BEGIN + np.arange(60) * DAY_MS
    mass, why = 100.0 - np.arange(60), np.zeros(60, dtype=np.int64)
    why[50] = OTHER
    done = substituted(days, mass, why, "waste-water", TABLE)
    assert (done.taken_from[50], done.mass[50]) == (20, 80.0)
    assert TABLE[done.line[50]].id == "hj356-day"


def test_equal_to_the_limit_is_within_and_only_valid_figures_exceed():
    value = np.array([35.0, 52.5, 52.5, 52.5, np.nan])
    valid = np.array([True, True, False, True, False])
    exempt, presumed = np.array([False, False, False, True, False]), np.array([False] * 4 + [True])
    done = exceedance.exceeded(value, valid, 35.0, exempt, presumed)
    assert done.state.tolist() == [1, 2, 0, 3, 4]
    assert done.multiple.tolist() == pytest.approx([np.nan, 0.5, np.nan, 0.5, np.nan], nan_ok=True)
    assert exceedance.exceeded(value, valid, np.nan, exempt, presumed).state.tolist() == [0] * 5


def test_an_incinerator_has_four_hours_at_once_and_sixty_a_year():
    rule = next(e for e in exceedance.exceedance_rules().exemptions if e.id == "incinerator")
    names = ("running", "fault", "start-up")
    ts = BEGIN + np.arange(24 * 400) * HOUR_MS
    plant = np.zeros(len(ts), dtype=np.int64)
    plant[10:16] = 1
    assert np.flatnonzero(exceedance.exempted(ts, plant, names, rule)).tolist() == [10, 11, 12, 13]
    plant[100:200] = 2
    covered = exceedance.exempted(ts, plant, names, rule)
    assert np.flatnonzero(covered)[-1] == 155 and covered.sum() == 60
    plant[24 * 370 : 24 * 370 + 5] = 2  # the next legal year begins anew
    assert exceedance.exempted(ts, plant, names, rule).sum() == 65
    old = legal_day_ms(date(2014, 6, 1)) + np.arange(4) * HOUR_MS
    assert not exceedance.exempted(old, np.full(4, 2), names, rule).any()


WARN = warnings.warning_rules()
CADMIUM = next(s for s in WARN.soil if (s.land, s.factor) == ("farmland", "w20115"))
YEARS = np.array([legal_day_ms(date(y, 6, 1)) for y in range(2021, 2027)], dtype=np.int64)


def test_soil_above_its_values():  # GB 15618-2018: cadmium at pH 7, 0.3 and 3.0
    assert warnings.soil_levels(np.array([0.3, 0.4, 3.0, 3.1]), CADMIUM, WARN.band(7.0)).tolist() == [
        0,
        1,
        1,
        2,
    ]
    assert [WARN.band(ph) for ph in (5.5, 5.6, 6.5, 7.5, 7.6)] == [0, 1, 1, 2, 3]


def test_a_rising_trend_warns_below_the_limit():
    rise = warnings.rising(YEARS[:5], np.array([0.10, 0.12, 0.15, 0.19, 0.22]), 0.3, WARN.trend[-1])
    assert rise.warns and rise.slope == pytest.approx(0.0300, abs=1e-4)
    assert rise.chance == pytest.approx(0.0137, abs=1e-3) and 2 < rise.years_to_limit < 3
    for steady in ([0.20, 0.19, 0.21, 0.20, 0.19, 0.20], [0.2] * 6, [0.3, 0.25, 0.2, 0.15, 0.12, 0.1]):
        assert not warnings.rising(YEARS, np.array(steady), 0.3, WARN.trend[-1]).warns
    run = warnings.rising(YEARS, np.array([0.3, 0.1, 0.11, 0.12, 0.13, 0.14]), 0.3, WARN.trend[-1])
    assert (run.run, run.warns) == (4, True)
    assert not warnings.rising(YEARS[:1], np.array([0.1]), 0.3, WARN.trend[-1]).warns


@given(st.lists(st.floats(0.01, 5), min_size=5, max_size=6), st.randoms(use_true_random=False))
def test_a_trend_does_not_depend_on_the_order_of_arrival(values, rng):
    order = list(range(len(values)))
    rng.shuffle(order)
    ts, value = YEARS[: len(values)], np.array(values)
    one, other = (warnings.rising(ts[o], value[o], 0.3, WARN.trend[-1]) for o in (range(len(values)), order))
    assert one == other


def test_sampling_is_densified_until_two_quiet_results():
    rule = WARN.densified[-1]
    for warned, expected in [
        ([], False),
        ([1], True),
        ([1, 0], True),
        ([1, 0, 0], False),
        ([1, 0, 0, 1, 0], True),
    ]:
        assert warnings.is_densified(np.array(warned, dtype=bool), rule) is expected


def test_dose_rates_are_judged_by_background_and_by_level():
    ts = BEGIN + np.arange(800) * HOUR_MS
    value = 100 + 5 * np.where(np.arange(800) % 2, 1.0, -1.0)
    value[[700, 750, 760]] = [118, 1200, 112]
    done = warnings.dose_rates(ts, value, np.arange(800) != 790, WARN.radiation[-1])
    states = {int(s): np.flatnonzero(done.state == s).tolist() for s in (0, 2, 3)}
    assert states == {0: [790], 2: [700], 3: [750]}
    assert done.threshold[700] == pytest.approx(115, abs=0.1) and np.isnan(done.threshold[:360]).all()


def test_the_audit_counts_marks_and_names_contradictions():
    ts = BEGIN + np.arange(24) * HOUR_MS
    flag = points("N" * 10 + "MMM" + "N" * 7 + "M" + "F" * 3)
    value = np.arange(24, dtype=np.float64)
    first, second, third = audit.shares(ts, flag, value)
    assert (chr(first.mark), first.count, chr(second.mark), second.count) == ("N", 17, "M", 4)
    assert (second.share, second.longest, second.by_hour[[10, 11, 12, 20]].tolist()) == (4 / 24, 3, [1] * 4)
    assert (chr(third.mark), third.high) == ("F", 1.0)
    assert audit.shares(ts[:0], flag[:0], value[:0]) == []
    found = audit.contradictions(
        points("FFNNMN"), np.array([1, 1, np.nan, 1, 1, 1]), np.array([5, 0, 5, 5, 5, np.nan]),
        points("--" + "-DNN"), E2017,
    )  # fmt: skip
    assert np.flatnonzero(found.runs_while_stopped).tolist() == [0]
    assert np.flatnonzero(found.normal_without_value).tolist() == [2]
    assert np.flatnonzero(found.normal_over_abnormal).tolist() == [3]
    assert np.flatnonzero(found.abnormal_over_normal).tolist() == [4]
    assert np.flatnonzero(found.any).tolist() == [0, 2, 3, 4]

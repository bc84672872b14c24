"""Golden figures of the standards, each with its clause, and the columns beside the exact single figures."""

import random
from datetime import date

import numpy as np
import pytest
from qc.rules.validity import conversion, exceedance, recompute
from qc.rules.validity.completeness import clauses, clauses_for
from qc.rules.validity.dated import legal_day, legal_day_ms, parse
from qc.rules.validity.marks import MarkRules, mark_rules
from qc.rules.validity.ozone import daily_maxima, eight_hour_means
from qc.rules.validity.substitution import substitutions
from qc.rules.validity.warnings import warning_rules
from standards import assessment, emission
from standards.tables import rows

ON = date(2026, 11, 21)
RULES = conversion.conversion_rules()
OXYGEN, GAS = RULES.oxygen_on(ON), RULES.state("gas", ON)


def col(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64)


def one(converted) -> float:
    assert converted.state.tolist() == [conversion.DONE]
    return float(converted.value[0])


@pytest.mark.parametrize(
    ("oxygen", "reference", "expected"), [(8.5, 6, 33.60), (12, 9, 37.333333)]
)  # HJ 212-2017 appendix D: C = 28
def test_28_mg_at_reference_oxygen(oxygen, reference, expected):
    assert one(conversion.at_reference_oxygen(col(28), col(oxygen), reference, OXYGEN)) == pytest.approx(
        expected
    )


def test_excess_air_of_eight_and_a_half_percent_is_1_68():  # HJ 212-2017 appendix D
    assert one(conversion.excess_air(col(8.5), OXYGEN)) == pytest.approx(1.68)
    assert one(conversion.at_reference_excess(col(28), col(8.5), 1.4, OXYGEN)) == pytest.approx(33.60)


def test_the_stack_flow_at_the_standard_state():  # HJ 212-2017 appendix D: V 12.5 m/s, F 7.07 m²
    stack = 3600 * 7.07 * 12.5
    assert stack == pytest.approx(318_150)
    flow = one(conversion.dry_standard_flow(col(stack), col(52), col(100_800), col(-150), col(11.2), GAS))
    assert flow == pytest.approx(235_734, abs=0.5)
    assert recompute.gas_mass(28.0, flow) == pytest.approx(6.601, abs=5e-4)


def test_cod_weighted_by_flow_and_plain():  # HJ 212-2017 appendix D
    group, valid = np.zeros(3, dtype=np.int64), np.ones(3, dtype=bool)
    value, flow = col(42, 55, 38), col(10, 30, 20)
    assert recompute.weighted_means(group, 1, value, flow, valid).value[0] == pytest.approx(47.1667, abs=1e-4)
    assert recompute.plain_means(group, 1, value, valid).value.tolist() == [45.0]


@pytest.mark.parametrize(
    ("factor", "medium", "expected"),
    [
        ("a21026", "gas", 2.860),  # HJ 212-2017 appendix D: SO2, 0 °C
        ("a21004", "gas", 2.054),  # NO2
        ("a21003", "gas", 1.339),  # NO
        ("a21026", "ambient", 2.620),  # GB 3095-2026: 298.15 K, µg/m³ per ppb
        ("a21004", "ambient", 1.882),
        ("a05024", "ambient", 1.963),
        ("a21005", "ambient", 1.146),
    ],
)
def test_mass_of_a_ppm(factor, medium, expected):
    assert RULES.per_ppm(factor, medium, ON) == pytest.approx(expected, abs=5.1e-4)


def test_ambient_gases_before_september_2018_are_compared_by_temperature():  # GB 3095-2012 amendment
    old, new = RULES.state("ambient", date(2018, 8, 31)), RULES.state("ambient", date(2018, 9, 1))
    assert conversion.at_state(col(100.0), old, new)[0] == pytest.approx(100 * 273.15 / 298.15)


def test_nitrogen_oxides_count_as_dioxide():  # HJ 212-2017 appendix D
    assert conversion.nitrogen_oxides(col(30), col(4), RULES.nitrogen_oxides[-1]).tolist() == [50.0]


def test_what_cannot_be_converted_says_why():
    oxygen = col(20.9, 21.0, 25.0, np.nan, -0.1, 20.8)
    done = conversion.at_reference_oxygen(np.full(6, 28.0), oxygen, 6, OXYGEN)
    assert done.state.tolist() == [2, 2, 2, 1, 3, 0]
    assert np.isnan(done.value[:5]).all() and done.value[5] == pytest.approx(28 * 15 / 0.2)
    assert conversion.dry(col(10, 10, 10, np.nan), col(100, -1, 50, 5)).state.tolist() == [3, 3, 0, 1]
    cold = conversion.at_standard_state(col(1, 1), col(-273, 20), col(101325, 0), col(0, 0), GAS)
    assert cold.state.tolist() == [3, 3]
    assert set(conversion.REASONS) == {1, 2, 3}


def test_columns_agree_with_the_exact_formulas_on_random_stacks():
    rng = np.random.default_rng(20261121)
    value, oxygen, wet = rng.uniform(0, 300, 400), rng.uniform(0, 20.8, 400), rng.uniform(0, 40, 400)
    celsius, pascal, static = (
        rng.uniform(0, 300, 400),
        rng.uniform(9e4, 1.03e5, 400),
        rng.uniform(-2e3, 2e3, 400),
    )
    columns = [
        conversion.at_reference_oxygen(value, oxygen, 6, OXYGEN).value,
        conversion.at_reference_excess(value, oxygen, 1.4, OXYGEN).value,
        conversion.dry(value, wet).value,
        conversion.at_standard_state(value, celsius, pascal, static, GAS).value,
        conversion.dry_standard_flow(value * 1e3, celsius, pascal, static, wet, GAS).value,
        recompute.gas_mass(value, celsius * 1e3),
    ]
    for i in range(400):
        c, o, w, t, p, s = (float(x[i]) for x in (value, oxygen, wet, celsius, pascal, static))
        exact = [
            emission.at_reference_oxygen(c, o, 6),
            emission.at_reference_excess(c, o, 1.4),
            emission.dry(c, w),
            emission.at_standard_state(c, t, p, s),
            emission.dry_standard_flow(c * 1e3, t, p, s, w),
            emission.gas_mass(c, t * 1e3),
        ]
        assert [float(x[i]) for x in columns] == pytest.approx([float(x) for x in exact], rel=1e-12)


@pytest.mark.parametrize(
    ("profile", "factor", "period", "figures"),
    [
        ("ambient-air", "a21026", "hour", [(45, None, None)]),  # GB 3095 table 4
        ("ambient-air", "a05024", "8h", [(6, None, None)]),  # GB 3095 table 4
        ("ambient-air", "a05024", "day", [(14, None, None)]),  # HJ 663-2013
        ("ambient-air", "a34004", "day", [(20, None, None)]),  # GB 3095 table 4
        ("ambient-air", "a34001", "day", [(24, None, None)]),  # TSP
        ("ambient-air", "a34004", "month", [(27, 25, None)]),
        ("ambient-air", "a34004", "year", [(324, None, None), (27, 25, None)]),
        ("ambient-air", "a20043", "quarter", [(15, None, None)]),
        ("ambient-air", "a34001", "year", [(60, None, None), (5, None, None)]),
        ("flue-gas", "a21026", "hour", [(45, None, None)]),  # HJ 75-2017, HJ 212-2017 D
        ("flue-gas", "a21026", "day", [(20, None, None)]),
        ("flue-gas", "a21026", "month", [(25, 23, None)]),  # HJ 76-2017 B
        ("flue-gas", "a21026", "quarter", [(None, None, 75)]),
        ("waste-water", "w01018", "day", [(None, None, 75)]),  # HJ 356-2019
        ("waste-water", "w01018", "month", [(None, None, 75)]),
        ("waste-water", "w01018", "year", []),
    ],
)
def test_the_numbers_a_period_needs(profile, factor, period, figures):
    asked = clauses_for(profile, factor, period)
    assert [(c.at_least, c.february, c.percent) for c in asked] == figures
    assert all(c.source and c.holds(ON) for c in asked)


def test_the_numbers_are_those_the_assessment_uses():
    for statistic, group, profile, factor in [
        ("hour", "ambient_gas", "ambient-air", "a21026"),
        ("8h", "ozone", "ambient-air", "a05024"),
        ("day", "ambient", "ambient-air", "a34004"),
        ("year", "ambient", "ambient-air", "a34004"),
        ("hour", "flue_gas", "flue-gas", "a21026"),
        ("day", "flue_gas", "flue-gas", "a21026"),
        ("month", "flue_gas", "flue-gas", "a21026"),
    ]:
        asked = clauses_for(profile, factor, statistic)[0]
        assert asked.at_least == assessment.minimum(statistic, group, ON)


def test_mda8_is_that_of_the_assessment_on_random_days():
    rng = random.Random(8)
    days = [
        [None if rng.random() < 0.25 else float(rng.randint(0, 220)) for _ in range(24)] for _ in range(300)
    ]
    hours = np.array([[np.nan if h is None else h for h in day] for day in days])
    found = daily_maxima(hours, 160.0, 6, 14)
    by_excess = 0
    for day, value, good in zip(days, found.value, found.is_valid, strict=True):
        exact = assessment.mda8(day, 160, ON)
        assert bool(good) == (exact is not None)
        assert exact is None or float(value) == pytest.approx(float(exact))
    by_excess = int(found.is_by_excess.sum())
    assert 0 < by_excess < 300
    assert np.isnan(found.value[~found.is_valid]).all()


def test_eight_hour_means_need_six_hours():  # GB 3095 table 4
    hours = np.array([np.nan, np.nan, *[100.0] * 6, np.nan])
    assert eight_hour_means(hours, 6)[[6, 7, 8]].tolist() == pytest.approx(
        [np.nan, 100.0, 100.0], nan_ok=True
    )


def test_the_marks_of_table_8():  # HJ 212-2017 table 8
    edition = mark_rules().edition("hj212-2017")
    assert {mark.letter: mark.standing for mark in edition.marks} == {
        "N": "valid", "F": "invalid", "M": "invalid", "S": "invalid", "D": "invalid", "C": "invalid",
        "T": "invalid", "B": "missing",
    }  # fmt: skip
    assert [m.letter for m in edition.marks if m.presumed_exceedance] == ["T"]
    assert [(r.medium, r.percent, r.otherwise) for r in mark_rules().roll_ups] == [
        ("gas", 75, "D"), ("water", 100, None),  # HJ 212-2017 appendix C notes 16-18
    ]  # fmt: skip


def test_the_table_of_substitution():  # HJ 75-2017, HJ 356-2019
    table = {line.id: line for line in substitutions()}
    assert {id: line.last for id, line in table.items()} == {
        "hj75-short": 180, "hj75-long": 720, "hj75-poor": 2160, "hj356-day": 30,
    }  # fmt: skip


def test_factors_of_seeds_and_soil_are_known_ones():
    known = {row["code"] for row in rows("factors")}
    seeds = {factor for seed in exceedance.exceedance_rules().seeds for factor in seed.limits}
    assert seeds | {soil.factor for soil in warning_rules().soil} <= known
    asked = {factor for clause in clauses() for factor in clause.factor} - {"*"}
    assert asked <= known


def test_reference_oxygen_of_the_seeds_exists():
    named = {seed.reference for seed in exceedance.exceedance_rules().seeds if seed.reference}
    assert {kind: RULES.reference(kind, ON) for kind in named} == {
        "coal-boiler-power": 6,
        "waste-incinerator": 11,
    }
    with pytest.raises(LookupError, match="no reference oxygen of bakery"):
        RULES.reference("bakery", ON)
    with pytest.raises(LookupError, match="no standard state of ambient on 2001-01-01"):
        RULES.state("ambient", date(2001, 1, 1))


def test_a_broken_file_is_named_with_its_fault():
    with pytest.raises(ValueError, match=r"validity rules, marks: .*roll_ups"):
        parse("{editions: []}", "marks", MarkRules)
    with pytest.raises(ValueError, match="validity rules, marks"):
        parse("{", "marks", MarkRules)


def test_legal_days_begin_at_four_in_the_afternoon_utc():
    assert legal_day_ms(date(1970, 1, 2)) == 57_600_000
    assert legal_day(57_600_000) == date(1970, 1, 2)
    assert legal_day(57_599_999) == date(1970, 1, 1)

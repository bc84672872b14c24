"""The rules of the registers without a database: cells, state, limits, clocks; every flag has its texts."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qc.rules.registers.cells import check
from qc.rules.registers.flaws import rules
from qc.rules.registers.instruments import comparison_limit, limits, relative_accuracy
from qc.rules.registers.judging import JUDGES, clock_due, period
from qc.rules.registers.model import Clock, kinds
from qc.rules.registers.obligations import Instrument, obligations
from qc.rules.registers.proficiency import consensus, en_score, z_score
from qc.rules.registers.state import HOUR_MS, Check, Known, instrument_state

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
DAY = 24 * HOUR_MS
START = 1_790_000_000_000
OF = Instrument(
    code="I", application="flue-gas", principle="extractive", factors=("a21026",), from_ms=START - 90 * DAY
)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_kind_speaks_both_languages_and_what_it_names_exists(name: str) -> None:
    kind = kinds()[name]
    assert kind.source and kind.en.isascii() and (not kind.judge or kind.judge in JUDGES)
    named = [kind.owner, kind.region, kind.about, kind.happened, *kind.parties]
    assert {one for one in named if one} <= set(kind.fields)
    assert {one for pair in kind.order for one in pair} <= set(kind.fields) and set(kind.beside) <= set(
        kinds()
    )
    for field in [*kind.fields.values(), *(c for f in kind.fields.values() for c in f.columns.values())]:
        assert field.zh and field.en and (field.type != "record" or field.of in kinds())
        assert all(len(names) == 2 for names in field.choices.values())
    for flag in kind.flags.values():
        assert not flag.mend or period(flag.mend, date(2026, 11, 27)).source
        assert {path.partition(".")[0] for path in (*flag.empty, *flag.equals, *flag.past)} <= set(
            kind.fields
        )
    for clock in kind.clocks.values():
        assert (clock.due or clock.start) in kind.fields


@given(name=st.sampled_from(sorted(kinds())), data=st.data())
def test_whatever_is_sent_is_read_or_named_and_never_fails(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    keys = st.sampled_from([*kind.fields, "nonsense"])
    cells: dict[str, Any] = data.draw(st.dictionaries(keys, ANY, max_size=8))
    done = check(kind, cells, frozenset({"ee"}))
    for flaw in done.flaws:
        assert flaw.rule in rules() and len(flaw.found) <= 80 and flaw.told()["mend_zh"]
    again = check(kind, done.values, frozenset({"ee"}))
    assert again.values == done.values
    missing = {key for key, field in kind.fields.items() if field.required and key not in cells}
    assert missing <= {flaw.where for flaw in done.flaws if flaw.rule == "field-missing"}


CHECKS = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=12)


@given(checks=CHECKS, at=st.integers(0, 60))
def test_an_hour_is_calibrated_between_two_passing_checks_in_time_and_nowhere_else(
    checks: Any, at: int
) -> None:
    """The definition, written again without the code's search: one line of seven days that reaches back."""
    line = next(one for one in obligations() if one.id == "zero-span-check" and one.hours == 168)
    ordered = sorted(dict(checks).items())
    known = Known(
        instrument=OF,
        checks=tuple(
            Check(by="calibrations", code=str(day), at_ms=START + day * DAY, passed={"a21026": good})
            for day, good in ordered
        ),
    )
    state = instrument_state([known], "a21026", START + at * DAY, lines=[line])
    before = [(day, good) for day, good in ordered if day <= at]
    after = [good for day, good in ordered if day > at]
    expected = bool(before) and before[-1][1] and at < before[-1][0] + 7 and (not after or after[0])
    assert state.is_calibrated == expected
    assert state.is_calibrated == (not state.reasons)


def test_nothing_registered_or_not_in_use_is_not_calibrated() -> None:
    assert instrument_state([], "a21026", START).flags == ["instrument-unregistered"]
    known = Known(instrument=OF, checks=())
    assert instrument_state([known], "w01018", START).flags == ["instrument-unregistered"]
    assert instrument_state([known], "a21026", START - 91 * DAY).flags == ["instrument-unregistered"]


@given(level=st.floats(0, 5000), factor=st.sampled_from(["a21026", "a21002", "a34013", "a19001", "a01011"]))
def test_exactly_one_limit_of_hj_75_is_for_each_level(level: float, factor: str) -> None:
    day = date(2026, 1, 1)
    fitting = [
        line
        for line in limits().comparison
        if factor in line.factors
        and "flue-gas" in line.applications
        and line.from_level <= level < line.below
    ]
    assert len(fitting) == 1
    assert comparison_limit("flue-gas", factor, level, day, is_assessed=False) == fitting[0]
    assert comparison_limit("flue-gas", factor, level, date(2018, 2, 28), is_assessed=False) is None


def test_scores_and_relative_accuracy_by_hand() -> None:
    assert z_score(12, 10, 0.5) == 4
    assert en_score(10.5, 10, 0.3, 0.4) == pytest.approx(1.0)
    assert consensus([9, 10, 11, 12, 13]) == (11, pytest.approx(1.4826))
    assert relative_accuracy([100.0] * 9, [110.0] * 9) == pytest.approx(10)
    assert relative_accuracy([10.0, 20.0, 30.0], [11.0, 21.0, 34.0]) == pytest.approx(100 * (2 + 4.303) / 20)


def test_a_clock_of_a_day_ends_with_the_day() -> None:
    clock = Clock(zh="到期", en="expired", finding="x", due="to", met="done")
    due = clock_due(clock, {"to": "2026-03-31"}, {})
    assert due is not None and (due[0].isoformat(), due[1]) == ("2026-04-01T00:00:00+08:00", False)
    assert clock_due(clock, {}, {}) is None
    met = clock_due(clock, {"to": "2026-03-31"}, {"done": True})
    assert met is not None and met[1]

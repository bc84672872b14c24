"""The rules of the registry without a database: kinds, files, periods, responsibilities."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.rules.kinds import check, flags_of, kinds, on
from ingest.rules.network import elements, is_authority, level_of_region, levels, metres, misplaced
from ingest.rules.periods import outcome, periods
from ingest.rules.times import CHINA
from kit import sheets

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_kind_speaks_both_languages_and_names_its_source(name: str) -> None:
    kind = kinds()[name]
    assert is_chinese(kind.zh) and kind.en.isascii() and kind.source
    assert all(field in kind.fields for field in (*kind.scope, *kind.by[:0]))
    for field in [*kind.fields.values(), *(c for f in kind.fields.values() for c in f.columns.values())]:
        assert field.zh and field.en
        assert all(len(names) == 2 and names[0] and names[1] for names in field.choices.values())
    for step in kind.steps.values():
        assert set(step.needs) <= set(kind.fields) and kind.initial
    for flag in kind.flags.values():
        named = {*flag.lacks, *flag.empty, *flag.equals, *flag.holds}
        assert named and named <= set(kind.fields)
    assert {one for pair in kind.order for one in pair} <= set(kind.fields)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "", "x" * 201, "line\nbreak"])
def test_a_text_that_cannot_be_kept_is_named(text: str) -> None:
    done = check(kinds()["areas"], {"name_zh": text})
    assert "name_zh" in {flaw.where for flaw in done.flaws} and "name_zh" not in done.values


def test_every_dated_rule_has_its_source_and_one_is_in_force_at_a_time() -> None:
    for day in (date(2015, 1, 1), date(2026, 11, 26)):
        found = on(day)
        assert len({one.name for one in found}) == len(found)
        assert all(one.source and is_chinese(one.zh) for one in found)


@given(name=st.sampled_from(sorted(kinds())), data=st.data())
def test_whatever_is_sent_is_read_or_named_and_never_fails(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    keys = st.sampled_from([*kind.fields, "nonsense"])
    cells: dict[str, Any] = data.draw(st.dictionaries(keys, ANY, max_size=8))
    done = check(kind, cells)
    for flaw in done.flaws:
        assert flaw.where and flaw.rule and len(flaw.found) <= 80
    missing = [
        key for key, field in kind.fields.items() if field.required and cells.get(key) in (None, "", [])
    ]
    assert {flaw.where for flaw in done.flaws if flaw.rule == "record-field-missing"} >= set(missing)
    assert check(kind, done.values).values == done.values
    flags_of(kind, done.values)


@given(st.binary(max_size=400), st.sampled_from([sheets.CSV, sheets.XLSX, "text/plain"]))
def test_any_bytes_are_a_table_or_are_refused(raw: bytes, media: str) -> None:
    try:
        rows = sheets.read(raw, media)
    except sheets.SheetRefused:
        return
    assert all(isinstance(cell, str) for row in rows for cell in row.values())


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)


@given(
    st.lists(
        st.fixed_dictionaries({"code": st.text("abcXYZ019", min_size=1, max_size=9), "zh": TEXT}), max_size=5
    )
)
def test_what_is_written_is_read_back(rows: list[dict[str, str]]) -> None:
    columns = {"code": "编码", "zh": "名称"}
    for media in (sheets.CSV, sheets.XLSX):
        found = sheets.read(sheets.written(columns, rows, media), media)
        expected = [{name: cell.strip() for name, cell in row.items() if cell.strip()} for row in rows]
        assert [row["code"] for row in found] == [row["code"] for row in expected]


def test_a_workbook_that_unpacks_to_gigabytes_is_refused() -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b"0" * (sheets.MOST_UNPACKED + 1))
    with pytest.raises(sheets.SheetRefused, match="unpacks"):
        sheets.read(packed.getvalue(), sheets.XLSX)


@pytest.mark.parametrize(
    ("every", "first", "expected"),
    [
        ("month", "2026-01-10", [("2026-02-01", "2026-03-01")]),
        ("quarter", "2025-10-02", [("2026-01-01", "2026-04-01")]),
        ("week", "2026-03-24", [("2026-03-30", "2026-04-06")]),
        ("day", "2026-04-05", [("2026-04-05", "2026-04-06"), ("2026-04-06", "2026-04-07")]),
        ("year", "2025-01-01", [("2025-01-01", "2026-01-01")]),
    ],
)
def test_whole_periods_since_the_plan_began(every: str, first: str, expected: list[tuple[str, str]]) -> None:
    until = {"month": datetime(2026, 3, 5, tzinfo=CHINA)}.get(every, datetime(2026, 4, 7, tzinfo=CHINA))
    found = periods(every, date.fromisoformat(first), until)
    assert [(one.start.date().isoformat(), one.stop.date().isoformat()) for one in found] == expected


def test_a_run_is_done_late_or_missing() -> None:
    due = datetime(2026, 3, 2, tzinfo=CHINA)
    early, after = due - timedelta(hours=5), due + timedelta(hours=1)
    assert outcome(1, [early], due) == ("done", None)
    assert outcome(2, [after, early], due) == ("late", 1.0)
    assert outcome(2, [early], due) == ("missing", None)


@given(st.sampled_from(sorted(levels())), st.sampled_from(sorted(levels())))
def test_a_level_has_its_own_authority_or_one_above(level: str, authority: str) -> None:
    order = list(levels())
    wrong = misplaced({"element": "air", "level": level, "authority": authority})
    if order.index(authority) > order.index(level):
        assert [one.rule for one in wrong] == ["authority-mismatch"]
    assert not misplaced({"element": "air", "level": level, "authority": levels()[level]["authorities"][-1]})


def test_who_may_decide_on_a_point() -> None:
    assert [level_of_region(code) for code in ("100000", "130000", "131000", "131002", "999999")] == [
        "national", "provincial", "city", "county", None,
    ]  # fmt: skip
    assert is_authority("131000", "131002", "city") and is_authority("130000", "131002", "city")
    assert not is_authority("131002", "131002", "city")
    assert not is_authority("131100", "131002", "city")
    assert not is_authority(None, "131002", "city")


def test_distances_and_elements() -> None:
    assert metres((116.70, 39.50), (116.70, 39.51)) == pytest.approx(1111.95, abs=0.1)
    assert {"groundwater", "soil", "noise", "radiation", "ecology", "vocs", "ghg"} <= set(elements())

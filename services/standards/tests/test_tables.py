"""The packaged tables are dated, sourced and whole; the examples in the docstrings are true."""

import doctest
import importlib
import pkgutil
from datetime import date, timedelta
from importlib.resources import files

import pytest
import standards
from standards.tables import in_force, rows

TABLES = sorted(f.name.removesuffix(".csv") for f in files("standards").joinpath("data").iterdir())
EXCLUSIVE = {
    "aqi_breakpoints": ("iaqi",),
    "aqi_editions": (),
    "aqi_items": ("report", "factor", "input"),
    "aqi_levels": ("level",),
    "city_percentiles": ("factor",),
    "completeness": ("statistic", "group"),
    "composite_index": ("factor",),
    "falsified_days": ("effect",),
    "deadlines": ("kind",),
    "evidence_bands": ("band",),
    "evidence_weights": ("rule",),
    "gb3095_limits": ("factor", "averaging"),
    "gb3838": ("factor", "body"),
    "regions": ("code",),
    "water_classes": ("grade",),
    "water_shares": ("order",),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_whole(name: str) -> None:
    for row in rows(name):
        assert None not in row, f"{name}: a cell too many in {row}"
        assert row.get("source") or name == "units", row
        for bound in ("valid_from", "valid_to"):
            if row.get(bound):
                date.fromisoformat(row[bound])


@pytest.mark.parametrize("name", sorted(EXCLUSIVE))
def test_no_day_has_two_rows_for_one_thing(name: str) -> None:
    bounds = {row[bound] for row in rows(name) for bound in ("valid_from", "valid_to") if row[bound]}
    for day in {date(2026, 11, 21), *map(date.fromisoformat, bounds)}:
        for on in (day - timedelta(1), day, day + timedelta(1)):
            keys = [tuple(row[column] for column in EXCLUSIVE[name]) for row in in_force(name, on)]
            assert len(keys) == len(set(keys)), (name, on)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(standards.__path__)])
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(f"standards.{name}")
    names = vars(module) | {"date": date}
    assert doctest.testmod(module, extraglobs=names).failed == 0

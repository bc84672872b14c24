"""Which falsification tests there are, with which figures, and how they are run on a panel.

Promises: the tests are dated data (`qc/packs/falsification/*.yaml`); a test whose inputs are not in the panel
is named in `Report.not_run` with what it lacks, never left out silently. Leaves the statistics to the modules
of this package.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pkgutil import iter_modules

import msgspec
import numpy as np
import yaml

from qc.rules import falsify, source
from qc.rules.falsify.daymax import without_maxima
from qc.rules.falsify.finding import Chosen, FalsificationTest, Finding, Run
from qc.rules.falsify.panel import DAY_MS, Panel

# Filled by the modules of this package: id → function.
RUNS: dict[str, Run] = {}


@dataclass(frozen=True, slots=True)
class Report:
    """What all tests said about one panel; `not_run` = test id → the inputs it lacks.

    `looks` counts the chances (test × series × month) a p-valued test had to be wrong, for
    `combine.suspicions`; `expected_false` the suspicions a month of this panel brings if nobody cheats, from
    the rates measured in untouched data.
    """

    findings: tuple[Finding, ...]
    not_run: Mapping[str, tuple[str, ...]]
    looks: int = 0
    expected_false: float = 0.0


def register(test_id: str) -> Callable[[Run], Run]:
    """Make a function the one that runs `test_id`."""

    def keep(run: Run) -> Run:
        RUNS[test_id] = run
        return run

    return keep


def import_all() -> None:
    """Import the modules of this package, so that each has registered its tests."""
    for module in iter_modules(falsify.__path__):
        import_module(f"{falsify.__name__}.{module.name}")


def load() -> tuple[FalsificationTest, ...]:
    """Every test, in the order of the files' names; ValueError names what is wrong."""
    import_all()
    found: list[FalsificationTest] = []
    for name, text in source.texts("falsification"):
        try:
            found += msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), tuple[FalsificationTest, ...])
        except (msgspec.ValidationError, yaml.YAMLError) as error:
            raise ValueError(f"falsification tests, {name}: {error}") from error
    without = sorted({test.id for test in found} - set(RUNS))
    if without:
        raise ValueError(f"falsification tests: no function is registered for {', '.join(without)}")
    return tuple(found)


def choose(test: FalsificationTest, panel: Panel, profile: str) -> Chosen:
    """The rows a test judges under a profile, and its figures for them."""
    names = sorted({name for entry in test.settings for name in entry.set})
    columns: dict[str, list[float]] = {name: [] for name in names}
    rows: list[int] = []
    entries = {factor: test.settings_for(profile, factor) for factor in panel.of_factor}
    for row, factor in enumerate(panel.factor):
        entry = entries[factor]
        if entry is not None and entry.judged:
            rows.append(row)
        for name in names:
            columns[name].append(entry.set.get(name, float("nan")) if entry is not None else float("nan"))
    return Chosen(test, tuple(rows), {name: tuple(column) for name, column in columns.items()})


def run(
    panel: Panel, profile: str, tests: Iterable[FalsificationTest], on: date, have: frozenset[str]
) -> Report:
    """Run every test in force `on` a day. `have` names the inputs there are (`marks`, `limit`, `place`,
    `load`, `network`, …).
    """
    findings: list[Finding] = []
    not_run: dict[str, tuple[str, ...]] = {}
    months = max(1, -(-panel.shape[1] * panel.step_ms // (30 * DAY_MS)))
    looks, expected = 0, 0.0
    for test in tests:
        if on < test.valid_from or (test.valid_to is not None and on >= test.valid_to):
            continue
        chosen = choose(test, panel, profile)
        lacks = tuple(need for need in test.needs if need not in have)
        if lacks or not chosen.rows:
            not_run[test.id] = lacks or ("series",)
            continue
        findings += without_maxima(panel, chosen, RUNS[test.id](panel, chosen))
        looks += len(chosen.rows) * months if test.p_valued else 0
        expected += len(chosen.rows) * test.false_per_series_month
    return Report(tuple(findings), not_run, looks, expected)


def inputs_of(panel: Panel) -> frozenset[str]:
    """What a panel itself has beside values, by the names the tests ask for."""
    has = {
        "marks": bool(panel.mark.any()),
        "limit": bool(np.isfinite(panel.limit).any()),
        "range": bool(np.isfinite(panel.high).any()),
        "detection_limit": bool(np.isfinite(panel.detection_limit).any()),
        "place": bool(np.isfinite(panel.place).any()),
        "network": len(panel.of_station) > 1,
    }
    return frozenset(name for name, there in has.items() if there) | panel.extras.names

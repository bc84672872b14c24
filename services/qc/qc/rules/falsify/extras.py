"""What some tests need beside the values: minutes, totals, parameters, checks, inspections, receipts.

Promises: everything is optional; `names` says what there is, in the words the tests' `needs` use. Leaves
reading logs and databases to the callers.
"""

from dataclasses import dataclass

from qc.rules.outcome import Floats, Ints


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """An instrument's parameter (factor code of HJ 212 table, `i13007` …) of a row changed in period `at_i`.

    `initial` is the value at acceptance, `ordered`: a work order covers the change within two hours. `level`
    is the row's usual value, which an intercept is weighed by; NaN: unknown.
    """

    row: int
    at_i: int
    parameter: str
    before: float
    after: float
    initial: float
    ordered: bool
    level: float = float("nan")


@dataclass(frozen=True, slots=True)
class Check:
    """A zero, span or standard check of a row: what was read, what it should have been, how long it took."""

    row: int
    at_i: int
    standard: float
    reading: float
    allowed: float
    hours: float


@dataclass(frozen=True)
class Extras:
    """Matrices are [S, N] like the panel's values, NaN where unknown; None: not given at all.

    `converted` what was reported at reference oxygen, `from_minutes` the mean of the period's own minutes,
    `total` the reported mass of the period in kg, `first` the value as first received, `delay_ms` receipt
    less end of period, `satellite` a daily column laid over the hours, `inspected` 1 in periods with an
    inspection.
    """

    converted: Floats | None = None
    from_minutes: Floats | None = None
    total: Floats | None = None
    first: Floats | None = None
    delay_ms: Floats | None = None
    satellite: Floats | None = None
    inspected: Ints | None = None
    changes: tuple[ParameterChange, ...] | None = None
    checks: tuple[Check, ...] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Which of them there are. Worked example: Extras(changes=()).names == {"changes"}."""
        return frozenset(name for name in self.__dataclass_fields__ if getattr(self, name) is not None)

"""When days are closed and by which tests: dated data, and the version under which a close was made.

Promises: `version` is the hash of the tests and of the days' own figures, so that a close names exactly what
judged it. Leaves the statistics to `qc.rules.falsify`.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from importlib import resources

import msgspec
import yaml
from contracts.ingest import SeriesRef

from qc.rules import source
from qc.rules.falsify.finding import FalsificationTest
from qc.rules.offline.catalogue import falsification_tests
from qc.rules.validity.family import profile_of


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of day closes in one period of validity.

    `grace_hours` after its midnight a local day is closed; `history_months` are the whole months before that
    day's own that the tests see, per period of the series; a series with fewer than `least_days` days of
    values among them opens no lead; other elements, statistics and bases are not judged.
    """

    valid_from: date
    valid_to: date | None = None
    grace_hours: float
    source: str
    history_months: Mapping[str, int]
    history_source: str
    least_days: int
    least_source: str
    elements: tuple[str, ...]
    statistics: tuple[str, ...]
    bases: tuple[str, ...]

    def profile_of(self, ref: SeriesRef) -> str | None:
        """Under which profile a series is judged when a day closes, None if it is not.

        Worked example: hourly PM2.5 means of a station → ambient-air; their minutes, or noise → None.
        """
        wanted = ref.statistic in self.statistics and ref.basis in self.bases
        is_ours = wanted and ref.element in self.elements and ref.period in self.history_months
        return profile_of(ref) if is_ours else None


class ClosingPack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The falsification tests together with the figures of day closes."""

    closings: tuple[Closing, ...]
    tests: tuple[FalsificationTest, ...]

    @cached_property
    def version(self) -> str:
        content = msgspec.json.encode(self, order="sorted")
        return f"falsification@{hashlib.sha256(content).hexdigest()[:12]}"

    @cached_property
    def by_id(self) -> Mapping[str, FalsificationTest]:
        """Tests by id; of several editions the latest."""
        return {test.id: test for test in self.tests}

    def on(self, day: date) -> Closing:
        """The figures in force on a day."""
        return next(
            one for one in self.closings
            if one.valid_from <= day and (one.valid_to is None or day < one.valid_to)
        )  # fmt: skip

    def profile_of(self, ref: SeriesRef, day: date) -> str | None:
        """`Closing.profile_of` on that day."""
        return self.on(day).profile_of(ref)


@source.once
def load_closing_pack() -> ClosingPack:
    """The tests of the rules the process judges with; ValueError names what is wrong."""
    text = resources.files("qc").joinpath("packs", "day-close.yaml").read_text(encoding="utf-8")
    try:
        closings = msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), tuple[Closing, ...])
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"day-close.yaml: {error}") from error
    return ClosingPack(closings=closings, tests=falsification_tests())

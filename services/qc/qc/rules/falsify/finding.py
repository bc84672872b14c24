"""What a falsification test says, and the dated figures it is run with.

Promises: a finding names its statistic, threshold, stretch and evidence rows, so that an officer can see why;
its weight and strength come from the pack. Leaves the combination to `qc.rules.falsify.combine`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec

from qc.rules.falsify.panel import Panel

Kind = Literal[
    "freeze", "narrow-band", "copy-day", "copy-site", "period", "smooth", "cap", "bunch", "heap", "digits",
    "scale", "offset", "drift-hide", "shift-time", "gap-when-high", "mark-when-high", "parameter-change",
    "dilution", "night-dump", "probe-in-standard", "other",
]  # fmt: skip
# What a kind is called in Chinese; its id says it in English.
KIND_ZH: Mapping[str, str] = {
    "freeze": "恒值", "narrow-band": "窄幅波动", "copy-day": "复制日数据", "copy-site": "复制他站数据",
    "period": "人为周期", "smooth": "过度平滑", "cap": "封顶", "bunch": "限值下堆积", "heap": "末位堆积",
    "digits": "编造数字", "scale": "乘系数", "offset": "减常数", "drift-hide": "掩盖漂移",
    "shift-time": "时间错位", "gap-when-high": "高值缺数", "mark-when-high": "高值标记",
    "parameter-change": "擅改参数", "dilution": "稀释", "night-dump": "夜间偷排",
    "probe-in-standard": "采样头置于标样", "other": "其他",
}  # fmt: skip
PROFILES = ("ambient-air", "flue-gas", "waste-water", "surface-water")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Periods [from_i, to_i) of one row of a panel."""

    row: int
    from_i: int
    to_i: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One test spoke about one stretch.

    `statistic` and `threshold` in the test's own unit, `p` the chance of it in honest data (NaN: no p-value),
    `strength` 0–1 (how far beyond the threshold), `evidence` the stretches an officer has to look at (the
    original of a copy, the neighbours), `figures` what the plot and the sentence need by name.
    Worked example: K1 on hours 100–112 of row 3 → Finding("K1", Stretch(3, 100, 112), 12, 6, nan, 1.0, …).
    """

    test: str
    where: Stretch
    statistic: float
    threshold: float
    p: float
    strength: float
    kind: Kind
    evidence: tuple[Stretch, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of a test for some profiles and factors (fnmatch patterns); the first match wins.

    `judged: false`: the test has nothing to say of these.
    """

    profile: tuple[str, ...] = PROFILES
    factor: tuple[str, ...] = ("*",)
    judged: bool = True
    set: Mapping[str, float]


class FalsificationTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One falsification test in one period of validity.

    `weight` is its share in the combined score at full strength; `kind` what it points to; `needs` names the
    inputs without which it cannot run (told to the user, never silently left out).
    """

    id: str
    zh: str
    en: str
    text_zh: str
    text_en: str
    source: str
    weight: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    weight_source: str = ""
    # What it looks at: of tests that look at the same only the strongest counts. Empty: as no other does.
    witness: str = ""
    # Whether its findings carry a chance per series and month, to be controlled over the network.
    p_valued: bool = False
    # Findings per series and month that raised a suspicion in untouched data, and which data those were.
    false_per_series_month: float = 0.0
    measured_on: str = ""
    kind: Kind
    needs: tuple[str, ...] = ()
    min_n: int = 1
    valid_from: date
    valid_to: date | None = None
    settings: tuple[Settings, ...]

    def settings_for(self, profile: str, factor: str) -> Settings | None:
        """The figures for a factor under a profile, None: the test does not judge it."""
        return next(
            (
                entry
                for entry in self.settings
                if profile in entry.profile and any(fnmatchcase(factor, pattern) for pattern in entry.factor)
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """A test with the figures that hold for each row of a panel.

    `rows` are the rows it judges, `figures[name]` the parameter per row of the panel (NaN where not judged).
    """

    test: FalsificationTest
    rows: tuple[int, ...]
    figures: Mapping[str, tuple[float, ...]]

    def figure(self, name: str, row: int) -> float:
        """One parameter for one row."""
        return self.figures[name][row]

    def asked(self, name: str, row: int) -> float:
        """The same, NaN where a pack says nothing of it: older packs do not know every parameter."""
        return self.figures[name][row] if name in self.figures else float("nan")


Run = Callable[[Panel, Chosen], list[Finding]]


def strength(statistic: float, threshold: float, strong: float) -> float:
    """How far beyond the threshold, 0–1, linear up to `strong`; works for tests where less is worse, too.

    Source: evidence score (proposal), standards §6.2. Worked example: strength(8, 6, 10) = 0.5.
    """
    return min(1.0, max(0.0, (statistic - threshold) / (strong - threshold)))

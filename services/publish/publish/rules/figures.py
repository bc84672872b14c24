"""Which hourly means may enter a public figure, and in which words the others are left out.

Promises: a value is used only if its verdict is good or not yet contradicted (QARTOD 1 or 2), or an analyst
released it; it lies in no window of confirmed falsification and waits for no decision, and its unit is the
one the index is defined in. Everything left out carries a reason in Chinese and English. Source: GB 3095
§6.3 (all valid data are used; what is missing needs a reason), 生态环境监测条例 Art. 25 (falsified data).
Leaves to `hourly` what is computed from the rest.
"""

from dataclasses import dataclass
from datetime import datetime

from standards.calendar import CHINA

Text = dict[str, str]

LIMIT_CODE = 3
"""QARTOD: 3 suspect, 4 bad, 9 missing are not used; 1 good and 2 not evaluated are."""

REASONS: dict[str, Text] = {
    "falsified": {"zh": "已认定弄虚作假", "en": "confirmed as falsified"},
    "withheld": {"zh": "暂缓发布，待质控人员决定", "en": "withheld, an analyst decides"},
    "kept-out": {"zh": "经质控人员决定不采用", "en": "kept out by an analyst's decision"},
    "suspect": {"zh": "质控存疑", "en": "quality control: suspect"},
    "bad": {"zh": "质控判定无效", "en": "quality control: invalid"},
    "missing": {"zh": "缺测", "en": "missing"},
    "unit": {"zh": "计量单位不符", "en": "unit not usable"},
}

VERDICTS: dict[int, Text] = {
    1: {"zh": "有效", "en": "good"},
    2: {"zh": "未评价", "en": "not evaluated"},
    3: {"zh": "存疑", "en": "suspect"},
    4: {"zh": "无效", "en": "invalid"},
    9: {"zh": "缺测", "en": "missing"},
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One hourly mean as published data may use it. `ts` is the start of the hour, UTC."""

    series_id: int
    site: str
    factor: str
    ts: datetime
    value: float | None
    decimals: int
    unit: str
    code: int
    revision: int
    case_id: str | None = None
    typology: str | None = None
    tests: int = 0
    decision_due: datetime | None = None
    is_kept_out: bool = False
    released_tests: int | None = None

    @property
    def is_released(self) -> bool:
        """Whether an analyst released it knowing of every rule that speaks about it now."""
        return self.released_tests is not None and self.tests & ~self.released_tests == 0


def left_out(figure: Figure, unit: str | None = None) -> str | None:
    """The reason's slug if the figure may not be used, else None. `unit` is the index's unit (UCUM).

    Falsification is named before the verdict: it is the stronger reason; then what waits for a decision.
    Worked example: code 1 inside a window of case 7 → "falsified"; code 3 → "suspect"; code 2 → None; code 1
    under an undecided hold → "withheld"; code 3, released → None.
    """
    if figure.case_id is not None:
        return "falsified"
    if figure.decision_due is not None:
        return "withheld"
    if figure.value is None or figure.code == 9:
        return "missing"
    if figure.is_kept_out:
        return "kept-out"
    if figure.code >= LIMIT_CODE and not (figure.code == LIMIT_CODE and figure.is_released):
        return "bad" if figure.code > LIMIT_CODE else "suspect"
    if unit is not None and figure.unit != unit:
        return "unit"
    return None


def told_value(figure: Figure) -> float | None:
    """The value as the public may see it beside the reason: none while it waits for a decision."""
    return None if figure.decision_due is not None else figure.value


def reason(slug: str, figure: Figure) -> Text:
    """The sentence shown for a left-out figure: the general words, with the case or the due time."""
    words = REASONS[slug]
    if slug == "withheld" and figure.decision_due is not None:
        due = f"{figure.decision_due.astimezone(CHINA):%Y-%m-%d %H:%M}"
        return {"zh": f"{words['zh']}，期限 {due}", "en": f"{words['en']} by {due} Beijing time"}
    if slug != "falsified":
        return dict(words)
    suffix = f" ({figure.case_id}" + (f", {figure.typology})" if figure.typology else ")")
    return {language: text + suffix for language, text in words.items()}


def choose(figures: list[Figure], unit: str | None = None) -> Figure | None:
    """The figure that speaks for a station's factor in one hour when several sources report it.

    A usable one before an unusable one; among equals the earliest registered series (lowest id), so that the
    choice does not depend on the order of arrival. A falsified source never gives way to another one: the
    factor of that station is in doubt as a whole.
    """
    if not figures:
        return None
    ranked = sorted(figures, key=lambda f: (f.case_id is None, left_out(f, unit) is not None, f.series_id))
    return ranked[0]

"""Whether what an instrument measured at an instant counts: checked in time, not out of control, verified.

Promises: a pure function of the registers as known; every reason names its record, its due instant and its
clause. An instrument nobody registered is not calibrated. Leaves the records to `qc.queries.registers`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from qc.rules.registers.obligations import Instrument, Obligation, lines_for, obligations
from qc.rules.validity.dated import legal_day

HOUR_MS = 3_600_000
UNREGISTERED = (
    "instrument-unregistered",
    "该点位该项目没有登记在用仪器",
    "no instrument in use is registered for this factor here",
    "生态环境监测条例 Art. 20; 廊办字〔2018〕50号 二10",
)
UNCERTIFIED = (
    "model-certificate-missing",
    "仪器无型号批准或适用性检测证书",
    "the instrument has no certificate of model approval",
    "廊办字〔2018〕50号 二12; 计量法 Art. 13",
)
SITUATIONS = {
    "never": ("无合格的{}记录", "no passing {} is known"),
    "overdue": ("{}逾期", "{} overdue"),
    "failed": ("{}不合格，尚未再次合格", "{} failed and not passed since"),
    "failed-later": ("其后{}不合格，自上次合格起失控", "out of control: a later {} failed"),
}  # fmt: skip


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check of an instrument: per factor (`*`: all) whether it passed; `valid_to_ms` by a certificate."""

    by: str
    code: str
    at_ms: int
    passed: Mapping[str, bool]
    valid_to_ms: int | None = None

    def says(self, factor: str) -> bool | None:
        """Whether it passed for the factor; None if it does not speak of it."""
        return self.passed.get(factor, self.passed.get("*"))


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a value does not count, or is flagged. With `bars` it is invalid as evidence; else it is told."""

    flag: str
    situation: str
    zh: str
    en: str
    source: str
    bars: bool
    instrument: str | None = None
    record: str | None = None
    due_ms: int | None = None


class InstrumentState(msgspec.Struct, frozen=True):
    """The answer for one instant."""

    is_calibrated: bool
    reasons: tuple[Reason, ...]

    @property
    def flags(self) -> list[str]:
        """The flags of the data, each once."""
        return list(dict.fromkeys(reason.flag for reason in self.reasons))


@dataclass(frozen=True, kw_only=True)
class Known:
    """An instrument with its checks, in the order of their instants."""

    instrument: Instrument
    checks: tuple[Check, ...]
    _sorted: dict[tuple[str, str], list[Check]] = field(default_factory=dict, repr=False, compare=False)

    def spoken(self, by: str, factor: str) -> list[Check]:
        """The checks of a kind that speak of a factor; sorted out once, asked for every hour of a page."""
        if (by, factor) not in self._sorted:
            found = [one for one in self.checks if one.by == by and one.says(factor) is not None]
            self._sorted[by, factor] = found
        return self._sorted[by, factor]


def instrument_state(
    known: Sequence[Known],
    factor: str,
    at_ms: int,
    *,
    is_assessed: bool = False,
    lines: Sequence[Obligation] | None = None,
) -> InstrumentState:
    """Whether a value of `factor` at `at_ms` (UTC, ms) comes from a calibrated instrument, and why not.

    `known` are the instruments of the site. Source: HJ 75-2017, HJ 355/356-2019, 计量法 Art. 9, as in
    `obligations.yaml`. Worked example: last passing zero and span check at 00:00 on the 1st, every 7 days, →
    flagged `calibration-overdue` from 00:00 on the 8th.
    """
    found: list[Reason] = []
    is_any = False
    for one in known:
        of = one.instrument
        in_use = of.from_ms <= at_ms and (of.to_ms is None or at_ms < of.to_ms)
        if not in_use or factor not in of.factors:
            continue
        is_any = True
        if not of.has_certificate:
            found.append(_missing(UNCERTIFIED, bars=False, instrument=of.code))
        rules = obligations() if lines is None else lines
        for line in lines_for(of, factor, legal_day(at_ms), is_assessed=is_assessed, lines=rules):
            reason = _reason(line, of, one.spoken(line.by, factor), factor, at_ms)
            found += [reason] if reason is not None else []
    if not is_any:
        found.append(_missing(UNREGISTERED, bars=True, instrument=None))
    return InstrumentState(not any(reason.bars for reason in found), tuple(found))


def _missing(told: tuple[str, str, str, str], *, bars: bool, instrument: str | None) -> Reason:
    flag, zh, en, source = told
    return Reason(
        flag=flag, situation="missing", zh=zh, en=en, source=source, bars=bars, instrument=instrument
    )


def due_of(line: Obligation, instrument: Instrument, checks: Sequence[Check], factor: str) -> int:
    """The instant the next check is due: after the last passing one, else after the begin of use."""
    passing = [check for check in checks if check.by == line.by and check.says(factor)]
    if not passing:
        return instrument.from_ms + (line.hours or 0) * HOUR_MS
    return _due(line, passing[-1])


def _due(line: Obligation, passing: Check) -> int:
    ends = [passing.valid_to_ms] if passing.valid_to_ms is not None else []
    ends += [passing.at_ms + line.hours * HOUR_MS] if line.hours is not None else []
    return min(ends, default=2**62)


def _reason(
    line: Obligation, of: Instrument, spoken: Sequence[Check], factor: str, at_ms: int
) -> Reason | None:
    place = bisect_right(spoken, at_ms, key=lambda check: check.at_ms)
    before, after = spoken[:place], spoken[place:]
    last = before[-1] if before else None
    passing = next((check for check in reversed(before) if check.says(factor)), None)
    due = None if passing is None else _due(line, passing)
    if last is not None and not last.says(factor):
        return _told(line, "failed", of, last, due)
    if passing is None or due is None:
        return _told(line, "never", of, None, due)
    if at_ms >= due:
        return _told(line, "overdue", of, passing, due)
    if line.reaches_back and after and not after[0].says(factor):
        return _told(line, "failed-later", of, after[0], due)
    return None


def _told(line: Obligation, situation: str, of: Instrument, record: Check | None, due: int | None) -> Reason:
    zh, en = SITUATIONS[situation]
    flag = line.finding if situation in ("never", "overdue") else f"{line.id}-failed"
    return Reason(
        flag=flag,
        situation=situation,
        zh=zh.format(line.zh),
        en=en.format(line.en),
        source=line.source,
        bars=line.bars,
        instrument=of.code,
        record=None if record is None else f"{record.by}/{record.code}",
        due_ms=due,
    )

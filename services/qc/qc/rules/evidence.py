"""From findings to a suspicion: episodes of one series and their score (docs/falsification-tests.md).

Promises: the episodes are a function of the current verdicts alone; a single rule never makes a suspicion
by itself as long as no weight reaches the case threshold. Leaves raising and withdrawing to the flows.
"""

from dataclasses import dataclass

import numpy as np
from contracts.qc import Finding

from qc.rules.outcome import Flags, Floats, Ints
from qc.rules.pack import Evidence, Rule, RulePack


@dataclass(frozen=True)
class Episode:
    """A stretch of time [from_ms, to_ms) in which findings of one series lie close together."""

    from_ms: int
    to_ms: int
    score: float
    findings: tuple[Finding, ...]


def combine(parts: list[float]) -> float:
    """score = 1 - Π(1 - w·s). Worked example: 0.5, 0.35 and 0.5 → 0.8375; 0.5 and 0.35 → 0.675."""
    left = 1.0
    for part in parts:
        left *= 1.0 - part
    return 1.0 - left


def strength(evidence: Evidence, measure: float) -> float:
    """s = clip((measure - threshold) / (strong - threshold)). Worked example: K1, 9 h of 6 … 12 → 0.5."""
    return float(np.clip((measure - evidence.threshold) / (evidence.strong - evidence.threshold), 0.0, 1.0))


def evidence_bits(pack: RulePack) -> int:
    """The bits of all rules that count towards a suspicion."""
    bits = 0
    for rule in pack.rules:
        bits |= rule.bit if rule.evidence else 0
    return bits


def islands(ts: Ints, join_ms: int) -> list[tuple[int, int]]:
    """Stretches [first, last] of rows no further apart than `join_ms`. `ts` ascends."""
    if not len(ts):
        return []
    cuts = np.flatnonzero(np.diff(ts) > join_ms) + 1
    firsts, lasts = np.append(0, cuts), np.append(cuts, len(ts)) - 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def episodes(ts: Ints, value: Floats, tests: Ints, period_ms: int, pack: RulePack) -> list[Episode]:
    """The episodes of one series from all its rows that carry evidence, ascending in time.

    Worked example: 12 h of K1, 11 of them with X9 and K1X9 → 1 - (1-.35)(1-.5)(1-.5) = 0.8375: a suspicion;
    the same 12 h of K1 alone → 0.35: none.
    """
    carries = (tests & evidence_bits(pack)) != 0
    ts, value, tests = ts[carries], value[carries], tests[carries]
    found = []
    for first, last in islands(ts, pack.join_hours * 3_600_000):
        rows = slice(first, last + 1)
        findings = _findings(ts[rows], value[rows], tests[rows], period_ms, pack)
        score = combine([finding.weight * finding.score for finding in findings])
        found.append(Episode(int(ts[first]), int(ts[last]) + period_ms, score, tuple(findings)))
    return found


def _findings(ts: Ints, value: Floats, tests: Ints, period_ms: int, pack: RulePack) -> list[Finding]:
    findings: list[Finding] = []
    for rule in pack.rules:
        fired = (tests & rule.bit) != 0
        already = any(finding.rule == rule.id for finding in findings)
        if rule.evidence is None or already or not fired.any():
            continue
        hours = period_ms / 3_600_000
        if rule.evidence.measure == "hours":
            measure = float(fired.sum()) * hours
        elif rule.evidence.measure == "longest":
            measure = _longest(ts[fired], value[fired], period_ms)
        else:
            flat = (tests & pack.named(rule.of[0] if rule.of else rule.id).bit) != 0
            runs = np.cumsum(~_linked(ts[flat], value[flat], period_ms))
            measure = float(np.bincount(runs, weights=fired[flat]).max()) * hours
        findings.append(_finding(rule, rule.evidence, measure, ts[fired], period_ms))
    return findings


def _longest(ts: Ints, value: Floats, period_ms: int) -> float:
    """Periods from the first to the last value of the longest run."""
    run = np.cumsum(~_linked(ts, value, period_ms))
    first = np.flatnonzero(np.diff(run, prepend=0))
    last = np.append(first[1:], len(ts)) - 1
    return float((ts[last] - ts[first]).max() / period_ms + 1)


def _linked(ts: Ints, value: Floats, period_ms: int) -> Flags:
    """Row i continues the run of equal values of row i - 1; one absent period does not end a run."""
    linked = np.zeros(len(ts), dtype=bool)
    linked[1:] = (np.diff(ts) <= 2 * period_ms) & (value[1:] == value[:-1])
    return linked


def _finding(rule: Rule, evidence: Evidence, measure: float, ts: Ints, period_ms: int) -> Finding:
    score = strength(evidence, measure)
    kind = {
        "hours": ("累计 {} 小时", "{} h in all"),
        "longest": ("最长连续 {} 个值", "{} values in a row"),
        "hours_in_run": ("同一恒值段内 {} 小时", "{} h within one constant run"),
    }
    zh, en = (text.format(f"{measure:g}") for text in kind[evidence.measure])
    scale_zh = f"{evidence.threshold:g} 起计，{evidence.strong:g} 为满分；权重 {evidence.weight:g}"
    scale_en = (
        f"counts from {evidence.threshold:g}, in full from {evidence.strong:g}; weight {evidence.weight:g}"
    )
    return Finding(
        rule=rule.id,
        statistic=measure,
        threshold=evidence.threshold,
        weight=evidence.weight,
        score=score,
        from_ms=int(ts[0]),
        to_ms=int(ts[-1]) + period_ms,
        message_zh=f"{rule.zh}：{zh}（{scale_zh}）",
        message_en=f"{rule.en}: {en} ({scale_en})",
        source_clause=f"{rule.source}; {evidence.source}",
    )

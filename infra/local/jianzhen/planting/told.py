"""A trial as one JSON document and as lines for eyes: the worst kind first, what was missed, what is missing.

Promises: every figure of the report is in the document. Leaves drawing to `pictures` and `page`.
"""

import math
import os
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from qc.rules.falsify.finding import Kind

from jianzhen.planting.score import Claim, Score
from jianzhen.planting.trial import OURS, TUNING_SEEDS, WANTED_RECALL, WITH_LEARNED, Ground, Tool, Trial

WANTED_FALSE = 0.1
LOCAL = timezone(timedelta(hours=8))
Document = dict[str, Any]


def document(trial: Trial) -> Document:
    """What `--json` prints for one source."""
    ground, panel = trial.ground, trial.ground.panel
    unplaced = sorted({kind for one in trial.planted for kind in one.unplaced})
    return {
        "source": ground.name,
        "profile": ground.profile,
        "stations": len(panel.of_station),
        "series": panel.shape[0],
        "from": instant(ground, ground.window[0]),
        "to": instant(ground, ground.window[1]),
        "history_from": instant(ground, 0),
        "station_months": round(trial.station_months, 2),
        "seeds": list(trial.wish.seeds),
        "tuning_seeds": list(TUNING_SEEDS),
        "seeds_shared_with_tuning": sorted(set(trial.wish.seeds) & set(TUNING_SEEDS)),
        "plantings_per_kind_and_seed": trial.wish.each,
        "unplaced": unplaced,
        "assumed_limits": [
            {"station": panel.station[row], "series": panel.factor[row], "limit": float(panel.limit[row])}
            for row in ground.assumed
        ],
        "tools": [_tool(trial, tool) for tool in trial.tools],
        "missing": trial.missing,
        "not_run": {test: list(lacks) for test, lacks in trial.not_run.items()},
        "untouched": [_claim(ground, claim) for claim in trial.tools[0].untouched],
        "oracle": {kind: round(share, 4) for kind, share in trial.oracle.items()},
        "traceless": traceless(trial),
        "with_trace": {one.kind: {"found": one.found, "of": one.planted} for one in trial.traced},
        "load_average": [round(one, 2) for one in os.getloadavg()],
    }


def traceless(trial: Trial) -> list[Kind]:
    """Kinds that neither our tests nor the judge who knows the place tell often enough."""
    return sorted(kind for kind, share in trial.oracle.items() if share < WANTED_RECALL)


def missed(found: Document) -> list[str]:
    """Targets the first tool misses: kinds below the recall, too many false suspicions."""
    ours = found["tools"][0]
    lines = [
        f"{kind['kind']}: recall {kind['recall']:.2f} < {WANTED_RECALL:.2f}"
        for kind in ours["kinds"]
        if kind["recall"] < WANTED_RECALL
    ]
    rate = ours["false_per_station_month"]
    if rate > WANTED_FALSE:
        lines.append(f"untouched: {rate:.3f} suspicions per station-month > {WANTED_FALSE}")
    return lines


def text(found: Document) -> str:
    """The document for eyes."""
    lines = [
        f"{found['source']} ({found['profile']}): {found['stations']} stations, {found['series']} series, "
        f"{found['from'][:10]} – {found['to'][:10]}, {found['station_months']} station-months, "
        f"{len(found['seeds'])} seeds",
        f"  {'tool 工具':<24}{'recall 召回':>12}{'precision 精确':>14}{'false/st-month 误报':>20}",
    ]
    for tool in found["tools"]:
        name = f"{tool['name']} {tool['version']}".strip()
        lines.append(
            f"  {name:<26}{shown(tool['recall']):>10}{shown(tool['precision']):>14}"
            f"{tool['false_per_station_month']:>20.3f}"
        )
    lines.append(f"  {OURS}, worst kind first 最差在前: recall (rightly named 种类正确), delay 时延")
    for kind in found["tools"][0]["kinds"]:
        delay = "–" if kind["delay_h"] is None else f"{kind['delay_h']:.0f} h"
        rival = max((one for tool in found["tools"] for one in _rivals(tool, kind["kind"])), default=None)
        beside = "" if rival is None else f"  best peer 最好的同类 {rival:.2f}"
        named = f"({kind['named']}/{kind['planted']})"
        mark = "" if kind["recall"] >= WANTED_RECALL else " <"
        lines.append(f"    {kind['kind']:<20}{kind['recall']:>6.2f} {named}{delay:>9}{beside}{mark}")
    lines += _beside(found)
    lines += [f"  no place for 无处可植: {kind}" for kind in found["unplaced"]]
    lines += [
        f"  {kind}: of those that leave a trace 有痕迹者 {some['found']}/{some['of']}, "
        f"of all 全部 {_of_all(found, kind)}"
        for kind, some in sorted(found["with_trace"].items())
    ]
    lines += [
        f"  leaves too little 痕迹不足: {kind} (known place, one look in 20 wrong 已知位置、误判 5 %: "
        f"{found['oracle'][kind]:.2f})"
        for kind in found["traceless"]
    ]
    if found["assumed_limits"]:
        limits = (f"{one['station']} {one['series']} {one['limit']:g}" for one in found["assumed_limits"])
        lines.append(f"  no limit known, assumed 限值未知，假定: {', '.join(limits)}")
    lines += [f"  not run 未运行: {test} (lacks 缺 {', '.join(o)})" for test, o in found["not_run"].items()]
    lines += [f"  {name}: {how}" for name, how in found["missing"].items()]
    lines += [f"  {one['name']}: {trouble}" for one in found["tools"] for trouble in one["trouble"]]
    if found["seeds_shared_with_tuning"]:
        shared = found["seeds_shared_with_tuning"]
        lines.append(f"  seeds {shared} are tuning seeds: no report 调参种子，不作报告")
    if not found["tools"][0]["kinds"]:
        return "\n".join([*lines, "  nothing could be planted 无处可植"])
    short = sum(kind["recall"] < WANTED_RECALL for kind in found["tools"][0]["kinds"])
    lines.append(
        f"  below {WANTED_RECALL:.2f} (<) 未达标: {short} kinds 类"
        if short
        else "  every kind reached 全部达标"
    )
    if found["tools"][0]["false_per_station_month"] > WANTED_FALSE:
        lines.append(f"  more than {WANTED_FALSE} false suspicions per station-month 误报超标")
    return "\n".join(lines)


def instant(ground: Ground, period: int) -> str:
    """The local time a period begins, ISO."""
    at = datetime.fromtimestamp((ground.panel.start_ms + period * ground.panel.step_ms) / 1000, UTC)
    return (at.astimezone(LOCAL)).isoformat(timespec="minutes")


def _of(tool: Document, kind: str) -> list[float]:
    return [one["recall"] for one in tool["kinds"] if one["kind"] == kind]


def _of_all(found: Document, kind: str) -> str:
    return next(
        f"{one['found']}/{one['planted']}" for one in found["tools"][0]["kinds"] if one["kind"] == kind
    )


def _rivals(tool: Document, kind: str) -> list[float]:
    return [] if tool["name"] in (OURS, WITH_LEARNED) else _of(tool, kind)


def _beside(found: Document) -> list[str]:
    """What the learned detector adds: every kind whose recall it changes, and false suspicions."""
    ours, learned = found["tools"][0], [one for one in found["tools"] if one["name"] == WITH_LEARNED]
    if not learned:
        return []
    changed = [
        f"{kind['kind']} {kind['recall']:.2f} → {now:.2f}"
        for kind in ours["kinds"]
        for now in _of(learned[0], kind["kind"])
        if now != kind["recall"]
    ]
    before, after = (one["false_per_station_month"] for one in (ours, learned[0]))
    told = ", ".join(changed) or "no kind 各类不变"
    return [f"  {WITH_LEARNED}: recall 召回 {told}; false 误报 {before:.3f} → {after:.3f}"]


def _tool(trial: Trial, tool: Tool) -> Document:
    months = trial.station_months
    return {
        "name": tool.name,
        "version": tool.version,
        "recall": _number(tool.score.recall),
        "precision": _number(tool.score.precision),
        "claims": tool.score.claims,
        "right": tool.score.right,
        "false_per_station_month": round(len(tool.untouched) / months, 4),
        "seconds": round(tool.seconds, 1),
        "kinds": _kinds(tool.score),
        "tests": [{"test": test, "right": right, "claims": of} for test, right, of in tool.score.by_test],
        "curve": [
            {"threshold": one.threshold, "recall": _number(one.recall), "false": round(one.false_rate, 4)}
            for one in tool.curve
        ],
        "trouble": list(tool.trouble),
    }


def _kinds(score: Score) -> list[Document]:
    return [
        {
            "kind": one.kind,
            "planted": one.planted,
            "found": one.found,
            "named": one.named,
            "recall": _number(one.recall),
            "delay_h": None if math.isnan(one.delay) else round(one.delay, 1),
        }
        for one in score.kinds
    ]


def _claim(ground: Ground, claim: Claim) -> Document:
    return {
        "station": ground.panel.station[claim.row],
        "series": ground.panel.factor[claim.row],
        "kind": claim.kind,
        "from": instant(ground, claim.from_i),
        "to": instant(ground, claim.to_i),
        "score": round(claim.score, 3),
        "tests": list(claim.tests),
    }


def _number(value: float) -> float | None:
    """None where there was nothing to count."""
    return None if math.isnan(value) else round(value, 4)


def shown(value: float | None) -> str:
    """A share in two decimals. Worked example: None → "–"."""
    return "–" if value is None else f"{value:.2f}"

"""What changed between two snapshots of the same release, in words the public reads.

Promises: no difference in what the public sees or in what it rests on → None (no new version is made);
otherwise a reason in Chinese and English that names the values concerned and the figure before and after.
Source: 信息公开条例 Art. 6 — a correction appears at the same place, with notice; the old version stays.
"""

from collections.abc import Iterator
from typing import Any

from publish.rules.figures import Text
from publish.rules.snapshot import Snapshot

MOST_NAMED = 3
"""So many changes are named in the notice; the rest is counted. The versions hold all of them."""

CAUSES: dict[str, Text] = {
    "falsified": {"zh": "认定弄虚作假，剔除", "en": "left out, confirmed as falsified"},
    "lifted": {"zh": "弄虚作假认定已撤回，恢复", "en": "restored, finding of falsification withdrawn"},
    "withheld": {"zh": "暂缓发布，待质控人员决定", "en": "withheld, an analyst decides"},
    "decided": {"zh": "质控人员已作出决定", "en": "an analyst has decided"},
    "verdict": {"zh": "质控结论变更", "en": "verdict of quality control changed"},
    "value": {"zh": "数值变更", "en": "value changed"},
    "arrived": {"zh": "数据补到", "en": "arrived late"},
    "gone": {"zh": "不再采用", "en": "no longer taken"},
}

Entry = dict[str, Any]
Named = dict[tuple[str, str], tuple[Text, Text]]


def _cause(old: Entry | None, new: Entry | None) -> str | None:
    if old is None or new is None:
        return "arrived" if new else "gone"
    if old["case"] != new["case"]:
        return "lifted" if new["case"] is None else "falsified"
    if old["left_out"] != new["left_out"] or old["used"] != new["used"]:
        if new["left_out"] == "withheld":
            return "withheld"
        is_decided = old["left_out"] == "withheld" or new["left_out"] == "kept-out"
        return "decided" if is_decided else "verdict"
    if old["value"] != new["value"]:
        return "value"
    return None


def _changes(old: Snapshot, new: Snapshot) -> Iterator[tuple[str, str, str]]:
    before = {(entry["series"], entry["ts"]): entry for entry in old["lineage"]}
    after = {(entry["series"], entry["ts"]): entry for entry in new["lineage"]}
    for key in sorted(before.keys() | after.keys()):
        entry = after.get(key) or before[key]
        if cause := _cause(before.get(key), after.get(key)):
            yield cause, entry["site"], entry["factor"]


def _names(*snapshots: Snapshot) -> Named:
    return {
        (station["site"], pollutant["factor"]): (station["name"], pollutant["name"])
        for content in snapshots
        for station in content["stations"]
        for pollutant in station["pollutants"]
    }


def _one(change: tuple[str, str, str], names: Named, language: str) -> str:
    cause, site, factor = change
    station, pollutant = names.get((site, factor), ({}, {}))
    blank = "" if language == "zh" else " "
    mark = "：" if language == "zh" else ": "
    subject = f"{station.get(language, site)}{blank}{pollutant.get(language, factor)}"
    return f"{subject}{mark}{CAUSES[cause][language]}"


def _index(content: Snapshot) -> str:
    value = content["figure"]["aqi"]
    return "NA" if value is None else str(value)


def correction_reason(old: Snapshot, new: Snapshot) -> Text | None:
    """The notice of a correction, or None when nothing the release says or rests on has changed.

    A verdict's revision number alone is no change: the same code, value and use under a later revision says
    the same. Worked example: station PM2.5 falls under case 7, AQI 119 → NA gives
    "First station PM2.5: left out, confirmed as falsified. AQI 119 → NA".
    """
    changes = sorted(set(_changes(old, new)))
    if not changes and old["figure"] == new["figure"] and old["stations"] == new["stations"]:
        return None
    names = _names(old, new)
    more = len(changes) - MOST_NAMED
    tail = {"zh": f"等{len(changes)}项" if more > 0 else "", "en": f" and {more} more" if more > 0 else ""}
    joint, stop = {"zh": "；", "en": "; "}, {"zh": "。", "en": ". "}
    notice = {}
    for language in ("zh", "en"):
        named = joint[language].join(_one(change, names, language) for change in changes[:MOST_NAMED])
        if not named:
            named = {"zh": "计算结果变更", "en": "result recomputed"}[language]
        notice[language] = f"{named}{tail[language]}{stop[language]}AQI {_index(old)} → {_index(new)}"
    return notice

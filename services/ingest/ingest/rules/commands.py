"""Host commands of HJ 212: what can be asked of a data logger, with which values, how it looks on the wire.

Promises: pure; a value that the standard does not allow never reaches a device. Leaves sending and waiting to
the flows, and who may ask to the policy.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from ingest.rules.hj212_build import build
from ingest.rules.times import CHINA

_EMPTY: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True):
    """One host command. `parameters` ending in "?" may be left out."""

    name: str
    cn: int
    zh: str
    en: str
    parameters: tuple[str, ...] = _EMPTY
    answers: tuple[int, ...] = ()
    ends: str = "result"
    period: str | None = None
    since: int = 2005
    is_endless: bool = False
    approval: bool = False


class Kind(msgspec.Struct, frozen=True):
    """What a parameter may be, from `valid_from` on."""

    name: str
    kind: str
    zh: str
    en: str
    source: str
    valid_from: date
    valid_to: date | None = None
    low: int | None = None
    high: int | None = None
    values: tuple[int, ...] = ()
    pattern: str = ""
    is_secret: bool = False


class Wrong(msgspec.Struct, frozen=True):
    """Why a parameter is not acceptable: `what` was found, `mend` says what is allowed."""

    where: str
    rule: str
    what: str
    mend: str


@cache
def _document() -> dict[str, Any]:
    return dict(
        yaml.load(files("ingest.rules").joinpath("commands.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


@cache
def catalogue() -> Mapping[str, Command]:
    """Every host command by name, in the order of the file."""
    rows = _document()["commands"].items()
    return {name: msgspec.convert({"name": name, **row}, Command) for name, row in rows}


@cache
def kinds_on(day: date) -> Mapping[str, Kind]:
    """The kinds of parameters in force on `day`."""
    every = [msgspec.convert(row, Kind) for row in _document()["kinds"]]
    return {
        one.name: one
        for one in every
        if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)
    }


def check(command: Command, given: Mapping[str, object], day: date) -> tuple[dict[str, str], list[Wrong]]:
    """The parameters as text, and what is wrong with them.

    Worked example: `set-interval` with `{"RtdInterval": 30}` gives `{"RtdInterval": "30"}` and no fault; with
    29 it gives a fault, since table 4 allows 30 to 3600 s.
    """
    kinds, kept, wrong = kinds_on(day), {}, []
    allowed = {name.rstrip("?") for name in command.parameters}
    for name in given.keys() - allowed:
        known = ", ".join(sorted(allowed)) or "none"
        wrong.append(
            Wrong(name, "unknown-parameter", f"{command.name} has no {name}", f"Allowed 允许: {known}")
        )
    for wanted in command.parameters:
        name = wanted.rstrip("?")
        kind, value = kinds.get(name), given.get(name)
        if kind is None:
            wrong.append(Wrong(name, "not-yet-valid", f"{name} is not in force on {day}", "见标准生效日期"))
        elif value is None:
            if not wanted.endswith("?"):
                wrong.append(Wrong(name, "missing-parameter", f"{name} is missing", _mend(kind)))
        elif (text := _text(kind, value)) is None:
            shown = "it" if kind.is_secret else repr(value)[:60]
            wrong.append(Wrong(name, "parameter-limit", f"{shown} is not allowed", _mend(kind)))
        else:
            kept[name] = text
    if "BeginTime" in kept and "EndTime" in kept and kept["BeginTime"] > kept["EndTime"]:
        wrong.append(Wrong("EndTime", "parameter-order", "EndTime is before BeginTime", "结束不得早于开始"))
    return kept, wrong


def _text(kind: Kind, value: object) -> str | None:
    """The value as HJ 212 writes it, None if it is not allowed."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if kind.kind == "whole":
        if not re.fullmatch(r"[0-9]{1,6}", text):
            return None
        number = int(text)
        low, high = kind.low or 0, kind.high if kind.high is not None else 10**6
        return str(number) if (number in kind.values if kind.values else low <= number <= high) else None
    if kind.kind == "time":
        return _time(text)
    if kind.kind == "clock":
        return text if re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", text) else None
    return text if re.fullmatch(kind.pattern, text) else None


def _time(text: str) -> str | None:
    """Fourteen digits in +08:00; ISO 8601 is taken too."""
    try:
        found = datetime.fromisoformat(f"{text[:8]}T{text[8:]}" if re.fullmatch(r"\d{14}", text) else text)
        local = found.astimezone(CHINA) if found.tzinfo else found
        return f"{local:%Y%m%d%H%M%S}" if 1970 <= local.year <= 9998 else None
    except (ValueError, OverflowError):
        return None


def _mend(kind: Kind) -> str:
    if kind.values:
        span = "one of " + " ".join(map(str, kind.values))
    elif kind.kind == "whole":
        span = f"{kind.low} … {kind.high}"
    else:
        span = {"time": "YYYYMMDDhhmmss", "clock": "hhmmss"}.get(kind.kind, kind.pattern)
    return f"{kind.en} {kind.zh}: {span} ({kind.source})"


def is_secret(name: str) -> bool:
    """Whether a parameter is never shown, logged or kept longer than needed."""
    return any(row["name"] == name and row.get("is_secret", False) for row in _document()["kinds"])


class Line(msgspec.Struct, frozen=True):
    """How a device is addressed: as its own frames are. `version` is 0 (2005), 1 (2017) or 2 (2025)."""

    mn: str
    system: str
    password: str
    version: int


def frame(command: Command, parameters: Mapping[str, str], line: Line, qn: str, now: datetime) -> bytes:
    """The request as bytes: acknowledge bit set, ST, PW and version as the device's own (§6.5).

    A clock to set that nobody named is the moment of sending. Worked example: `set-interval` with 30 for the
    sample device of Appendix A is the standard's example frame, CRC 1C80.
    """
    values = dict(parameters)
    if command.name == "set-time" and "SystemTime" not in values:
        values["SystemTime"] = f"{now.astimezone(CHINA):%Y%m%d%H%M%S}"
    info = values.pop("Info", None)
    groups = [f"{name}={value}" for name, value in values.items()]
    if info is not None:
        groups.append(f"{values['InfoId']}-Info={info}")
    head: dict[str, str | int] = {"QN": qn, "ST": line.system, "CN": command.cn}
    return build(head | {"PW": line.password, "MN": line.mn, "Flag": line.version << 2 | 1}, groups)


def stamp(now: datetime) -> str:
    """The QN of this moment: 17 digits in +08:00."""
    local = now.astimezone(CHINA)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"

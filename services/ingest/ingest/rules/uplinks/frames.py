"""HJ 212 as the device speaks it: a parcel as an upload, and what a host's frames mean to us.

Promises: an upload wants an acknowledgement; 2025 marks what was not sent in time with `RF=1`; we answer a
host's request only if MN and password are right, with "refused" (9011, QnRtn 2), and nothing else at all.
Leaves sockets and time-outs to `flows.uplinks.hj212`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec
from standards import factors, units

from ingest.rules.hj212_build import build
from ingest.rules.numbers import convert_number
from ingest.rules.readings import FIELDS
from ingest.rules.times import CHINA
from ingest.rules.uplinks.links import FLAGS, Link

# HJ 212-2017 table 9: realtime, minute, hour and day data.
COMMANDS = {"rtd": "2011", "min": "2051", "hour": "2061", "day": "2031"}
# Noise has names of its own for the same meanings; the first one stands for all other factors.
FIELD_NAMES = {meaning: field for field, meaning in reversed(FIELDS.items())}
# HJ 212-2017 table 6.
RETURNS = {"2": "refused", "3": "PW wrong", "4": "MN wrong", "5": "ST wrong", "6": "Flag wrong",
           "7": "QN wrong", "8": "CN wrong", "9": "CRC wrong", "100": "unknown error"}  # fmt: skip
# Notices a host sends (HJ 212-2017 §6.5): to acknowledge them would promise to stop.
_NOTICES = frozenset({"2012", "2022"})
NO_DATA = "B"


class Device(NamedTuple):
    """Who we are to the other side."""

    mn: str
    password: str
    system: int


class Said(NamedTuple):
    """What a host's frame settles: an acknowledgement, or a refusal with its reason."""

    mn: str
    qn: str
    what: Literal["acknowledged", "refused"]
    text: str


def qn_of(number: int) -> str:
    """17 digits, +08:00, of a number of milliseconds since 1970: one exchange has one QN (§6.3.2)."""
    at = datetime.fromtimestamp(number // 1000, UTC).astimezone(CHINA)
    return f"{at:%Y%m%d%H%M%S}{number % 1000:03d}"


def readings_of(
    rows: Sequence[Sequence[Any]], dialect: str, *, in_default_units: bool = False
) -> dict[str, tuple[dict[str, str], str]]:
    """(fields, mark) of each factor, as the dialect names it; a declared gap keeps only its mark.

    `in_default_units`: in the units of Appendix B (PM2.5 in ng/m³!), else as the series is registered.

    Worked example: a row a34004, avg, raw, "35.0", "N" is `{"a34004": ({"Avg": "35.0"}, "N")}`.
    """
    found: dict[str, tuple[dict[str, str], str]] = {}
    for _, code, statistic, basis, _, unit, _, value, flag in rows:
        known = factors.find(code)
        name = known.old if dialect == "2005" and known and known.old else code
        if in_default_units and known and value is not None and known.hj212_unit != unit:
            value = _converted(value, unit, known.hj212_unit)
        fields, mark = found.get(name, ({}, ""))
        if value is not None:
            fields[FIELD_NAMES[statistic, basis]] = value
        found[name] = (fields, mark or flag or ("" if value is not None else NO_DATA))
    return found


def _converted(text: str, unit: str, wanted: str) -> str:
    if not units.are_compatible(unit, wanted):
        return text
    value, decimals = convert_number(float(text), unit, wanted)
    return f"{value:.{decimals}f}"


def groups_of(readings: Mapping[str, tuple[dict[str, str], str]]) -> list[str]:
    """The CP groups of readings: `a34004-Avg=35.0,a34004-Flag=N`; no mark is made up."""
    groups = []
    for name, (fields, mark) in readings.items():
        pairs = [f"{name}-{field}={value}" for field, value in fields.items()]
        groups.append(",".join([*pairs, *([f"{name}-Flag={mark}"] if mark else [])]))
    return groups


def upload(body: bytes, device: Device, number: int, link: Link, *, is_resent: bool) -> bytes:
    """The frame of a parcel (2011, 2051, 2061 or 2031): the same bytes for the same number.

    Worked example: an hour of PM2.5 in dialect 2017 has `CN=2061`, `Flag=5` and `a34004-Avg=35.0` in CP.
    """
    dialect = link.dialect
    rows: list[list[Any]] = msgspec.json.decode(body)["data"]
    period, time = rows[0][4], datetime.fromisoformat(rows[0][6]).astimezone(CHINA)
    head: dict[str, str | int] = {
        "QN": qn_of(number),
        "ST": device.system,
        "CN": COMMANDS[period],
        "PW": device.password,
        "MN": device.mn,
        "Flag": FLAGS[dialect],
    }
    if dialect == "2025" and is_resent:
        head["RF"] = 1
    readings = readings_of(rows, dialect, in_default_units=link.units == "hj212")
    return build(head, [f"DataTime={time:%Y%m%d%H%M%S}", *groups_of(readings)])


def read_answer(fields: Mapping[str, str], parameters: Mapping[str, str]) -> Said | None:
    """What a frame of the host says about one of our uploads, None if nothing.

    Worked example: 9014 with our MN and QN is "acknowledged"; 9011 with QnRtn 9 is "refused", CRC wrong.
    """
    command, qn, mn = fields.get("CN", ""), fields.get("QN", ""), fields.get("MN", "")
    if command == "9014":
        return Said(mn, qn, "acknowledged", f"9014 QN={qn}")
    if command in ("9011", "9012"):
        code = parameters.get("QnRtn") or parameters.get("ExeRtn", "100")
        if code != "1":
            return Said(mn, qn, "refused", f"{command} {code} {RETURNS.get(code, '')}".strip())
    return None


def reply_to(fields: Mapping[str, str], passwords: Mapping[str, str]) -> bytes | None:
    """The answer to a host's request: refused, since we forward and command nothing; else None.

    `passwords` by MN. Requests are 1000 … 3999 with the acknowledge bit; notices, answers, requests for
    others and with a wrong password get no answer.
    """
    command, mn, flag = fields.get("CN", ""), fields.get("MN", ""), fields.get("Flag", "")
    is_request = (
        command.isascii() and command.isdigit() and 1000 <= int(command) < 4000 and command not in _NOTICES
    )
    if not is_request or mn not in passwords or fields.get("PW") != passwords[mn]:
        return None
    if not (flag.isascii() and flag.isdigit() and int(flag) & 1) or "QN" not in fields:
        return None
    head: dict[str, str | int] = {"QN": fields["QN"], "ST": 91, "CN": 9011, "PW": passwords[mn], "MN": mn}
    return build(head | {"Flag": int(flag) >> 2 << 2}, ["QnRtn=2"])

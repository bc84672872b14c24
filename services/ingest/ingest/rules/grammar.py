"""The text of an HJ 212 data segment: header fields and the CP pairs, read leniently (HJ 212-2017 §6.3).

Promises: never raises, whatever the bytes; names are returned in the standard's spelling, values as sent.
Leaves to `readings` what a pair means, and to `frames` whether the frame as a whole is sound.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

HEADER = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
_CANONICAL = {name.lower(): name for name in HEADER}
_VERSIONS = {0: "2005", 1: "2017", 2: "2025"}

# Free text stands in //…// and may hold separators; nothing else in HJ 212 can be escaped.
_PAIR = re.compile(r"([^=;,&]+)=(//.*?//(?=\s*(?:[;,]|$))|[^;,]*)")
_CP = re.compile(r"CP\s*=\s*&&", re.IGNORECASE)
_ENCRYPTED = re.compile(r"\{0x[0-9A-Fa-f]{2}\s*,")


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A data segment taken apart. `problems` make it unsound, `notes` are deviations the field tolerates."""

    fields: Mapping[str, str]
    pairs: list[tuple[str, str]]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read_segment(segment: bytes) -> Segment:
    """Take a data segment apart.

    Worked example: `b"ST=32;CN=2011;MN=A;CP=&&DataTime=20160824003817;011-Rtd=231.0,011-Flag=N&&"` has the
    fields ST, CN, MN and the pairs (DataTime, …), (011-Rtd, 231.0), (011-Flag, N).
    """
    problems: list[str] = []
    notes: list[str] = []
    try:
        text = segment.decode()
    except UnicodeDecodeError as error:
        problems.append(f"byte {error.start} of the data segment is not UTF-8")
        text = segment.decode(errors="backslashreplace")
    head, opened, rest = text.partition("CP=&&")
    if not opened:
        head, opened, rest = _find_cp(text, problems)
    fields = _read_header(head, problems, notes)
    pairs = _read_cp(rest, problems, notes) if opened else []
    _judge_fields(fields, problems, notes)
    return Segment(MappingProxyType(fields), pairs, tuple(problems), tuple(notes))


def _find_cp(text: str, problems: list[str]) -> tuple[str, str, str]:
    found = _CP.search(text)
    if found:
        return text[: found.start()], found[0], text[found.end() :]
    problems.append("no CP=&& in the data segment")
    return text, "", ""


def _read_header(head: str, problems: list[str], notes: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in head.split(";"):
        name, equals, value = part.strip(" ,\t").partition("=")
        if not equals:
            if name:
                problems.append(f"text without '=' before CP: {name[:40]!r}")
            continue
        known = _CANONICAL.get(name.strip().lower(), name.strip())
        if known in fields:
            notes.append(f"{known} stands twice")
        fields.setdefault(known, value.strip())
    return fields


def _read_cp(rest: str, problems: list[str], notes: list[str]) -> list[tuple[str, str]]:
    end = rest.rfind("&&")
    if end < 0:
        problems.append("CP is not closed by &&")
        end = len(rest)
    body = rest[:end].strip("& ;,\t\r\n")
    if not body:
        return []
    if _ENCRYPTED.match(body):
        problems.append("CP is encrypted (HJ 212-2025 §6.4)")
        return []
    pairs = _PAIR.findall(body)
    if " " in body:
        pairs = [(name.strip(), value.strip()) for name, value in pairs]
    if body.count(";") + body.count(",") + 1 != len(pairs):
        left = _PAIR.sub("", body).strip(" ;,\t")
        if left:
            problems.append(f"text without '=' in CP: {left[:40]!r}")
        notes.append("empty or free-text groups in CP")
    return pairs


def _judge_fields(fields: Mapping[str, str], problems: list[str], notes: list[str]) -> None:
    if not fields.get("MN"):
        problems.append("MN is missing")
    if not fields.get("CN"):
        problems.append("CN is missing")
    flag = fields.get("Flag")
    if flag is None:
        notes.append("no Flag")
    elif not (flag.isascii() and flag.isdigit() and int(flag[:4]) <= 255):
        problems.append(f"Flag {flag[:12]!r} is no number from 0 to 255")
    elif (int(flag) >> 1 & 1) != ("PNUM" in fields):
        notes.append("Flag and PNUM/PNO disagree")
    if "QN" not in fields:
        notes.append("no QN")


def flag_of(fields: Mapping[str, str]) -> int | None:
    """The Flag as a number, None where it is absent or no number (HJ 212-2017 §6.3.2)."""
    text = fields.get("Flag", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255 else None


def dialect_of(fields: Mapping[str, str]) -> str:
    """`2005`, `2017` or `2025` by the version bits of Flag; no Flag at all is the 2005 dialect.

    Worked example: Flag 5 is version 1, so "2017"; Flag 9 is "2025"; Flag 12 is "unknown".
    """
    if "Flag" not in fields:
        return "2005" if fields.get("CN") or fields.get("ST") else "unknown"
    flag = flag_of(fields)
    return "unknown" if flag is None else _VERSIONS.get(flag >> 2, "unknown")


def wants_answer(fields: Mapping[str, str]) -> bool:
    """Whether the acknowledge bit (bit 0 of Flag) is set."""
    flag = flag_of(fields)
    return flag is not None and bool(flag & 1)


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, str]:
    """`a34004-Rtd` → (`a34004`, `Rtd`); a name without a hyphen belongs to no factor: (``, `DataTime`)."""
    factor, _, field = name.rpartition("-")
    return factor, field

"""The text of an HJ 212 data segment: header fields and the CP pairs, read leniently (HJ 212-2017 §6.3).

Promises: never raises, whatever the bytes; names are returned in the standard's spelling, values as sent.
Leaves to `readings` what a pair means, and to `frames` whether the frame as a whole is sound.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

HEADER = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
_CANONICAL = {name.lower(): name for name in HEADER}
_VERSIONS = {0: "2005", 1: "2017", 2: "2025"}

# All bytes but the three that separate: what is left of CP without them is its shape.
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b"=;,")
# What stands behind `QN=…;` is repeated by a logger for years; longer ones are no header of the standard.
_QN_END, _LONGEST_KNOWN, _HEADERS_KNOWN = 20, 160, 32_768
_MOST_MARKS, _LONGEST_FORM = 512, 2048
_TEXT_END = re.compile(r"//(?=[ \t]*(?:[;,]|$))")
_CP = re.compile(r"CP\s*=\s*&&", re.IGNORECASE)
_ENCRYPTED = re.compile(r"\{\s*0x[0-9A-Fa-f]{1,2}\s*[,}]")
# HJ 212-2017 table 3 in its order; a PW-less or QN-less header is in order, too.
_PLACE = {name: place for place, name in enumerate(HEADER)}
_MOST_NOTES = 12


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A data segment taken apart. `problems` make it unsound, `notes` are deviations the field tolerates.

    `names[i]` and `values[i]` are the i-th pair of CP; `groups` counts what `;` separates there; `cipher`
    says that CP is encrypted, and then there are no pairs.
    """

    fields: Mapping[str, str]
    names: tuple[str, ...]
    values: list[str]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    groups: int = 0
    cipher: bool = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(name, value) of every pair of CP, in the order sent."""
        return list(zip(self.names, self.values, strict=True))


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
    known = _known_header(head)
    fields = _read_header(head, problems, notes) if known is None else known
    if opened and opened != "CP=&&":
        notes.append("CP=&& is spelt differently")
    body = _find_body(rest, problems, notes) if opened else ""
    cipher = _ENCRYPTED.match(body) is not None
    if cipher:
        problems.append("CP is encrypted (HJ 212-2025 §6.4)")
    names, values, groups = _read_pairs(body, problems, notes) if body and not cipher else ((), [], 0)
    if known is None:
        _judge_fields(fields, problems, notes)
    kept = tuple(notes[:_MOST_NOTES])
    return Segment(fields, names, values, tuple(problems), kept, groups, cipher)


def _known_header(head: str) -> dict[str, str] | None:
    """The fields of a header in which nothing is amiss, None where it must be looked at as a whole."""
    if head[:3] != "QN=" or head[_QN_END : _QN_END + 1] != ";" or len(head) > _LONGEST_KNOWN:
        return None
    number = head[3:_QN_END]
    rest = _behind_number(head[_QN_END + 1 :]) if number.isdigit() else None
    return None if rest is None else {"QN": number, **rest}


@lru_cache(maxsize=_HEADERS_KNOWN)
def _behind_number(rest: str) -> Mapping[str, str] | None:
    """The fields behind a sound QN, None if there is anything to say about them."""
    problems: list[str] = []
    notes: list[str] = []
    fields = _read_header(f"QN={'0' * (_QN_END - 3)};{rest}", problems, notes)
    _judge_fields(fields, problems, notes)
    del fields["QN"]
    return None if problems or notes else fields


def _find_cp(text: str, problems: list[str]) -> tuple[str, str, str]:
    found = _CP.search(text)
    if found:
        return text[: found.start()], found[0], text[found.end() :]
    problems.append("no CP=&& in the data segment")
    return text, "", ""


def _read_header(head: str, problems: list[str], notes: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in head.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            if name.strip(" ,\t"):
                problems.append(f"text without '=' before CP: {name[:40]!r}")
            continue
        if name in _PLACE and name not in fields and not value.endswith((" ", ",", "\t")):
            fields[name] = value.lstrip()
            continue
        bare = name.strip(" ,\t")
        known = _CANONICAL.get(bare.lower(), bare)
        if known in fields:
            notes.append(f"{known[:16]!r} stands twice")
        elif known != name or value != value.strip(" ,\t"):
            notes.append(f"{part[:24]!r} stands for {known[:16]!r}"[:80])
        fields.setdefault(known, value.strip(" ,\t"))
    return fields


def _find_body(rest: str, problems: list[str], notes: list[str]) -> str:
    """What stands between the first `CP=&&` and the last `&&`, bare of empty groups at its edges."""
    end = rest.rfind("&&")
    if end < 0:
        problems.append("CP is not closed by &&")
        end = len(rest)
    elif rest[end + 2 :].strip():
        notes.append(f"text after CP: {rest[end + 2 : end + 42]!r}")
    body = rest[:end].strip("& ;,\t\r\n")
    if len(body) != end and body:
        _note_edges(rest[:end], notes)
    return body


def _read_pairs(body: str, problems: list[str], notes: list[str]) -> tuple[tuple[str, ...], list[str], int]:
    """(names, values, groups). Linear in the length, whatever it holds."""
    marks = body.encode().translate(None, _NO_MARKS)
    groups, is_plain = _shape(marks) if len(marks) <= _MOST_MARKS else _shape.__wrapped__(marks)
    if is_plain:
        flat = body.replace(",", ";").replace("=", ";").split(";")
        names, values = tuple(flat[::2]), flat[1::2]
        names = _one_of(names) if len(body) <= _LONGEST_FORM else names
    else:
        names, values = _read_odd_pairs(body, problems, notes)
    if " " in body or "\t" in body:
        bare, trimmed = tuple(name.strip() for name in names), [value.strip() for value in values]
        if (bare, trimmed) != (names, values):
            notes.append("blanks around names or values in CP")
            names, values = bare, trimmed
    return names, values, groups


@lru_cache(maxsize=4096)
def _one_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same names as one object for all loggers, so that looking them up compares no texts."""
    return names


@lru_cache(maxsize=4096)
def _shape(marks: bytes) -> tuple[int, bool]:
    """How many groups these separators make, and whether they make pairs and nothing else."""
    groups = marks.count(b";") + 1
    size = groups + marks.count(b",")
    return groups, marks.replace(b",", b";") == b"=;" * (size - 1) + b"="


def _read_odd_pairs(body: str, problems: list[str], notes: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Pairs where a group is empty, a value holds `=`, or free text in //…// holds separators.

    Nothing but that free text can hold them in HJ 212: there is no escaping.
    """
    names, values, left = [], [], ""
    for part in _split_outside_text(body):
        name, equals, value = part.partition("=")
        if equals:
            names.append(name)
            values.append(value)
        else:
            left = left or name.strip(" \t&")
    if left:
        problems.append(f"text without '=' in CP: {left[:40]!r}")
    notes.append("empty or free-text groups in CP")
    return tuple(names), values


def _split_outside_text(body: str) -> list[str]:
    """Split at `;` and `,`, but not between `=//` and the next `//` that ends a value."""
    parts: list[str] = []
    at = 0
    while at <= len(body):
        opened = body.find("=//", at)
        before = body[at:] if opened < 0 else body[at:opened]
        closed = _TEXT_END.search(body, opened + 3) if opened >= 0 else None
        if closed is None:
            return parts + body[at:].replace(",", ";").split(";")
        *whole, name = before.replace(",", ";").split(";")
        parts += [*whole, name + body[opened : closed.end()]]
        at = closed.end()
        if body[at : at + 1] in (";", ","):
            at += 1
    return parts


def _note_edges(between: str, notes: list[str]) -> None:
    """Which of the marks stands where none belongs: `&&&&a=1;&&`."""
    if "&&" in between:
        notes.append("&& is doubled")
    if between.rstrip("& \t\r\n").endswith((";", ",")) or between.lstrip("& \t\r\n").startswith((";", ",")):
        notes.append("an empty group at the edge of CP")
    if between != between.strip(" \t\r\n"):
        notes.append("blanks at the edge of CP")


def _judge_fields(fields: Mapping[str, str], problems: list[str], notes: list[str]) -> None:
    for name, size in (("MN", 24), ("CN", 4), ("PW", 6)):
        found = len(fields.get(name, ""))
        if not found and name != "PW":
            problems.append(f"{name} is missing")
        elif found != size and found:
            notes.append(f"{name} has {found} characters, not {size}")
    flag = fields.get("Flag")
    if flag is None:
        notes.append("no Flag")
    elif not (flag.isascii() and flag.isdigit() and int(flag[:4]) <= 255):
        problems.append(f"Flag {flag[:12]!r} is no number from 0 to 255")
    elif (int(flag) >> 1 & 1) != ("PNUM" in fields):
        notes.append("Flag and PNUM/PNO disagree")
    if "QN" not in fields:
        notes.append("no QN")
    elif not (len(fields["QN"]) == 17 and fields["QN"].isdigit()):
        notes.append(f"QN {fields['QN'][:24]!r} is no time of 17 digits")
    if not _is_in_order(tuple(fields)):
        notes.append("fields stand in another order than in HJ 212 table 3")


@lru_cache(maxsize=1024)
def _is_in_order(names: tuple[str, ...]) -> bool:
    places = [_PLACE[name] for name in names if name in _PLACE]
    return places == sorted(places)


def flag_of(fields: Mapping[str, str]) -> int | None:
    """The Flag as a number, None where it is absent or no number (HJ 212-2017 §6.3.2)."""
    text = fields.get("Flag", "")
    return _flag(text) if len(text) <= 3 else None


@lru_cache(maxsize=1024)
def _flag(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= 255 else None


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
